import base from '../jest.config.base.mjs';

export default { ...base, displayName: 'e2e' };
