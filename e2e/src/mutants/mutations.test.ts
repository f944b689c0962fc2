import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inLuaScript } from './in-lua.js';
import { inDatabaseObject, sqlStatements } from './in-database.js';
import { inLiteral, wrapFunction } from './in-typescript.js';
import { PlaceNotFoundError, type SourceTree } from './mutant.js';
import { MUTANTS } from './protocol-mutants.js';
import { listFiles, REPOSITORY } from './repository.js';

/** The work tree with changes that are kept in memory. */
class EditedTree implements SourceTree {
  /** Paths below the repository; undefined for a file that was moved away. */
  readonly #changes = new Map<string, string | undefined>();

  async files(workspace: string, folder: string): Promise<string[]> {
    const paths = new Set(await listFiles(join(REPOSITORY, workspace), folder));
    for (const [path, text] of this.#changes) {
      if (!path.startsWith(`${workspace}/${folder}/`)) continue;
      const below = path.slice(workspace.length + 1);
      if (text === undefined) paths.delete(below);
      else paths.add(below);
    }
    return [...paths];
  }

  async read(workspace: string, path: string): Promise<string> {
    return this.#changes.get(`${workspace}/${path}`) ?? readFile(join(REPOSITORY, workspace, path), 'utf8');
  }

  async write(workspace: string, path: string, text: string): Promise<void> {
    this.#changes.set(`${workspace}/${path}`, text);
  }

  async edit(workspace: string, path: string, change: (text: string) => string): Promise<void> {
    const text = await this.read(workspace, path);
    const changed = change(text);
    expect(changed).not.toBe(text);
    await this.write(workspace, path, changed);
  }

  async move(workspace: string, from: string, to: string): Promise<void> {
    await this.write(workspace, to, await this.read(workspace, from));
    this.#changes.set(`${workspace}/${from}`, undefined);
  }
}

let tree: EditedTree;

beforeEach(() => {
  tree = new EditedTree();
});

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s finds its place', async (_, { mutations }) => {
  for (const mutate of mutations) await mutate(tree);
});

describe('a mutation of TypeScript', () => {
  const PLANNER = 'src/consumer/job-planner.ts';
  const wrap = wrapFunction('rating-worker', 'planRounds', '(original, ...args) => original(...args).reverse()');

  test('survives renamed variables and a moved file, and is compiled', async () => {
    await tree.edit('rating-worker', PLANNER, (text) =>
      text.replaceAll('maxEvents', 'limit').replaceAll('slices', 'parts'),
    );
    await tree.move('rating-worker', PLANNER, 'src/queue/planner.ts');
    await wrap(tree);
    const compiled = await tree.read('rating-worker', 'dist/queue/planner.js');
    expect(compiled).toContain('function planRoundsOriginal(events, limit)');
    expect(compiled).toContain('export function planRounds(...args)');
    expect(compiled).toContain('.reverse())(planRoundsOriginal, ...args)');
  });

  test('fails for a renamed symbol, and for one that is there twice', async () => {
    await tree.edit('rating-worker', PLANNER, (text) => text.replace('function planRounds', 'function planJobs'));
    await expect(wrap(tree)).rejects.toThrow('the function planRounds of rating-worker: found 0 times');
    await tree.edit(
      'rating-worker',
      PLANNER,
      (text) => `${text}export function planRounds() {}\nexport function planRounds() {}\n`,
    );
    await expect(wrap(tree)).rejects.toThrow(PlaceNotFoundError);
  });

  test('fails where the literal is gone, and where it is not changed', async () => {
    const mutate = (literal: RegExp, replacement: string) => inLiteral('graph-api', literal, /FROM/, replacement)(tree);
    await expect(mutate(/FROM nowhere/, 'X')).rejects.toThrow('found 0 times');
    await expect(mutate(/DELETE FROM outbox\b/, '$&')).rejects.toThrow('changes nothing');
  });
});

describe('a mutation of the database', () => {
  test('changes the last definition of the object, wherever that is', async () => {
    const later = 'sql/migrations/0999-later.sql';
    await tree.write(
      'graph-api',
      later,
      `-- CREATE FUNCTION update_review: not this\nCREATE OR REPLACE FUNCTION public.update_review() RETURNS void LANGUAGE sql AS $$ SELECT 1; $$;\n`,
    );
    await inDatabaseObject('FUNCTION update_review', /SELECT 1/, 'SELECT 2')(tree);
    expect(await tree.read('graph-api', later)).toContain('AS $$ SELECT 2; $$;');
  });

  test('fails for an unknown object, and for a pattern that is not in it', async () => {
    await expect(inDatabaseObject('TRIGGER nobody', /x/, 'y')(tree)).rejects.toThrow(
      'no migration creates the TRIGGER nobody',
    );
    await expect(inDatabaseObject('FUNCTION update_review', /nothing of it/, 'y')(tree)).rejects.toThrow(
      'found 0 times',
    );
  });

  test('statements end at their own semicolon', () => {
    const text = `-- one;\nSELECT ';' /* ; */;\n\nCREATE FUNCTION f() AS $body$ a; $$ b; $body$; SELECT 3`;
    expect(sqlStatements(text).map((one) => one.text)).toEqual([
      `SELECT ';' /* ; */;`,
      'CREATE FUNCTION f() AS $body$ a; $$ b; $body$;',
      'SELECT 3',
    ]);
  });
});

describe('a mutation of Lua', () => {
  test('fails for an unknown script, a pattern that is not there, and one that changes nothing', async () => {
    await expect(inLuaScript('nobody', /x/, 'y')(tree)).rejects.toThrow('the script nobody.lua: found 0 times');
    await expect(inLuaScript('apply-changes', /nothing of it/, 'y')(tree)).rejects.toThrow(
      'found 0 times instead of 1',
    );
    await expect(inLuaScript('apply-changes', /return answers/, '$&')(tree)).rejects.toThrow('changes nothing');
  });
});
