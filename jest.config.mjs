/** All workspaces in one run, one after the other: each starts real servers of its own, which would compete for the cores. */
export default {
  projects: ['shared', 'client', 'stack', 'graph-api', 'rating-worker', 'deploy', 'e2e', 'bench'].map(
    (workspace) => `<rootDir>/${workspace}/jest.config.mjs`,
  ),
  maxWorkers: 1,
  // Only this level's counts when several projects run together.
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/jest.closing-line.mjs'],
};
