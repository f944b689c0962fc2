/** Bytes that a UTF-16 unit becomes at most. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Whether a value's JSON is larger than this many bytes, by a count that ends as soon as it is. Escapes are not counted. Texts are
 * measured only where their lengths leave it open: measuring each costs as much as writing it.
 */
export function isJsonLargerThan(value: unknown, maxBytes: number): boolean {
  return (
    exceeds(value, maxBytes, (text) => text.length * MAX_BYTES_PER_UNIT) &&
    exceeds(value, maxBytes, (text) => Buffer.byteLength(text))
  );
}

function exceeds(value: unknown, maxBytes: number, bytesOf: (text: string) => number): boolean {
  let bytes = 0;
  const add = (part: unknown): boolean => {
    if (typeof part === 'string') bytes += bytesOf(part) + 2;
    else if (Array.isArray(part)) return bytes > maxBytes || part.some((item) => ((bytes += 1), add(item)));
    else if (typeof part === 'object' && part !== null) return addObject(part);
    else bytes += 5;
    return bytes > maxBytes;
  };
  const addObject = (object: object): boolean => {
    for (const key in object) {
      bytes += key.length + 4;
      if (add((object as Record<string, unknown>)[key])) return true;
    }
    return bytes > maxBytes;
  };
  return add(value);
}
