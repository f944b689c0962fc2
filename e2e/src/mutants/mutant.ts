/** The files that a mutation reads and writes; paths are below the workspace. */
export interface SourceTree {
  /** The paths of all files below a folder. */
  files(workspace: string, folder: string): Promise<string[]>;
  read(workspace: string, path: string): Promise<string>;
  write(workspace: string, path: string, text: string): Promise<void>;
}

/**
 * One change of the code.
 * @throws PlaceNotFoundError where the code that it changes is not there exactly once
 */
export type Mutation = (tree: SourceTree) => Promise<void>;

/** A test that can be run alone. Its file is found by its name, so that it may move. */
export interface SelectedTest {
  readonly workspace: string;
  /** The beginning of the test's name, as written in the file. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The protocol, broken on purpose in one way. */
export interface Mutant {
  readonly name: string;
  /** What is broken, in one line. */
  readonly breaks: string;
  readonly mutations: readonly Mutation[];
  /** The smallest test that must fail. */
  readonly caughtBy: SelectedTest;
  /** Matches the failure of that test, so that a failure of another cause is not taken for a catch. */
  readonly because: RegExp;
}

/** The code that a mutation changes is gone, ambiguous, or unchanged by it: the mutant must follow the code. */
export class PlaceNotFoundError extends Error {
  override readonly name = 'PlaceNotFoundError';
}

/**
 * The only element.
 * @throws PlaceNotFoundError where there are none or several
 */
export function only<T>(found: readonly T[], what: string): T {
  const [one] = found;
  if (one === undefined || found.length > 1) throw new PlaceNotFoundError(`${what}: found ${found.length} times`);
  return one;
}

/**
 * `text` with the one match of `pattern` replaced.
 * @throws PlaceNotFoundError where there is none, several, or the replacement changes nothing
 */
export function replaceOnly(text: string, pattern: RegExp, replacement: string, where: string): string {
  const match = only(
    [...text.matchAll(new RegExp(pattern, `${pattern.flags.replace('g', '')}g`))],
    `${pattern.source} in ${where}`,
  );
  const replaced = match[0].replace(pattern, replacement);
  if (replaced === match[0])
    throw new PlaceNotFoundError(`${pattern.source} in ${where}: the mutation changes nothing`);
  return text.slice(0, match.index) + replaced + text.slice(match.index + match[0].length);
}
