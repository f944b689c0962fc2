const EMBEDDINGS = new Set(['\u202a', '\u202b']);
const OVERRIDES = new Set(['\u202d', '\u202e']);
const POP_EMBEDDING = '\u202c';
const ISOLATES = new Set(['\u2066', '\u2067', '\u2068']);
const POP_ISOLATE = '\u2069';
/** A paragraph ends all that is open in it. */
const PARAGRAPH_ENDS = new Set(['\n', '\r', '\u2029']);

interface Opener {
  readonly at: number;
  readonly kind: 'embedding' | 'override' | 'isolate';
}

/**
 * The text without what could change the writing direction of its surroundings: overrides (a text in Hebrew or Arabic
 * needs none; they make a text read as what it is not) and embeddings and isolates that are not closed, or close nothing.
 * Balanced ones stay: pasted text has them. By UAX #9: an isolate's end closes the embeddings in it.
 * @param characters the code points of the text
 */
export function balanceBidi(characters: readonly string[]): string[] {
  const dropped = new Set<number>();
  let open: Opener[] = [];
  characters.forEach((character, at) => {
    if (EMBEDDINGS.has(character)) open.push({ at, kind: 'embedding' });
    else if (ISOLATES.has(character)) open.push({ at, kind: 'isolate' });
    else if (OVERRIDES.has(character)) {
      open.push({ at, kind: 'override' });
      dropped.add(at);
    } else if (character === POP_EMBEDDING) {
      const last = open.at(-1);
      if (last === undefined || last.kind === 'isolate') dropped.add(at);
      else {
        if (last.kind === 'override') dropped.add(at);
        open.pop();
      }
    } else if (character === POP_ISOLATE) {
      const isolate = open.findLastIndex(({ kind }) => kind === 'isolate');
      if (isolate === -1) dropped.add(at);
      else
        open
          .splice(isolate)
          .slice(1)
          .forEach((unclosed) => dropped.add(unclosed.at));
    } else if (PARAGRAPH_ENDS.has(character)) {
      open.forEach((unclosed) => dropped.add(unclosed.at));
      open = [];
    }
  });
  open.forEach((unclosed) => dropped.add(unclosed.at));
  return dropped.size === 0 ? [...characters] : characters.filter((_, at) => !dropped.has(at));
}
