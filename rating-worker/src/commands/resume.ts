import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { readRatingWorkerConfig } from '../config.js';
import { createRatingConnection } from '../connections.js';
import { RatingQueue } from '../queue/rating-queue.js';
import { EXIT, print, UsageError, type Command } from './command.js';

const USAGE = `Resumes the queue of rating jobs where somebody has paused it, in Bull Board for instance.

  npm run ratings -- resume

Exit code: 0 it runs, 3 it failed.
`;

export const resume: Command = {
  usage: USAGE,
  run: async (args, environment) => {
    if (args.length > 0) throw new UsageError(`it takes no arguments, not "${args.join(' ')}"`);
    const { redis: address, jobs } = readRatingWorkerConfig(environment);
    const logger = createLogger('maintenance', 'silent');
    const redis = createRatingConnection(address, 'maintenance', logger);
    const queue = new RatingQueue(redis, jobs, logger, { skipVersionCheck: true });
    try {
      const wasPaused = await queue.isPaused();
      await queue.resume();
      print(`the queue ${jobs.queueName} ${wasPaused ? 'runs again' : 'was not paused'}`);
      return EXIT.OK;
    } finally {
      await queue.close();
      redis.disconnect();
    }
  },
};
