import { InvalidValueError, type ConfigOf, type ConfigSubject, type Variable } from './variable.js';

/** The process's environment as Node gives it. Everything but the entry points takes it as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The error that lists every variable that is missing, malformed or unsafe, so that all are corrected at once. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads variables, collects what is wrong with them, and reports it all in `finish`.
 * A variable that is set but empty counts as not set, as Compose files produce them.
 */
export class EnvReader {
  private readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** The values of a subject's variables; the default stands in for a malformed one, whose problem is collected. */
  read<S extends ConfigSubject>(subject: S): ConfigOf<S> {
    const variables = Object.entries(subject.variables) as Array<[string, Variable<unknown>]>;
    const entries = variables.map(([key, variable]) => [key, this.value(variable)] as const);
    return Object.fromEntries(entries) as ConfigOf<S>;
  }

  /** The value of one variable, or its default. */
  value<T>(variable: Variable<T>): T {
    const text = this.text(variable);
    if (text === undefined) return variable.fallback;
    try {
      return variable.parse(text);
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      this.problem(`${variable.name} must be ${error.message}${variable.secret ? '' : `, not "${text}"`}`);
      return variable.fallback;
    }
  }

  /** Whether the variable has a value of its own, under any of its names. */
  isSet(variable: Variable<unknown>): boolean {
    return this.text(variable) !== undefined;
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  /** @throws ConfigError naming every problem met so far. */
  finish<T>(config: T): T {
    if (this.problems.length > 0) throw new ConfigError([...new Set(this.problems)]);
    return config;
  }

  /** The trimmed text under the variable's first name that is set. Names that contradict one another are a problem. */
  private text({ name, aliases }: Variable<unknown>): string | undefined {
    const given = [name, ...aliases].flatMap((candidate) => {
      const text = this.environment[candidate]?.trim();
      return text === undefined || text === '' ? [] : [{ candidate, text }];
    });
    const other = given.find(({ text }) => text !== given[0]!.text);
    if (other !== undefined) {
      this.problem(`${given[0]!.candidate} and ${other.candidate} are both set and differ: unset one of them`);
    }
    return given[0]?.text;
  }
}
