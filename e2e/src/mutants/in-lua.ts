import { basename } from 'node:path';
import { only, PlaceNotFoundError, type Mutation } from './mutant.js';

/**
 * Changes a Lua script of shared, wherever it is.
 * @param name of the script or include, such as `apply-changes`
 * @param pattern matches what is broken: by field, command and structure, not by the names of local variables
 * @param times how often it must match
 */
export function inLuaScript(name: string, pattern: RegExp, replacement: string, times = 1): Mutation {
  return async (tree) => {
    const scripts = (await tree.files('shared', 'lua')).filter((path) => basename(path) === `${name}.lua`);
    const path = only(scripts, `the script ${name}.lua`);
    const text = await tree.read('shared', path);
    const global = new RegExp(pattern, `${pattern.flags}g`);
    const found = [...text.matchAll(global)].length;
    if (found !== times) {
      throw new PlaceNotFoundError(`${pattern.source} in ${name}.lua: found ${found} times instead of ${times}`);
    }
    const mutated = text.replace(global, replacement);
    if (mutated === text)
      throw new PlaceNotFoundError(`${pattern.source} in ${name}.lua: the mutation changes nothing`);
    await tree.write('shared', path, mutated);
  };
}
