import { discardEvents, fillRatings, insertProducts, insertReviews, productIds } from '../environment/catalogue.js';
import { copyCatalogue, startCommonWay } from '../environment/common-way.js';
import { FLOOR_ENTRY } from '../environment/entries.js';
import { createWorld, type BenchService } from '../environment/world.js';
import { LoadGenerator } from '../load/load-generator.js';
import type { LoadRequest } from '../load/load-plan.js';
import { processCpu } from '../measure/process-cpu.js';
import { interleave } from '../measure/rounds.js';
import { median, medianRatio, percentile } from '../measure/statistics.js';
import { formatNumber, type Figure } from '../report/figure.js';
import { expectSameAnswers, pageRequests, readPlaces, type ReadVariant } from './read-requests.js';
import type { Scenario, ScenarioContext } from './scenario.js';

const CONNECTIONS = 32;

/** The page sizes, and what is wanted: the ratio to the floor's requests a second. */
const PAGES = [
  { size: 1, ratio: 0.75 },
  { size: 20, ratio: 0.9 },
  { size: 100, ratio: 0.9 },
] as const;
const WANTED_CPU_OF_20 = 450;
const WANTED_P99_RATIO = 1.5;

/** What one round of one variant gave. */
interface ReadRound {
  readonly perSecond: number;
  /** CPU of the serving process, in µs. */
  readonly cpuPerRequest: number;
  readonly p50: number;
  readonly p99: number;
}

type Rounds = Readonly<Record<ReadVariant, readonly ReadRound[]>>;

/** Pages of products with their ratings: the API beside the floor and the common way. */
export const read: Scenario = async (context) => {
  const { stack, sizes, progress } = context;
  const world = await createWorld(stack, 'read');
  const load = LoadGenerator.start();
  try {
    progress(`inserting ${formatNumber(sizes.products)} products with ${sizes.reviewsPerProduct} reviews each`);
    await insertProducts(world, 1, sizes.products);
    await insertReviews(world, sizes.products * sizes.reviewsPerProduct, { from: 1, to: sizes.products });
    await discardEvents(world);
    const ids = await productIds(world, 1, sizes.products);
    await fillRatings(world, ids);
    const services: Record<ReadVariant, BenchService> = {
      floor: await world.startProcess('floor', FLOOR_ENTRY),
      api: await world.startApi(),
      commonWay: await startCommonWay(world).then(async (commonWay) => {
        await copyCatalogue(world, commonWay, ids);
        return commonWay.api;
      }),
    };
    const places = await readPlaces(world, services.api.url);
    const figures: Figure[] = [];
    for (const { size, ratio } of PAGES) {
      const requests = pageRequests(places, size);
      const urls = { floor: services.floor.url, api: services.api.url, commonWay: services.commonWay.url };
      await expectSameAnswers(urls, requests, size);
      progress(`page of ${size}: ${places.length} pages answered alike by all three`);
      const rounds = await measurePages(context, load, services, requests);
      progress(`page of ${size}: ${formatRounds(rounds)}`);
      figures.push(...pageFigures(size, ratio, rounds));
    }
    return figures;
  } finally {
    load.stop();
    await world.close();
  }
};

async function measurePages(
  { sizes, signal, progress }: ScenarioContext,
  load: LoadGenerator,
  services: Readonly<Record<ReadVariant, BenchService>>,
  requests: Readonly<Record<ReadVariant, readonly LoadRequest[]>>,
): Promise<Rounds> {
  const measure = (name: ReadVariant, seconds: number) => async (): Promise<ReadRound> => {
    const { pid, url: origin } = services[name];
    const cpuBefore = processCpu(pid);
    const result = await load.run({
      kind: 'http',
      origin,
      connections: CONNECTIONS,
      seconds,
      requests: requests[name],
      repeat: true,
      mustInclude: '"reviewCount":',
    });
    const latencies = [...result.latencies];
    return {
      perSecond: result.count / result.seconds,
      cpuPerRequest: (processCpu(pid) - cpuBefore) / result.count,
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
    };
  };
  const variants = (seconds: number) =>
    (['floor', 'api', 'commonWay'] as const).map((name) => ({ name, measure: measure(name, seconds) }));
  await interleave(1, variants(sizes.warmUpSeconds), { signal });
  return interleave(sizes.rounds, variants(sizes.roundSeconds), {
    signal,
    onRound: (round) => progress(`round ${round} of ${sizes.rounds}`),
  });
}

function pageFigures(size: number, wantedRatio: number, { floor, api, commonWay }: Rounds): Figure[] {
  const of = (rounds: readonly ReadRound[], key: keyof ReadRound): number[] => rounds.map((round) => round[key]);
  const perSecond = (rounds: readonly ReadRound[]): string => `${formatNumber(median(of(rounds, 'perSecond')))}/s`;
  const commonRatio = medianRatio(of(commonWay, 'perSecond'), of(floor, 'perSecond'));
  const cpu = (rounds: readonly ReadRound[]): string => formatNumber(median(of(rounds, 'cpuPerRequest')));
  return [
    {
      measure: `page of ${size}: requests as a ratio to the floor`,
      value: medianRatio(of(api, 'perSecond'), of(floor, 'perSecond')),
      unit: '',
      wanted: { atLeast: wantedRatio },
      detail: `${perSecond(api)}, floor ${perSecond(floor)}, common way ${perSecond(commonWay)} (${formatNumber(commonRatio)})`,
    },
    {
      measure: `page of ${size}: CPU of the API a request`,
      value: median(of(api, 'cpuPerRequest')),
      unit: 'µs',
      ...(size === 20 ? { wanted: { atMost: WANTED_CPU_OF_20 } } : {}),
      detail: `floor ${cpu(floor)}, common way ${cpu(commonWay)}`,
    },
    {
      measure: `page of ${size}: p99 as a ratio to the floor's`,
      value: medianRatio(of(api, 'p99'), of(floor, 'p99')),
      unit: '',
      ...(size === 1 ? {} : { wanted: { atMost: WANTED_P99_RATIO } }),
      detail:
        `p50 / p99 ${median(of(api, 'p50')).toFixed(0)} / ${median(of(api, 'p99')).toFixed(0)} ms, ` +
        `floor ${median(of(floor, 'p50')).toFixed(0)} / ${median(of(floor, 'p99')).toFixed(0)} ms, ` +
        `common way ${median(of(commonWay, 'p50')).toFixed(0)} / ${median(of(commonWay, 'p99')).toFixed(0)} ms`,
    },
  ];
}

function formatRounds(rounds: Rounds): string {
  const rate = (name: ReadVariant): string => formatNumber(median(rounds[name].map(({ perSecond }) => perSecond)));
  return `floor ${rate('floor')}/s, API ${rate('api')}/s, common way ${rate('commonWay')}/s`;
}
