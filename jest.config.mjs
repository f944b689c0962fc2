/** All workspaces; run-tests.mjs runs them in two halves. A half runs one file at a time: its files share one set of servers. */
export default {
  projects: [
    ...['shared', 'client', 'stack', 'graph-api'].map((workspace) => `<rootDir>/${workspace}/jest.config.mjs`),
    '<rootDir>/graph-api/jest.interpreter.config.mjs',
    ...['rating-worker', 'deploy', 'e2e', 'bench'].map((workspace) => `<rootDir>/${workspace}/jest.config.mjs`),
  ],
  maxWorkers: 1,
  // Only this level's counts when several projects run together.
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/jest.closing-line.mjs'],
};
