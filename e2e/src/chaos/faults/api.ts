import { setTimeout as delay } from 'node:timers/promises';
import { Load } from '../../workload/load.js';
import { launchApi } from './extra-process.js';
import type { Fault } from './fault.js';
import { killService, untilReady } from './service-faults.js';

export const apiFaults: readonly Fault[] = [
  {
    name: 'api-kill',
    row: 1,
    title: 'kill -9 of an API in the middle of mutations, which their authors send again',
    repeatable: true,
    recoverWithinMs: 15_000,
    inject: async ({ bed }) => killService(bed.system.apis[0]!),
    untilRecovered: ({ bed }) => untilReady(bed.system.apis),
  },
  {
    name: 'api-kill-all',
    row: 1,
    title: 'kill -9 of all APIs at once, three times',
    readsMayFail: true,
    inject: async ({ bed, load }) => {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(bed.system.apis.map(killService));
        await untilReady(bed.system.apis);
        await load.untilAnswered(30, 120_000);
      }
    },
  },
  {
    name: 'api-sigterm',
    row: 2,
    title: 'SIGTERM to an API under load of its own: what is in flight is answered, then exit 0',
    repeatable: true,
    inject: async ({ bed, productIds, name, note, violation, alsoCheck }) => {
      const { process: api, url } = await launchApi(bed, name);
      await api.waitUntilReady();
      const urls = [`${url}/graphql`, `${url}/graphql`, `${url}/graphql`, bed.system.graphqlUrl];
      const load = new Load(bed, { name: `${name}-own`, productIds, authors: 10, pauseMs: 0, urls }).start();
      alsoCheck(load.history);
      await load.untilAnswered(80);
      const began = Date.now();
      const exit = await api.stop();
      note(`exit ${exit.code ?? exit.signal} after ${Date.now() - began} ms`);
      if (exit.code !== 0) violation(`the API ended with ${exit.code ?? exit.signal}`);
      await delay(500);
      await load.stop();
    },
  },
];
