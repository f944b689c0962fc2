import { readFile } from 'node:fs/promises';
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLField,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { buildGraphQLSchema } from './build-schema.js';

const schema = buildGraphQLSchema();

test('the committed schema.graphql is the generated one: else run `npm run codegen`', async () => {
  const committed = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const withoutHeader = committed.replace(/^(#.*\n|\n)+/, '');
  expect(withoutHeader.trim()).toBe(printSchema(lexicographicSortSchema(schema)).trim());
});

test('every type, field, argument and value says what it is', () => {
  const silent: string[] = [];
  const check = (path: string, description: string | null | undefined): void => {
    if (!description) silent.push(path);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    check(type.name, type.description);
    if (isEnumType(type)) type.getValues().forEach((value) => check(`${type.name}.${value.name}`, value.description));
    if (!isObjectType(type) && !isInputObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      check(`${type.name}.${field.name}`, field.description);
      if ('args' in field) {
        (field as GraphQLField<unknown, unknown>).args.forEach((argument) =>
          check(`${type.name}.${field.name}(${argument.name})`, argument.description),
        );
      }
    }
  }
  expect(silent).toEqual([]);
});
