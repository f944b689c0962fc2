import base, { sharedServers } from '../jest.config.base.mjs';

export default {
  ...base,
  ...sharedServers,
  displayName: 'graph-api',
  testTimeout: 30_000,
};
