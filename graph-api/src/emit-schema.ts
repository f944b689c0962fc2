import { writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildGraphQLSchema } from './schema/build-schema.js';

const HEADER = '# Generated from graph-api/src/schema by `npm run codegen`; do not edit.\n\n';

await writeFile(
  new URL('../schema.graphql', import.meta.url),
  `${HEADER}${printSchema(lexicographicSortSchema(buildGraphQLSchema()))}\n`,
);
