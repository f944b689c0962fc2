import { createHash } from 'node:crypto';
import { badUserInput } from './errors.js';

const MAX_LENGTH = 255;
/** Visible ASCII: what all clients, logs and headers write alike. */
const VISIBLE = /^[\x21-\x7e]+$/;

/** The `idempotencyKey` argument of a mutation that creates something. */
export const IDEMPOTENCY_KEY = {
  nullable: true,
  description: `A new, random name for this mutation, such as a UUID: 1 to ${MAX_LENGTH} visible ASCII characters. Sent again by the same caller with the same key and input, it is answered what was decided then, and nothing is created twice. Another input, or another mutation, is IDEMPOTENCY_KEY_REUSED. Keys are kept for a day, unless the operator says otherwise.`,
} as const;

/**
 * The key that the caller gave, or null.
 * @throws BAD_USER_INPUT where it is none that can be used
 */
export function parseIdempotencyKey(key: string | null | undefined): string | null {
  if (key == null) return null;
  if (key === '' || key.length > MAX_LENGTH) {
    throw badUserInput(`idempotencyKey must have 1 to ${MAX_LENGTH} characters, not ${key.length}`, 'idempotencyKey');
  }
  if (VISIBLE.test(key)) return key;
  const characters = Array.from(key);
  const position = characters.findIndex((character) => !VISIBLE.test(character));
  const codePoint = characters[position]!.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  throw badUserInput(
    `idempotencyKey must be of visible ASCII characters: U+${codePoint} at position ${position + 1} is none`,
    'idempotencyKey',
  );
}

/**
 * What tells a repetition from another mutation under the same key: SHA-256 of what it stores, so that inputs that store the same
 * are the same.
 * @param mutation its name in the schema
 * @param stored the cleaned values, null where a field is absent
 */
export function hashInput(mutation: string, stored: ReadonlyArray<string | number | null>): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([mutation, ...stored]))
    .digest();
}
