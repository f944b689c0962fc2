import { InvalidValueError, list, type Description, type Variable } from '@exact-ratings/shared/config/variable.js';

/** A list of origins as browsers send them. Any other writing would match none of them, silently. */
export function originList(name: string, options: Description): Variable<readonly string[]> {
  const variable = list(name, { ...options, default: [], of: 'origins, such as https://shop.example' });
  return { ...variable, parse: (text) => variable.parse(text).map(originOf) };
}

/** @throws InvalidValueError where the text is no origin, with the origin that was probably meant */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidValueError(`origins with a scheme, such as https://shop.example; "${text}" is none`);
  }
  const { origin } = url;
  if (text.toLowerCase() !== origin) {
    throw new InvalidValueError(`origins without a path or a default port: write "${origin}" for "${text}"`);
  }
  return origin;
}
