import { randomUUID } from 'node:crypto';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';
import { fillOutbox, type BacklogKind } from './backlog.js';
import { insertProducts, productIds } from '../environment/catalogue.js';
import { COMMON_WAY_WORKER_ENTRY } from '../environment/entries.js';
import { countFinishedEvents, countMessages, expectExact, untilOutboxEmpty } from '../environment/pipeline.js';
import { createWorld, type World } from '../environment/world.js';
import { measureRate, type Rate } from '../measure/rate.js';
import { interleave } from '../measure/rounds.js';
import { median } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import type { Scenario, ScenarioContext } from './scenario.js';

const BACKLOG_TIMEOUT_MS = 300_000;
/** The common way does one job at a time; a backlog of the whole size would take minutes. */
const COMMON_WAY_SHARE = 0.05;
const WANTED_RATE = 45_000;
const WANTED_CPU = 20;

/** A backlog in Kafka: how fast a single worker brings it into Redis, beside the common way. */
export const worker: Scenario = async (context) => {
  const { stack, sizes, progress, signal } = context;
  const world = await createWorld(stack, 'worker');
  try {
    await insertProducts(world, 1, sizes.backlogProducts);
    const variant = <Name extends string>(name: Name, measure: () => Promise<Rate>) => ({
      name,
      measure: async () => {
        const rate = await measure();
        progress(`${name}: ${formatNumber(rate.perSecond)}/s, ${formatNumber(rate.cpuPerItem)} µs an event`);
        return rate;
      },
    });
    const rounds = await interleave(
      sizes.backlogRounds,
      [
        variant('spread', () => consumeBacklog(world, context, 'spread')),
        variant('hot', () => consumeBacklog(world, context, 'hot')),
        variant('common way', () => consumeInTheCommonWay(world, context)),
      ],
      { signal },
    );
    const rate = (of: readonly Rate[]): number => median(of.map(({ perSecond }) => perSecond));
    const cpu = (of: readonly Rate[]): number => median(of.map(({ cpuPerItem }) => cpuPerItem));
    const common = rounds['common way'];
    const detail = `common way ${formatNumber(rate(common))}/s, ${formatNumber(cpu(common))} µs`;
    const figures: Figure[] = [
      {
        measure: 'backlog of many products',
        value: rate(rounds.spread),
        unit: '/s',
        wanted: { atLeast: WANTED_RATE },
        detail,
      },
      {
        measure: 'backlog of one product',
        value: rate(rounds.hot),
        unit: '/s',
        wanted: { atLeast: WANTED_RATE },
        detail,
      },
      {
        measure: 'CPU an event, many products',
        value: cpu(rounds.spread),
        unit: 'µs',
        wanted: { atMost: WANTED_CPU },
        detail,
      },
      {
        measure: 'CPU an event, one product',
        value: cpu(rounds.hot),
        unit: 'µs',
        wanted: { atMost: WANTED_CPU },
        detail,
      },
    ];
    return figures;
  } finally {
    await world.close();
  }
};

/** The events reach Kafka through the API's own relay; then the API is stopped and the worker started. */
async function consumeBacklog(world: World, context: ScenarioContext, kind: BacklogKind): Promise<Rate> {
  const { sizes, progress, signal } = context;
  await fillOutbox(world, kind, { events: sizes.backlogEvents, products: sizes.backlogProducts }, progress);
  const api = await world.startApi();
  await untilOutboxEmpty(world);
  await api.stop();

  const service = await world.launchWorker();
  try {
    await untilMetricsAnswer(service.url);
    const rate = await measureRate({
      pid: service.pid,
      count: () => countFinishedEvents(service.url),
      total: sizes.backlogEvents,
      timeoutMs: BACKLOG_TIMEOUT_MS,
      signal,
    });
    await expectExact(world);
    const finished = await countFinishedEvents(service.url);
    // More would be what an earlier round has done already: its rate is another one.
    if (finished !== sizes.backlogEvents) throw new Error(`${finished} events were finished of ${sizes.backlogEvents}`);
    return rate;
  } finally {
    // It commits its offsets, so that the next round begins behind this backlog.
    await service.stop();
  }
}

async function consumeInTheCommonWay(world: World, { sizes, signal }: ScenarioContext): Promise<Rate> {
  const topic = await world.createTopic(`common-way-${randomUUID()}`);
  const ids = await productIds(world, 1, sizes.backlogProducts);
  const events = Math.max(1_000, Math.round(sizes.backlogEvents * COMMON_WAY_SHARE));
  const producer = world.kafka.producer();
  await producer.connect();
  for (let sent = 0; sent < events; sent += 500) {
    const messages = Array.from({ length: Math.min(500, events - sent) }, (_, i) => {
      const productId = ids[(sent + i) % ids.length]!;
      return { key: productId, value: JSON.stringify({ eventId: randomUUID(), productId, rating: 1 + (i % 5) }) };
    });
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
  if ((await countMessages(world, topic)) !== events) throw new Error('the backlog of the common way is not complete');

  const service = await world.startProcess('common-way-worker', COMMON_WAY_WORKER_ENTRY, { KAFKA_TOPIC: topic });
  try {
    return await measureRate({
      pid: service.pid,
      count: async () => Number(await (await fetch(`${service.url}/metrics`)).text()),
      total: events,
      timeoutMs: BACKLOG_TIMEOUT_MS,
      signal,
    });
  } finally {
    await service.stop();
  }
}

async function untilMetricsAnswer(url: string): Promise<void> {
  const answered = await waitUntil(
    () =>
      countFinishedEvents(url)
        .then(() => true)
        .catch(() => false),
    {
      timeoutMs: 30_000,
      intervalMs: 10,
    },
  );
  if (answered !== true) throw new Error(`the worker's metrics did not answer within 30 s: ${url}/metrics`);
}
