import { runRatingsAudit } from '@exact-ratings/stack/processes/audit-process.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import type { World } from './world.js';

const DRAIN_TIMEOUT_MS = 300_000;

/** How many messages the topic has received so far; 0 for one that does not exist. */
export async function countMessages(world: World, topic = world.topic): Promise<number> {
  return world.withKafkaAdmin(async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  });
}

async function isOutboxEmpty({ pool }: World): Promise<boolean> {
  const { rows } = await pool.query<{ empty: boolean }>('SELECT NOT EXISTS (SELECT FROM outbox) AS empty');
  return rows[0]!.empty;
}

/** The events that a worker has finished, whatever their result, by its own metrics. */
export async function countFinishedEvents(workerUrl: string): Promise<number> {
  const response = await fetch(`${workerUrl}/metrics`, { signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return Array.from(text.matchAll(/^rating_events_total\{[^}]*\} (\d+)$/gm), ([, count]) => Number(count)).reduce(
    (sum, count) => sum + count,
    0,
  );
}

/** Waits until the outbox is empty. @throws where it is not within five minutes */
export async function untilOutboxEmpty(world: World): Promise<void> {
  const empty = await waitUntil(() => isOutboxEmpty(world), { timeoutMs: DRAIN_TIMEOUT_MS });
  if (empty !== true) throw new Error(`the outbox was not empty within ${DRAIN_TIMEOUT_MS / 1_000} s`);
}

/** Waits until the worker has finished every captured event. @throws where it has not within five minutes */
export async function untilDrained(world: World, workerUrl: string): Promise<void> {
  await untilOutboxEmpty(world);
  const messages = await countMessages(world);
  const drained = await waitUntil(async () => (await countFinishedEvents(workerUrl)) >= messages, {
    timeoutMs: DRAIN_TIMEOUT_MS,
  });
  if (drained !== true)
    throw new Error(`the worker has not finished ${messages} events within ${DRAIN_TIMEOUT_MS / 1_000} s`);
}

/** @throws where a rating in Redis differs from PostgreSQL, or is still behind after 60 s */
export async function expectExact(world: World): Promise<void> {
  const { exitCode, output } = await runRatingsAudit(world.env, ['--wait', '60']);
  if (exitCode !== 0) throw new Error(`the ratings are not exact (audit: exit code ${exitCode}): ${output}`);
}
