import { SnoozeJobError, type RatingJob } from '../queue/rating-job-worker.js';
import { RatingProcessor } from './rating-processor.js';

const missing = undefined as never;

test.each(['apply.v1', 'apply', 'rebuild.v9'])('leaves a job named %s to a worker that knows it', async (name) => {
  const processor = new RatingProcessor({
    ...{
      store: missing,
      rebuilder: missing,
      advancer: missing,
      setAside: missing,
      queue: missing,
      config: missing,
      metrics: missing,
    },
    onTimelineDiverged: missing,
  });
  await expect(processor.process({ name, data: {} } as RatingJob)).rejects.toThrow(SnoozeJobError);
});
