import base, { sharedServers } from '../jest.config.base.mjs';

export default {
  ...base,
  ...sharedServers,
  displayName: 'rating-worker',
  setupFilesAfterEnv: ['<rootDir>/jest.setup.mjs'],
};
