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
    const given = this.given(variable);
    if (given === undefined) return variable.fallback;
    const { name, text } = given;
    try {
      return variable.parse(text);
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      this.problem(`${name} must be ${error.message}${variable.secret ? '' : `, not "${text}"`}`);
      return variable.fallback;
    }
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  /** @throws ConfigError naming every problem met so far. */
  finish<T>(config: T): T {
    if (this.problems.length > 0) throw new ConfigError([...new Set(this.problems)]);
    return config;
  }

  /** The first name of the variable that is set, with its trimmed text. Names that contradict one another are a problem. */
  private given(variable: Variable<unknown>): { readonly name: string; readonly text: string } | undefined {
    const given = [variable.name, ...variable.aliases].flatMap((name) => {
      const text = this.environment[name]?.trim();
      return text === undefined || text === '' ? [] : [{ name, text }];
    });
    const other = given.find(({ text }) => text !== given[0]!.text);
    if (other !== undefined) this.problem(`${given[0]!.name} and ${other.name} are both set and differ: unset one`);
    return given[0];
  }
}
