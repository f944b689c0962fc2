/** The process's environment as Node gives it. Everything but the entry points takes it as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every variable that is missing or malformed, in one error: a person mends them all at once. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

export interface IntegerRange {
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * Reads variables, collects what is wrong with them, and reports it all in `finish`.
 * A variable that is set but empty counts as not set, as Compose files produce them.
 */
export class EnvReader {
  private readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** The trimmed value, or undefined where the variable is unset or blank. */
  optional(name: string): string | undefined {
    const value = this.environment[name]?.trim();
    return value === '' ? undefined : value;
  }

  string(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  /** A value that has no default; `hint` says how to obtain one. */
  required(name: string, hint: string): string {
    const value = this.optional(name);
    if (value === undefined) this.problem(`${name} is not set: ${hint}`);
    return value ?? '';
  }

  integer(name: string, range: IntegerRange): number {
    const text = this.optional(name);
    if (text === undefined) return range.default;
    const min = range.min ?? 0;
    const max = range.max ?? Number.MAX_SAFE_INTEGER;
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      this.problem(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
      return range.default;
    }
    return value;
  }

  port(name: string, fallback: number): number {
    return this.integer(name, { default: fallback, min: 0, max: 65_535 });
  }

  boolean(name: string, fallback: boolean): boolean {
    const text = this.optional(name)?.toLowerCase();
    if (text === undefined) return fallback;
    if (['true', '1', 'yes', 'on'].includes(text)) return true;
    if (['false', '0', 'no', 'off'].includes(text)) return false;
    this.problem(`${name} must be true or false, not "${text}"`);
    return fallback;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    const found = allowed.find((candidate) => candidate === text);
    if (found === undefined) this.problem(`${name} must be one of ${allowed.join(', ')}, not "${text}"`);
    return found ?? fallback;
  }

  /** Comma-separated values, trimmed, blanks left out. */
  list(name: string, fallback: readonly string[]): readonly string[] {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  /** @throws ConfigError naming every problem met so far. */
  finish<T>(config: T): T {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
    return config;
  }
}
