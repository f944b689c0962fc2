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
];

export default tseslint.config(
  { ignores: ['**/dist/**', '.stack/**', 'client/src/generated/**', '**/*.mjs', '**/*.cjs', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['**/*.ts'],
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
);
