import { stopSharedServers } from './shared-servers.js';

/** Jest's `globalTeardown`. */
export default stopSharedServers;
