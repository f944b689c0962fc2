import tseslint from 'typescript-eslint';

const READS_ENVIRONMENT = [
  '**/main.ts',
  '**/migrate.ts',
  '**/*.test.ts',
  '**/testing/**',
  'rating-worker/src/ratings-*.ts',
  'rating-worker/src/dead-letters-*.ts',
  'shared/src/runtime/kafka-client.ts',
  'stack/src/**',
  'e2e/**',
  'deploy/**',
];

export default tseslint.config(
  { ignores: ['**/dist/**', '.stack/**', 'client/src/generated/**', '**/*.mjs', '**/*.cjs', '**/*.js'] },
  ...tseslint.configs.recommended,
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
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
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
