/** A change of a built file; `from` must be there exactly once. */
export interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A test that can be run alone. */
export interface SelectedTest {
  readonly workspace: 'e2e' | 'rating-worker';
  /** Path of the test file in its workspace, as jest takes it. */
  readonly file: string;
  /** The test's name, or a part of it. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The protocol, broken on purpose in one way. */
export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  readonly patches: readonly Patch[];
  /** The smallest test that must notice. */
  readonly caughtBy: SelectedTest;
  /** What its failure says, so that another failure is not taken for it. */
  readonly because: RegExp;
}
