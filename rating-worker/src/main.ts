import { configOrExit, runService } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { createRatingWorker } from './app.js';
import { readRatingWorkerConfig } from './config.js';

const config = configOrExit(() => readRatingWorkerConfig(process.env));
const logger = createLogger('rating-worker', config.logLevel);

await runService(logger, async ({ resources, signal, fail }) => {
  const worker = createRatingWorker({ config, logger, onFatal: fail });
  resources.push('rating worker', () => worker.stop());
  await worker.start(signal);
});
