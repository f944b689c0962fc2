// Writes persisted-documents.json: what each method of the built SDK sends, by its SHA-256. With `--check` only says whether the
// committed file is that.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createRatingsClient } from './dist/index.js';

const texts = [];
const recorder = async (_url, { body }) => {
  texts.push(JSON.parse(body).query);
  return new Response('{"data":null}', { headers: { 'content-type': 'application/json' } });
};
const client = createRatingsClient({ url: 'http://api.invalid/graphql', fetch: recorder });
// Operations are named with a capital; `request` sends what others write.
for (const [name, method] of Object.entries(client)) if (/^[A-Z]/.test(name)) await method({});

const entries = texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]);
const manifest = `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
const file = new URL('persisted-documents.json', import.meta.url);
if (!process.argv.includes('--check')) {
  await writeFile(file, manifest);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== manifest) {
  process.stderr.write(
    'client/persisted-documents.json is not what the SDK sends: run `npm run codegen` and commit it\n',
  );
  process.exitCode = 1;
}
