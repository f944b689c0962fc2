import base, { sharedServers } from '../jest.config.base.mjs';

export default { ...base, ...sharedServers, displayName: 'shared' };
