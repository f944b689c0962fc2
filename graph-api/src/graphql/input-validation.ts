import { registerDecorator, validate, type ValidationError, type ValidationOptions } from 'class-validator';
import { cleanText, type TextKind } from './text.js';
import { UserErrorCode, type UserError } from './user-error.js';

/** White space, and what is invisible by itself, such as a zero-width space. */
const BLANK = /^[\s\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** The name under which class-validator reports what `ValidateWith` found; a property has one such rule. */
const RULE_NAME = 'validateWith';

type Finding = Pick<UserError, 'code' | 'message'>;

type Rule = (value: unknown, owner: object) => Finding | null;

/** A class-validator decorator from a rule that says by itself which code and message apply. */
export function ValidateWith(rule: Rule, options?: ValidationOptions): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: RULE_NAME,
      target: target.constructor,
      propertyName: property as string,
      ...(options === undefined ? {} : { options }),
      validator: {
        validate: (value: unknown, args) => rule(value, args!.object) === null,
        defaultMessage: (args) => JSON.stringify(rule(args!.value, args!.object)),
      },
    });
  };
}

export interface TextRule {
  readonly kind: TextKind;
  /** In code points, once the text is cleaned. */
  readonly maxLength: number;
  /** Whether null is a value of its own (the field is cleared). */
  readonly nullable: boolean;
}

/** The rules of an input class's texts, by its prototype and their names. */
const TEXTS = new Map<object, Map<string, TextRule>>();

/**
 * A text that `validateInput` cleans (see `cleanText`), and that is then neither blank nor too long. An absent field
 * passes.
 */
export function IsText(textRule: TextRule): PropertyDecorator {
  const { kind, maxLength, nullable } = textRule;
  const validated = ValidateWith((value) => {
    if (value === undefined || (value === null && nullable)) return null;
    if (typeof value !== 'string') return { code: UserErrorCode.INVALID, message: 'must not be null' };
    if (BLANK.test(value)) return { code: UserErrorCode.BLANK, message: 'must not be blank' };
    const cleaned = cleanText(value, kind);
    if (!cleaned.ok) return { code: UserErrorCode.INVALID, message: cleaned.problem };
    if (codePoints(cleaned.text) > maxLength) {
      return {
        code: UserErrorCode.TOO_LONG,
        message: `must have at most ${maxLength.toLocaleString('en')} characters`,
      };
    }
    return null;
  });
  return (target, property) => {
    TEXTS.set(target, (TEXTS.get(target) ?? new Map<string, TextRule>()).set(property as string, textRule));
    validated(target, property);
  };
}

/** The most code points of each text, by the names of its input type and field. */
export function maxTextLengths(): Record<string, Record<string, number>> {
  const lengths = [...TEXTS].map(([input, rules]) => {
    const fields = [...rules].map(([field, { maxLength }]) => [field, maxLength] as const);
    return [input.constructor.name, Object.fromEntries(fields)] as const;
  });
  return Object.fromEntries(lengths.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Texts that cannot be cleaned stay as they are: their rule refuses them. */
function cleanTexts(input: object): void {
  const texts = TEXTS.get(Object.getPrototypeOf(input) as object) ?? new Map<string, TextRule>();
  const fields = input as Record<string, unknown>;
  for (const [property, { kind }] of texts) {
    const value = fields[property];
    const cleaned = typeof value === 'string' ? cleanText(value, kind) : null;
    if (cleaned?.ok === true) fields[property] = cleaned.text;
  }
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Cleans the texts of an input in place, and checks it by the decorators of its class.
 * @returns every broken rule, with paths that begin with `input`; none where the input is fine
 */
export async function validateInput(input: object): Promise<UserError[]> {
  cleanTexts(input);
  const errors = await validate(input, { validationError: { target: false, value: false } });
  return errors.flatMap((error) => flatten(error, ['input']));
}

function flatten(error: ValidationError, path: readonly string[]): UserError[] {
  const field = [...path, error.property];
  // Only our own rules: `ValidateNested` has a message of its own for null, which a rule refuses already.
  const finding = error.constraints?.[RULE_NAME];
  const own = finding === undefined ? [] : [problemOf(finding, error.property, field)];
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, field))];
}

function problemOf(finding: string, property: string, field: string[]): UserError {
  const { code, message } = JSON.parse(finding) as Finding;
  return { code, message: `${property} ${message}`, field };
}
