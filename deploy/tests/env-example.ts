import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `.env.example`: what it sets, and what it says the defaults are (commented out). */
export function readEnvExample(): { readonly set: Record<string, string>; readonly defaults: Record<string, string> } {
  const set: Record<string, string> = {};
  const defaults: Record<string, string> = {};
  for (const line of readFileSync(join(ROOT, '.env.example'), 'utf8').split('\n')) {
    const [, comment, name, value] = /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (name in set || name in defaults) throw new Error(`${name} is twice in .env.example`);
    (comment === undefined ? set : defaults)[name] = value!;
  }
  return { set, defaults };
}
