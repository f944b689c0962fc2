import { readFile, writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildGraphQLSchema } from './server/build-schema.js';
import { limitsModule } from './server/limits/limits-module.js';

/** Writes the schema and the SDK's limits; with `--check` only says whether the committed ones are what the code makes. */
const isCheck = process.argv.includes('--check');

const schema = printSchema(lexicographicSortSchema(buildGraphQLSchema()));
const files = {
  'graph-api/schema.graphql': `# Generated from the classes in graph-api/src by \`npm run codegen\`; do not edit.\n\n${schema}\n`,
  'client/src/generated/limits.ts': limitsModule(),
};
for (const [path, text] of Object.entries(files)) {
  const file = new URL(`../../${path}`, import.meta.url);
  if (!isCheck) {
    await writeFile(file, text);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    process.stderr.write(`${path} is not what the code makes: run \`npm run codegen\` and commit it\n`);
    process.exitCode = 1;
  }
}
