import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../../compare-schema.mjs', import.meta.url));
const RELEASED = 'type Query { product(id: ID!): String price: Float }';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schema-changes-'));
  await mkdir(join(folder, 'graph-api'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the check says of a schema, in a repository that holds these files. */
async function check(released: string, version: string, schema: string, changelog: string) {
  const files = {
    'graph-api/schema.released.graphql': `# The schema of version ${released}\n${RELEASED}`,
    'graph-api/schema.graphql': schema,
    'package.json': JSON.stringify({ version }),
    'CHANGELOG.md': `# Changelog\n\n## [Unreleased]\n\n${changelog}\n\n## [0.0.1]\n\n- Breaking: long ago.\n`,
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return new Promise<{ code: number | string; output: string }>((resolve) => {
    execFile(process.execPath, [SCRIPT], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}

const ADDED = 'type Query { product(id: ID!, minRatingVersion: Int): String price: Float name: String }';
const REMOVED = 'type Query { product(id: ID!): String }';
const NARROWED = 'type Query { product(id: ID!, sku: String!): String price: Float }';
const ANNOUNCED = '- Breaking: `Query.price` is gone.';

test.each<[string, string, string, string, string, number, RegExp]>([
  ['additions pass', '1.0.0', '1.1.0', ADDED, '', 0, /^$/],
  ['before 1.0 a break must be announced', '0.1.0', '0.2.0', REMOVED, '- Less.', 1, /"- Breaking: "/],
  ['announced, it is listed', '0.1.0', '0.2.0', REMOVED, ANNOUNCED, 0, /^breaking: Query\.price: /],
  ['so is a new required argument', '0.1.0', '0.1.0', NARROWED, ANNOUNCED, 0, /Query\.product.*sku/],
  ['from 1.0 on a break fails', '1.0.0', '1.1.0', REMOVED, ANNOUNCED, 1, /must not break clients/],
  ['unless the major version is new', '1.4.0', '2.0.0', REMOVED, ANNOUNCED, 0, /^breaking: Query\.price: /],
])('%s', async (_what, released, version, schema, changelog, code, output) => {
  const answer = await check(released, version, schema, changelog);
  expect(answer.output).toMatch(output);
  expect(answer.code).toBe(code);
});
