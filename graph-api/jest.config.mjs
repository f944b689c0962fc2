import base from '../jest.config.base.mjs';

export default {
  ...base,
  displayName: 'graph-api',
  globalSetup: '<rootDir>/src/testing/global-setup.mjs',
  globalTeardown: '<rootDir>/src/testing/global-teardown.mjs',
  testTimeout: 30_000,
};
