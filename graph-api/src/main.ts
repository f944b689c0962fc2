import { configOrExit, runService } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { startApp } from './app.js';
import { readGraphApiConfig } from './config.js';

const config = configOrExit(() => readGraphApiConfig(process.env));
const logger = createLogger('graph-api', config.logLevel);

await runService(logger, async ({ resources, signal }) => {
  await startApp(config, logger, resources, signal);
});
