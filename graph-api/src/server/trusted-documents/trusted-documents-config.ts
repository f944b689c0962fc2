import { readFileSync } from 'node:fs';
import type { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { configSubject, list, oneOf } from '@exact-ratings/shared/config/variable.js';
import { parseManifest, type Manifest } from './manifest.js';

export const TRUSTED_DOCUMENTS = configSubject('Trusted documents', {
  mode: oneOf('TRUSTED_DOCUMENTS', ['off', 'only'], {
    default: 'off',
    meaning:
      'With `only`, nothing is executed but the documents that the manifests list, asked for by their ids or their texts. With `off` everything is, and the manifests still give ids.',
  }),
  manifests: list('TRUSTED_DOCUMENT_MANIFESTS', {
    default: [],
    of: 'paths of JSON files',
    meaning:
      'Manifests of documents, read at start: objects of ids and texts, or those of Apollo. One each of the clients and releases that are in use.',
  }),
});

export interface TrustedDocumentsConfig {
  /** Whether nothing but the documents is executed. */
  readonly only: boolean;
  /** Of all manifests together. */
  readonly documents: Manifest;
}

/** Reads the manifests; one that cannot be used is reported to `env`. */
export function readTrustedDocumentsConfig(env: EnvReader, explorerActive: boolean): TrustedDocumentsConfig {
  const { mode, manifests } = env.read(TRUSTED_DOCUMENTS);
  const only = mode === 'only';
  if (only && manifests.length === 0) {
    env.problem('TRUSTED_DOCUMENTS=only needs TRUSTED_DOCUMENT_MANIFESTS: without a manifest nothing could be asked');
  }
  if (only && explorerActive) {
    env.problem('TRUSTED_DOCUMENTS=only and API_DOCS_ACTIVE exclude each other: the explorer sends what it likes');
  }
  const documents = new Map<string, string>();
  for (const path of manifests) addManifest(env, path, documents);
  return { only, documents };
}

function addManifest(env: EnvReader, path: string, documents: Map<string, string>): void {
  try {
    for (const [id, text] of parseManifest(readFileSync(path, 'utf8'))) {
      if ((documents.get(id) ?? text) !== text) throw new Error(`another manifest has another document "${id}"`);
      documents.set(id, text);
    }
  } catch (error) {
    env.problem(`TRUSTED_DOCUMENT_MANIFESTS: "${path}" is not usable: ${(error as Error).message}`);
  }
}
