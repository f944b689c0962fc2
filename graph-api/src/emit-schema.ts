import { readFile, writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildGraphQLSchema } from './server/build-schema.js';

const HEADER = '# Generated from the classes in graph-api/src by `npm run codegen`; do not edit.\n\n';

/** Writes the schema; with `--check` only says whether the committed one is what the code makes. */
const file = new URL('../schema.graphql', import.meta.url);
const schema = `${HEADER}${printSchema(lexicographicSortSchema(buildGraphQLSchema()))}\n`;
if (!process.argv.includes('--check')) {
  await writeFile(file, schema);
} else if ((await readFile(file, 'utf8')) !== schema) {
  process.stderr.write('graph-api/schema.graphql is not what the code makes: run `npm run codegen` and commit it\n');
  process.exitCode = 1;
}
