import type { Testbed } from '../testbed.js';
import { sumOverWorkers } from '../checks/worker-metrics.js';

/** Memory of the workers and of Redis in one line; in a long run it must not grow. */
export async function formatMemory(bed: Testbed): Promise<string> {
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
  const workers = await sumOverWorkers(bed, 'process_resident_memory_bytes');
  const redis = Number(/^used_memory:(\d+)/m.exec(await bed.redis.info('memory'))?.[1]);
  const keys = await bed.redis.dbsize();
  const products = (await bed.pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM products'))
    .rows[0]!;
  return `memory: workers ${megabytes(workers)}, Redis ${megabytes(redis)} in ${keys} keys for ${products.count} products`;
}
