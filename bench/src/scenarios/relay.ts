import { fillOutbox, type BacklogKind } from './backlog.js';
import { insertProducts, insertReviews } from '../environment/catalogue.js';
import { countMessages, untilOutboxEmpty } from '../environment/pipeline.js';
import { createWorld, type World } from '../environment/world.js';
import { measureRate, type Rate } from '../measure/rate.js';
import { interleave } from '../measure/rounds.js';
import { median } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import { measureBareProducer } from '../baselines/floor/bare-producer.js';
import type { Scenario, ScenarioContext } from './scenario.js';

const BACKLOG_TIMEOUT_MS = 300_000;
const WANTED_RATE = 30_000;
const WANTED_RATE_BESIDE_INSERTS = 15_000;
const WANTED_CPU = 25;

/** A backlog in the outbox: how fast a single API process publishes it, alone and while large inserts add to it. */
export const relay: Scenario = async (context) => {
  const { stack, sizes, progress, signal } = context;
  const world = await createWorld(stack, 'relay');
  try {
    await insertProducts(world, 1, sizes.backlogProducts);
    const floorTopic = await world.createTopic('floor');
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
        variant('spread', () => publishBacklog(world, context, 'spread')),
        variant('hot', () => publishBacklog(world, context, 'hot')),
        variant('beside inserts', () => publishBesideInserts(world, context)),
        variant('bare producer', () => measureBareProducer(world.kafka, floorTopic, sizes.backlogEvents)),
      ],
      { signal },
    );
    const rate = (of: readonly Rate[]): number => median(of.map(({ perSecond }) => perSecond));
    const cpu = (of: readonly Rate[]): number => median(of.map(({ cpuPerItem }) => cpuPerItem));
    const floor = `bare producer ${formatNumber(rate(rounds['bare producer']))}/s, ${formatNumber(cpu(rounds['bare producer']))} µs`;
    const cpuUnit = 'µs';
    return [
      figure('backlog of many products', rate(rounds.spread), '/s', { atLeast: WANTED_RATE }, floor),
      figure('backlog of one product', rate(rounds.hot), '/s', { atLeast: WANTED_RATE }, floor),
      figure('CPU an event, many products', cpu(rounds.spread), cpuUnit, { atMost: WANTED_CPU }, floor),
      figure('CPU an event, one product', cpu(rounds.hot), cpuUnit, { atMost: WANTED_CPU }, floor),
      figure('backlog beside large inserts', rate(rounds['beside inserts']), '/s', {
        atLeast: WANTED_RATE_BESIDE_INSERTS,
      }),
    ];
  } finally {
    await world.close();
  }
};

async function publishBacklog(world: World, { sizes, signal }: ScenarioContext, kind: BacklogKind): Promise<Rate> {
  const before = await countMessages(world);
  await fillOutbox(world, kind, { events: sizes.backlogEvents, products: sizes.backlogProducts }, () => undefined);
  const total = before + sizes.backlogEvents;
  const api = await world.launchApi();
  try {
    const rate = await measureRate({
      pid: api.pid,
      count: () => countMessages(world),
      total,
      timeoutMs: BACKLOG_TIMEOUT_MS,
      signal,
    });
    await untilOutboxEmpty(world);
    const published = await countMessages(world);
    if (published !== total) throw new Error(`${published - before} messages came of ${sizes.backlogEvents} events`);
    return rate;
  } finally {
    await api.stop();
  }
}

/** While one connection inserts 20,000 reviews at a time, for as long as publishing the first backlog takes. */
async function publishBesideInserts(world: World, { sizes, signal }: ScenarioContext): Promise<Rate> {
  const before = await countMessages(world);
  const target = { from: 1, to: sizes.backlogProducts };
  await insertReviews(world, sizes.backlogEvents, target);
  const stopping = new AbortController();
  const inserting = (async () => {
    while (!stopping.signal.aborted) await insertReviews(world, Math.min(20_000, sizes.backlogEvents), target);
  })();
  const api = await world.launchApi();
  try {
    return await measureRate({
      pid: api.pid,
      count: () => countMessages(world),
      total: before + sizes.backlogEvents,
      timeoutMs: BACKLOG_TIMEOUT_MS,
      signal,
    });
  } finally {
    stopping.abort();
    await inserting;
    await untilOutboxEmpty(world);
    await api.stop();
  }
}

function figure(measure: string, value: number, unit: string, wanted: Figure['wanted'], detail?: string): Figure {
  return {
    measure,
    value,
    unit,
    ...(wanted === undefined ? {} : { wanted }),
    ...(detail === undefined ? {} : { detail }),
  };
}
