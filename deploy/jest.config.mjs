import base from '../jest.config.base.mjs';

export default { ...base, displayName: 'deploy', testMatch: ['<rootDir>/tests/**/*.test.ts'] };
