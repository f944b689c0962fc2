import { serviceLinkPort } from './address.js';
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
      const given = variable.secret ? '' : `, not "${text.replace(CREDENTIALS, '//…@')}"`;
      this.problem(`${name} must be ${error.message}${given}${error.advice === undefined ? '' : `: ${error.advice}`}`);
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

  /** The first name of the variable that is set, with its text. Names that contradict one another are a problem. */
  private given(variable: Variable<unknown>): GivenText | undefined {
    const given = [variable.name, ...variable.aliases].flatMap((name) => {
      const text = this.textOf(name, variable);
      return text === undefined || variable.countsAsUnset?.(text) === true ? [] : [{ name, text }];
    });
    const [chosen, ...others] = given.filter(({ name, text }) => !this.isServicePort(name, text));
    if (chosen === undefined && given[0] !== undefined) {
      this.problem(
        `${given[0].name} is ${given[0].text}, which Kubernetes sets by itself for a Service of that name: ` +
          `write ${variable.name}, or set enableServiceLinks: false`,
      );
    }
    const other = others.find(({ text }) => text !== chosen!.text);
    if (other !== undefined) this.problem(`${chosen!.name} and ${other.name} are both set and differ: unset one`);
    return chosen;
  }

  /** A Service named "product" makes PRODUCT_PORT=tcp://10.0.0.1:80 and, beside it, PRODUCT_SERVICE_PORT=80. */
  private isServicePort(name: string, text: string): boolean {
    const service = /^(.+)_SERVICE_PORT$/.exec(name)?.[1];
    const link = service === undefined ? undefined : this.environment[`${service}_PORT`];
    return link !== undefined && String(serviceLinkPort(link.trim())) === text;
  }

  /** Trimmed, and without the quotes that `docker run --env-file` keeps; a secret's quotes may be its own. */
  private textOf(name: string, { secret }: Variable<unknown>): string | undefined {
    const trimmed = this.environment[name]?.trim() ?? '';
    const text = secret ? trimmed : (/^(["'])(.*)\1$/s.exec(trimmed)?.[2]?.trim() ?? trimmed);
    if (text === '') return undefined;
    if (UNEXPANDED.test(text)) {
      const shown = secret ? '' : `, "${text}"`;
      this.problem(`${name} is what a template or a shell left behind${shown}: write its value, or leave it out`);
      return undefined;
    }
    return text;
  }
}

interface GivenText {
  readonly name: string;
  readonly text: string;
}

/** The user and password of a URL, which no message repeats. */
const CREDENTIALS = /\/\/[^/]*@/;

/** `${NAME}`, `$NAME`, `{{ name }}`, and what JavaScript and Python make of nothing. */
const UNEXPANDED = /^(\$\{.*\}|\$\w+|\{\{.*\}\}|null|undefined|None|nil)$/s;
