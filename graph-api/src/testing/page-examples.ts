/** One fenced block of a Markdown page. */
interface Block {
  readonly language: string;
  readonly text: string;
}

/** A part of a page under one heading of the second level, with its blocks in their order. */
export interface Section {
  readonly heading: string;
  /** Variables of the service for this section, from a comment `<!-- environment: NAME=value NAME=value -->`. */
  readonly environment: Record<string, string>;
  readonly examples: readonly Example[];
}

/** Something that a reader could run, with what the page says comes back; null where it says nothing. */
export type Example =
  | {
      readonly kind: 'graphql';
      readonly operation: string;
      readonly variables: string;
      /** The answer as JSON. */
      readonly answer: string | null;
    }
  | { readonly kind: 'http'; readonly request: string; readonly response: string }
  | { readonly kind: 'js'; readonly program: string; readonly output: string | null };

/** Languages of blocks that are read, not run: settings, shapes and recipes of other people's packages. */
const READ_ONLY = new Set(['sh', 'text', 'ts', 'tsx', 'yaml']);

/** The sections of a page. @throws an error that names a block which is neither run nor known to be read only */
export function sectionsOf(markdown: string): Section[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((text) => ({
      heading: text.slice(0, text.indexOf('\n')),
      environment: environmentOf(text),
      examples: examplesOf(blocksOf(text)),
    }));
}

function environmentOf(text: string): Record<string, string> {
  const assignments = /<!-- environment: (.*?) -->/.exec(text)?.[1]?.split(' ') ?? [];
  return Object.fromEntries(assignments.map((one) => [one.split('=')[0]!, one.slice(one.indexOf('=') + 1)]));
}

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\S*)\n(.*?)^```$/gms)].map(([, language, body]) => ({
    language: language!,
    text: body!,
  }));
}

function examplesOf(blocks: readonly Block[]): Example[] {
  const examples: Example[] = [];
  const queue = [...blocks];
  /** The next block, where it is what this one is followed by. */
  const follow = (language: string, isIt: (text: string) => boolean = () => true): string | null =>
    queue[0]?.language === language && isIt(queue[0].text) ? queue.shift()!.text : null;

  for (let block = queue.shift(); block !== undefined; block = queue.shift()) {
    const { language, text } = block;
    if (language === 'graphql') {
      const variables = follow('json', (json) => !isAnswer(json)) ?? '{}';
      examples.push({ kind: 'graphql', operation: text, variables, answer: follow('json', isAnswer) });
    } else if (language === 'http') {
      const response = follow('http', (answer) => answer.startsWith('HTTP/'));
      if (response === null) throw new Error(`no response stands behind this request:\n${text}`);
      examples.push({ kind: 'http', request: text, response });
    } else if (language === 'js') {
      examples.push({ kind: 'js', program: text, output: follow('text') });
    } else if (!READ_ONLY.has(language)) {
      throw new Error(`this block of "${language}" belongs to no example:\n${text}`);
    }
  }
  return examples;
}

function isAnswer(json: string): boolean {
  const value = JSON.parse(json) as object;
  return 'data' in value || 'errors' in value;
}
