/** Whether a value's JSON is larger than this many bytes, by a count that ends as soon as it is. Escapes are not counted. */
export function isJsonLargerThan(value: unknown, maxBytes: number): boolean {
  let bytes = 0;
  const add = (part: unknown): boolean => {
    if (typeof part === 'string') bytes += Buffer.byteLength(part) + 2;
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
