import { startSharedServers } from './shared-servers.js';

/** Jest's `globalSetup`. */
export default startSharedServers;
