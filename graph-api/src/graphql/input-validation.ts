import { registerDecorator, validate, type ValidationError, type ValidationOptions } from 'class-validator';

/** A rule that an input broke: its code, a message for a person, and the path of the field. */
export interface ValidationProblem<Code extends string = string> {
  readonly code: Code;
  readonly message: string;
  readonly field: string[];
}

/** Control characters other than tab and line breaks, and the bidi controls that make a text read as what it is not. */

const FORBIDDEN_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
/** White space, and what is invisible by itself, such as a zero-width space. */
const BLANK = /^[\s\p{Default_Ignorable_Code_Point}\u2800]*$/u;
const LINE_BREAKS = /[\t\n\r\u2028\u2029]/;

/** The name under which class-validator reports what `ValidateWith` found; a property has one such rule. */
const RULE_NAME = 'validateWith';

type Rule = (value: unknown, owner: object) => { code: string; message: string } | null;

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
  readonly maxLength: number;
  /** Whether null is a value of its own (the field is cleared). */
  readonly nullable: boolean;
  readonly multiline?: boolean;
}

/** A text that is not blank, not too long (in Unicode code points), and well-formed. An absent field passes. */
export function IsText({ maxLength, nullable, multiline = false }: TextRule): PropertyDecorator {
  return ValidateWith((value) => {
    if (value === undefined || (value === null && nullable)) return null;
    if (typeof value !== 'string') return { code: 'INVALID', message: 'must not be null' };
    if (BLANK.test(value)) return { code: 'BLANK', message: 'must not be blank' };
    if (!value.isWellFormed()) return { code: 'INVALID', message: 'holds half of a surrogate pair' };
    if (FORBIDDEN_CHARACTERS.test(value) || (!multiline && LINE_BREAKS.test(value))) {
      return { code: 'INVALID', message: 'holds a control character that is not allowed here' };
    }
    if (codePoints(value) > maxLength) {
      return { code: 'TOO_LONG', message: `must have at most ${maxLength.toLocaleString('en')} characters` };
    }
    return null;
  });
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Checks an input class by its decorators.
 * @param codes the enum of the subject's `userErrors`; it has every code that the rules of this input use
 * @returns every broken rule, with paths that begin with `input`; none where the input is fine
 */
export async function validateInput<Code extends string>(
  input: object,
  codes: Readonly<Record<string, Code>>,
): Promise<Array<ValidationProblem<Code>>> {
  const errors = await validate(input, { validationError: { target: false, value: false } });
  const problems = errors.flatMap((error) => flatten(error, ['input']));
  return problems.map((problem) => ({ ...problem, code: codes[problem.code]! }));
}

function flatten(error: ValidationError, path: readonly string[]): ValidationProblem[] {
  const field = [...path, error.property];
  // Only our own rules: `ValidateNested` has a message of its own for null, which a rule refuses already.
  const finding = error.constraints?.[RULE_NAME];
  const own = finding === undefined ? [] : [problemOf(finding, error.property, field)];
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, field))];
}

function problemOf(finding: string, property: string, field: string[]): ValidationProblem {
  const { code, message } = JSON.parse(finding) as { code: string; message: string };
  return { code, message: `${property} ${message}`, field };
}
