import base from '../jest.config.base.mjs';

export default { ...base, displayName: 'rating-worker', testTimeout: 60_000 };
