import { GraphQLError } from 'graphql';
import { extensionsOf, type ErrorCode } from '../../graphql/error-codes.js';
import type { TrustedDocumentsConfig } from './trusted-documents-config.js';

/** How a request names its document: by an id, in one of two ways. */
export interface DocumentName {
  readonly id: string;
  /** As Apollo's clients do, which know some errors by their words. */
  readonly isPersistedQuery: boolean;
}

/** The documents that manifests list. */
export class TrustedDocuments {
  private readonly texts: ReadonlySet<string>;

  constructor(private readonly config: TrustedDocumentsConfig) {
    this.texts = new Set(config.documents.values());
  }

  /**
   * The text of the document.
   * @throws PERSISTED_QUERY_NOT_FOUND, or PERSISTED_QUERY_NOT_SUPPORTED where there are no manifests
   */
  textOf({ id, isPersistedQuery }: DocumentName): string {
    const { documents } = this.config;
    const text = documents.get(id) ?? documents.get(id.replace(/^sha256:/, ''));
    if (text !== undefined) return text;
    if (documents.size === 0) {
      throw refusal('PERSISTED_QUERY_NOT_SUPPORTED', isPersistedQuery ? 'PersistedQueryNotSupported' : NO_MANIFEST);
    }
    throw refusal('PERSISTED_QUERY_NOT_FOUND', isPersistedQuery ? 'PersistedQueryNotFound' : UNKNOWN_ID);
  }

  /**
   * Checks a text that a request brings: the text of a listed document is as good as its id.
   * @throws DOCUMENT_NOT_TRUSTED
   */
  check(text: string): void {
    if (this.config.only && !this.texts.has(text)) throw refusal('DOCUMENT_NOT_TRUSTED', NOT_LISTED);
  }
}

const NO_MANIFEST = 'This service has no manifest of documents: send the text as "query".';
const UNKNOWN_ID =
  'No manifest of this service lists a document with this id: add it to one, or send a listed document.';
const NOT_LISTED =
  'This service executes only the documents that its manifests list, and this text is none of them, to the letter: add it ' +
  'to a manifest, or send a listed document.';

function refusal(code: ErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: extensionsOf(code) });
}
