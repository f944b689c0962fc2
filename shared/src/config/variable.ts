/** One variable of the environment: what it means and how its text is read. The reader and docs/configuration.md share it. */
export interface Variable<T> {
  readonly name: string;
  /** Other names of the same variable. */
  readonly aliases: readonly string[];
  /** The accepted values in words, such as "whole number from 1 to 100". */
  readonly accepts: string;
  /** What counts where nothing is set. */
  readonly fallback: T;
  /** The default as the documentation shows it. */
  readonly defaultText: string;
  readonly meaning: string;
  /** Secrets are never repeated in an error. */
  readonly secret: boolean;
  /** @throws InvalidValueError where the text is not accepted */
  readonly parse: (text: string) => T;
  /** Whether a text is somebody else's, such as a link that an orchestrator sets by itself, and counts as not set. */
  readonly countsAsUnset?: (text: string) => boolean;
}

/** The variables of one subject, by the names of the properties that they become. */
export interface ConfigSubject<V extends Variables = Variables> {
  /** Heading in docs/configuration.md; subjects of the same title share a table. */
  readonly title: string;
  readonly variables: V;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- variables of any type are listed together
export type Variables = Readonly<Record<string, Variable<any>>>;

/** The values of a subject's variables, as `EnvReader.read` returns them. */
export type ConfigOf<S extends ConfigSubject> = {
  readonly [K in keyof S['variables']]: S['variables'][K] extends Variable<infer T> ? T : never;
};

/** `accepts` completes the sentence "NAME must be …"; `advice` says what to write instead, where that can be told. */
export class InvalidValueError extends Error {
  override readonly name = 'InvalidValueError';

  constructor(
    accepts: string,
    readonly advice?: string,
  ) {
    super(accepts);
  }
}

export interface Description {
  readonly meaning: string;
  readonly aliases?: readonly string[];
  readonly secret?: boolean;
}

export function configSubject<const V extends Variables>(title: string, variables: V): ConfigSubject<V> {
  return { title, variables };
}

export interface IntegerOptions extends Description {
  readonly default: number;
  /** 0 where left out. */
  readonly min?: number;
  readonly max?: number;
}

export function integer(name: string, options: IntegerOptions): Variable<number> {
  const { default: fallback, min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const accepts = `a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  return variable(name, options, accepts, fallback, (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) throw new InvalidValueError(accepts);
    return value;
  });
}

/** A decimal number. */
export function decimal(name: string, options: IntegerOptions & { readonly max: number }): Variable<number> {
  const { default: fallback, min = 0, max } = options;
  const accepts = `a number from ${min} to ${max}`;
  return variable(name, options, accepts, fallback, (text) => {
    const value = Number(text);
    if (!/^-?\d+(\.\d+)?$/.test(text) || value < min || value > max) throw new InvalidValueError(accepts);
    return value;
  });
}

/** A whole number without a fixed default; `otherwise` says what decides instead. */
export function optionalInteger(
  name: string,
  { otherwise, ...options }: Description & Pick<IntegerOptions, 'min' | 'max'> & { readonly otherwise: string },
): Variable<number | undefined> {
  return { ...integer(name, { ...options, default: 0 }), fallback: undefined, defaultText: otherwise };
}

export function text(name: string, options: Description & { readonly default: string }): Variable<string> {
  return variable(name, options, 'text', options.default, parseText);
}

/** A text without a default. */
export function optionalText(name: string, options: Description): Variable<string | undefined> {
  return variable<string | undefined>(name, options, 'text', undefined, parseText);
}

export interface PatternOptions extends Description {
  readonly default: string;
  readonly pattern: RegExp;
  /** The pattern in words, to complete "must be …". */
  readonly accepts: string;
}

export function matchingText(name: string, options: PatternOptions): Variable<string> {
  return variable(name, options, options.accepts, options.default, (value) => {
    if (!options.pattern.test(value)) throw new InvalidValueError(options.accepts);
    return value;
  });
}

export function boolean(name: string, options: Description & { readonly default: boolean }): Variable<boolean> {
  return variable(name, options, 'true or false', options.default, parseBoolean);
}

/** True or false without a fixed default; `otherwise` says what decides instead. */
export function optionalBoolean(
  name: string,
  options: Description & { readonly otherwise: string },
): Variable<boolean | undefined> {
  const fallback: boolean | undefined = undefined;
  return { ...variable(name, options, 'true or false', fallback, parseBoolean), defaultText: options.otherwise };
}

export function oneOf<const T extends string>(
  name: string,
  allowed: readonly T[],
  options: Description & { readonly default: NoInfer<T> },
): Variable<T> {
  const accepts = `one of ${allowed.join(', ')}`;
  return variable(name, options, accepts, options.default, (value) => {
    const found = allowed.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
    if (found === undefined) throw new InvalidValueError(accepts);
    return found;
  });
}

/** Comma-separated values; blanks are left out. */
export function list(
  name: string,
  options: Description & { readonly default: readonly string[]; readonly of: string },
): Variable<readonly string[]> {
  return variable(name, options, `comma-separated ${options.of}`, options.default, (value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
}

/** A variable of any type; the others are made of it. */
export function variable<T>(
  name: string,
  { meaning, aliases = [], secret = false }: Description,
  accepts: string,
  fallback: T,
  parse: (text: string) => T,
): Variable<T> {
  return { name, aliases, accepts, fallback, defaultText: defaultTextOf(fallback), meaning, secret, parse };
}

function defaultTextOf(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.join(',');
  return typeof fallback === 'string' ? fallback : fallback === undefined ? '' : JSON.stringify(fallback);
}

/** A line break or another control character in the middle comes of a value pasted or mounted wrongly. */
function parseText(value: string): string {
  const position = value.search(/\p{Cc}/u);
  if (position === -1) return value;
  const codePoint = value.codePointAt(position)!.toString(16).toUpperCase().padStart(4, '0');
  throw new InvalidValueError(`one line of text (character ${position + 1} is U+${codePoint})`);
}

function parseBoolean(value: string): boolean {
  if (['true', '1', 'yes', 'on'].includes(value.toLowerCase())) return true;
  if (['false', '0', 'no', 'off'].includes(value.toLowerCase())) return false;
  throw new InvalidValueError('true or false');
}
