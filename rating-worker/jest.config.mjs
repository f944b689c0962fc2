import base from '../jest.config.base.mjs';

export default {
  ...base,
  displayName: 'rating-worker',
  setupFilesAfterEnv: ['<rootDir>/jest.setup.mjs'],
};
