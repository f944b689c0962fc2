import { insertProducts, productIds } from '../environment/catalogue.js';
import { startCommonWay, copyCatalogue, type CommonWay } from '../environment/common-way.js';
import { expectExact, untilDrained } from '../environment/pipeline.js';
import { createWorld, type BenchService, type World } from '../environment/world.js';
import { LoadGenerator } from '../load/load-generator.js';
import type { LoadResult } from '../load/load-plan.js';
import { processCpu } from '../measure/process-cpu.js';
import { interleave } from '../measure/rounds.js';
import { median, medianRatio, percentile } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import { CommonWayMutations, ReviewMutations } from './write-requests.js';
import type { Scenario, ScenarioContext } from './scenario.js';

const CONNECTIONS = 64;
const INSERT_CONNECTIONS = 10;
const SPREAD_PRODUCTS = 2_000;
/** More mutations than any variant manages in a second; a round ends early where they do not suffice. */
const MUTATIONS_PER_SECOND = 6_000;

const KINDS = [
  { kind: 'spread', wanted: 2 },
  { kind: 'hot', wanted: 4 },
] as const;
type Kind = (typeof KINDS)[number]['kind'];

interface WriteRound {
  readonly perSecond: number;
  readonly p99: number;
  /** CPU of the API, relay included, a mutation, in µs; 0 where no API takes part. */
  readonly cpu: number;
}

interface Setup {
  readonly context: ScenarioContext;
  readonly world: World;
  readonly load: LoadGenerator;
  readonly api: BenchService;
  readonly worker: BenchService;
  readonly commonWay: CommonWay;
  readonly ids: readonly string[];
  readonly mutations: ReviewMutations;
  readonly commonMutations: CommonWayMutations;
}

/** createReview through HTTP beside single INSERTs through the same triggers; the whole pipeline runs meanwhile. */
export const write: Scenario = async (context) => {
  const { stack, sizes, progress, signal } = context;
  const world = await createWorld(stack, 'write');
  const load = LoadGenerator.start();
  try {
    const products = Math.min(SPREAD_PRODUCTS, sizes.products);
    await insertProducts(world, 1, sizes.products);
    const ids = await productIds(world, 1, sizes.products);
    const commonWay = await startCommonWay(world);
    await copyCatalogue(world, commonWay, ids.slice(0, products));
    const setup: Setup = {
      context,
      world,
      load,
      api: await world.startApi(),
      worker: await world.startWorker(),
      commonWay,
      ids: ids.slice(0, products),
      mutations: new ReviewMutations(world),
      commonMutations: new CommonWayMutations(),
    };
    await setup.mutations.expectRightAnswer(setup.api.url, ids.at(-1)!);
    const figures: Figure[] = [];
    for (const { kind, wanted } of KINDS) {
      await interleave(1, variants(setup, kind, sizes.warmUpSeconds), { signal });
      const rounds = await interleave(sizes.rounds, variants(setup, kind, sizes.roundSeconds), {
        signal,
        onRound: (round) => progress(`${kind}: round ${round} of ${sizes.rounds}`),
      });
      figures.push(...writeFigures(kind, wanted, rounds));
    }
    await expectExact(world);
    progress('every rating in Redis equals PostgreSQL');
    return figures;
  } finally {
    load.stop();
    await world.close();
  }
};

type VariantName = 'inserts' | 'api' | 'commonWay';

function variants(setup: Setup, kind: Kind, seconds: number) {
  const { world, load, api, worker, commonWay, ids, mutations, commonMutations } = setup;
  const chosen = kind === 'hot' ? ids.slice(0, 1) : ids;
  const count = Math.ceil(MUTATIONS_PER_SECOND * seconds);
  const through = async (
    service: BenchService,
    requests: Parameters<LoadGenerator['run']>[0],
  ): Promise<CountedRound> => {
    const cpuBefore = processCpu(service.pid);
    return roundOf(await load.run(requests), processCpu(service.pid) - cpuBefore);
  };
  const inserts = async (): Promise<CountedRound> => {
    const { connectionString } = world;
    const plan = {
      kind: 'inserts',
      connectionString,
      connections: INSERT_CONNECTIONS,
      seconds,
      productIds: chosen,
    } as const;
    return roundOf(await load.run(plan), 0);
  };
  /** What a round adds must be what it was told: nothing lost, nothing stored twice. The pipeline has drained afterwards. */
  const checked = async (measure: () => Promise<CountedRound>, pool = world.pool): Promise<WriteRound> => {
    const before = await countReviews(pool);
    const round = await measure();
    const added = (await countReviews(pool)) - before;
    if (added !== round.count) throw new Error(`${round.count} reviews were acknowledged and ${added} are stored`);
    await untilDrained(world, worker.url);
    return round;
  };
  const http = { kind: 'http', connections: CONNECTIONS, seconds, repeat: false } as const;
  return [
    { name: 'inserts' as VariantName, measure: () => checked(() => inserts()) },
    {
      name: 'api' as VariantName,
      measure: async () => {
        const requests = await mutations.next(chosen, count);
        const plan = { ...http, origin: api.url, requests, mustInclude: '"userErrors":[]' } as const;
        return checked(() => through(api, plan));
      },
    },
    {
      name: 'commonWay' as VariantName,
      measure: async () => {
        const requests = commonMutations.next(chosen, count);
        const plan = { ...http, origin: commonWay.api.url, requests, mustInclude: '"createReview":{"id"' } as const;
        return checked(() => through(commonWay.api, plan), commonWay.pool);
      },
    },
  ];
}

type CountedRound = WriteRound & { readonly count: number };

function roundOf({ count, seconds, latencies }: LoadResult, cpu: number): CountedRound {
  return { count, perSecond: count / seconds, p99: percentile([...latencies], 99), cpu: cpu / count };
}

async function countReviews(pool: World['pool']): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM reviews');
  return rows[0]!.count;
}

function writeFigures(kind: Kind, wanted: number, rounds: Record<VariantName, WriteRound[]>): Figure[] {
  const { inserts, api, commonWay } = rounds;
  const of = (from: readonly WriteRound[], key: keyof WriteRound): number[] => from.map((round) => round[key]);
  const rate = (from: readonly WriteRound[]): string => `${formatNumber(median(of(from, 'perSecond')))}/s`;
  const p99 = (from: readonly WriteRound[]): string => formatNumber(median(of(from, 'p99')));
  const commonRatio = medianRatio(of(commonWay, 'perSecond'), of(inserts, 'perSecond'));
  return [
    {
      measure: `createReview, ${kind}: as a ratio to single inserts`,
      value: medianRatio(of(api, 'perSecond'), of(inserts, 'perSecond')),
      unit: '',
      wanted: { atLeast: wanted },
      detail: `${rate(api)}, inserts ${rate(inserts)}, common way ${rate(commonWay)} (${formatNumber(commonRatio)})`,
    },
    {
      measure: `createReview, ${kind}: p99`,
      value: median(of(api, 'p99')),
      unit: 'ms',
      detail: `inserts ${p99(inserts)} ms, common way ${p99(commonWay)} ms`,
    },
    {
      measure: `createReview, ${kind}: CPU of the API, relay included`,
      value: median(of(api, 'cpu')),
      unit: 'µs',
      detail: `common way ${formatNumber(median(of(commonWay, 'cpu')))}`,
    },
  ];
}
