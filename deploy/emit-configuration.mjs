// Writes docs/configuration.md from the descriptions beside each reader; with `--check` only says whether the committed one is
// what the code makes.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configurationPage } from '@exact-ratings/shared/config/configuration-page.js';
import { format, resolveConfig } from 'prettier';
import { GRAPH_API_SUBJECTS } from '../graph-api/dist/config.js';
import { MIGRATE_SUBJECTS } from '../graph-api/dist/migrate-config.js';
import { RATING_WORKER_SUBJECTS } from '../rating-worker/dist/config.js';

const file = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
const text = configurationPage([
  { name: 'graph-api', subjects: GRAPH_API_SUBJECTS },
  { name: 'rating-worker', subjects: RATING_WORKER_SUBJECTS },
  { name: 'migrate', subjects: MIGRATE_SUBJECTS },
]);
const page = await format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
if (!process.argv.includes('--check')) {
  await writeFile(file, page);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== page) {
  process.stderr.write('docs/configuration.md is not what the code makes: run `npm run codegen` and commit it\n');
  process.exitCode = 1;
}
