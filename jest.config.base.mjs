import { fileURLToPath } from 'node:url';

/** Jest for ESM TypeScript: swc strips the types and emits decorator metadata; other packages come from their dist. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/src/**/*.test.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

const testing = (file) => fileURLToPath(new URL(`stack/dist/testing/${file}`, import.meta.url));

/** For the packages whose tests share one set of servers: started once a run, and each file checked for leaks. */
export const sharedServers = {
  globalSetup: testing('global-setup.js'),
  globalTeardown: testing('global-teardown.js'),
  testEnvironment: testing('leak-check-environment.js'),
};
