import { balanceBidi } from './bidi.js';

/**
 * What a text is for, which decides how it is cleaned:
 * - `identifier`: compared by machines. What cannot be seen is dropped, and equal looks become equal (NFC).
 * - `line`: a name or title. Trimmed.
 * - `lines`: a longer text. White space stays as it is.
 */
export type TextKind = 'identifier' | 'line' | 'lines';

/** The text as it is stored, or what stands in the way, as the end of a sentence that begins with the field's name. */
export type CleanText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** What Windows-1252 has where Unicode has C1 control characters: text that was decoded as Latin-1 by mistake. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const WHITE_SPACE = /^\s$/u;
/** At the ends of a line; a variation selector or a tag there belongs to an emoji, so not all that is invisible. */
const TRIMMED = /^[\s\u00ad\u180e\u200b\u2060\ufeff]$/u;
const INVISIBLE = /^\p{Default_Ignorable_Code_Point}$/u;
const LINE_BREAK = /^[\n\r\u2028\u2029]$/u;
const CONTROL = /^[\u0000-\u0008\u000e-\u001f\u007f-\u009f]$/u;

/**
 * A text as people paste it, made fit to be stored and shown. Idempotent.
 *
 * Vertical tabs and form feeds are line breaks; C1 control characters are the letters of Windows-1252; overrides of the
 * writing direction and directional marks without their partner are dropped, so that a text cannot turn what follows it.
 * Half of a surrogate pair, and control characters that mean nothing, are refused by code point and position.
 */
export function cleanText(text: string, kind: TextKind): CleanText {
  const characters = Array.from(text);
  const [start, end] = kind === 'lines' ? [0, characters.length] : trimmedRange(characters);
  const cleaned: string[] = [];
  for (let i = start; i < end; i += 1) {
    const character = fromWindows1252(characters[i]!);
    const refusal = refusalOf(character, kind);
    if (refusal !== null) {
      const codePoint = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      return { ok: false, problem: `has ${refusal} (U+${codePoint}) at position ${i + 1}` };
    }
    if (kind === 'identifier' && INVISIBLE.test(character)) continue;
    if (character === '\v' || character === '\f') cleaned.push(kind === 'lines' ? '\n' : ' ');
    else if (kind !== 'lines' && WHITE_SPACE.test(character))
      cleaned.push(kind === 'line' && character !== '\t' ? character : ' ');
    else cleaned.push(character);
  }
  if (kind === 'identifier') return { ok: true, text: cleaned.join('').trim().normalize('NFC') };
  const balanced = balanceBidi(cleaned);
  return { ok: true, text: (kind === 'lines' ? balanced : trim(balanced)).join('') };
}

function fromWindows1252(character: string): string {
  const code = character.charCodeAt(0);
  return code >= 0x80 && code <= 0x9f ? WINDOWS_1252[code - 0x80]! : character;
}

function refusalOf(character: string, kind: TextKind): string | null {
  if (!character.isWellFormed()) return 'half of a surrogate pair';
  if (CONTROL.test(character)) return 'a control character';
  return kind !== 'lines' && LINE_BREAK.test(character) ? 'a line break' : null;
}

function trim(characters: readonly string[]): string[] {
  return characters.slice(...trimmedRange(characters));
}

/** Where the text begins and ends without what is trimmed. A loop: patterns take the square of a long run's length. */
function trimmedRange(characters: readonly string[]): [number, number] {
  let start = 0;
  let end = characters.length;
  while (start < end && TRIMMED.test(characters[start]!)) start += 1;
  while (end > start && TRIMMED.test(characters[end - 1]!)) end -= 1;
  return [start, end];
}
