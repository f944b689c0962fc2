import graphql from '@graphql-eslint/eslint-plugin';
import tseslint from 'typescript-eslint';

const READS_ENVIRONMENT = [
  '**/main.ts',
  '**/migrate.ts',
  '**/*.test.ts',
  '**/testing/**',
  '**/exactness/**',
  'rating-worker/src/commands/**',
  'shared/src/clients/kafka-client.ts',
  'stack/src/**',
  'e2e/**',
  'deploy/**',
  'bench/src/bench.ts',
  'bench/src/baselines/**',
];

const SCHEMA = 'graph-api/schema.graphql';
const OPERATIONS = 'client/src/operations/*.graphql';

export default tseslint.config(
  { ignores: ['**/dist/**', '.stack/**', 'client/src/generated/**', '**/*.mjs', '**/*.cjs', '**/*.js'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['*/tsconfig.json', '*/tsconfig.test.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-console': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // noUncheckedIndexedAccess makes every index doubtful; `!` says that the code before it settled the matter.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // TypeScript takes `signal.aborted` and captured variables for unchanged over an await; the rule then calls every
      // look at what another task may have changed needless.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Long-running parts, and what kafkajs hands out, are closures behind interfaces: taking them apart loses no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // `return reply(…)` ends a handler early.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // What returns a promise by its interface may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // type-graphql's classes describe types; resolvers answer with plain objects of that shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
    },
  },
  {
    // Answers of a GraphQL server and of fetch have no type that a test could rely on.
    files: ['**/*.test.ts', '**/testing/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  {
    // The environment is read at the entry points and handed on.
    files: ['**/*.ts'],
    ignores: READS_ENVIRONMENT,
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Take the environment as an argument; entry points read it.' },
      ],
    },
  },
  {
    files: [SCHEMA],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: SCHEMA, documents: OPERATIONS } },
    },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // `createReview(input: CreateReviewInput!)`. The rule `input-name` knows no second argument.
      '@graphql-eslint/input-name': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'ObjectTypeDefinition[name.value="Mutation"] > FieldDefinition > InputValueDefinition[name.value!=/^(input|idempotencyKey)$/]',
          message: 'A mutation takes one `input`, and an `idempotencyKey` where it creates something.',
        },
      ],
      // Lists that are not pages hold their items themselves: `nodes`, `distribution`, `userErrors`. The days of a rating's history are
      // a list without ids.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      // What is part of something else has no id of its own.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            types: [
              'Money',
              'PageInfo',
              'ProductRating',
              'RatingBucket',
              'RatingOnDay',
              'ReviewDecision',
              'ReviewReply',
              'Viewer',
            ],
            suffixes: ['Payload', 'Connection', 'Edge', 'UserError'],
          },
        },
      ],
      '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
      '@graphql-eslint/require-deprecation-date': 'error',
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          DirectiveDefinition: true,
        },
      ],
      '@graphql-eslint/require-nullable-fields-with-oneof': 'error',
      '@graphql-eslint/require-type-pattern-with-oneof': 'error',
      // Off, of all the rules that there are:
      // - alphabetize: schema.graphql is sorted by its generator.
      // - no-root-type: there are mutations.
      // - no-unused-fields: a public schema has consumers besides our SDK.
      // - require-field-of-type-query-in-mutation-result: payloads lead on from the product or the review.
      // - require-nullable-result-in-root: `products` and the payloads always have an answer.
    },
  },
  {
    files: [OPERATIONS],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: SCHEMA, documents: OPERATIONS } },
    },
    rules: {
      ...graphql.configs['flat/operations-recommended'].rules,
      // Off, of all the rules that there are:
      // - alphabetize: fields stand in the order in which one thinks of them.
      // - lone-executable-definition, match-document-filename: a file holds the operations of one subject.
      // - no-one-place-fragments: fragments are exported by the SDK.
      // - require-import-fragment: `#import` is a loader's syntax; codegen knows all files.
    },
  },
);
