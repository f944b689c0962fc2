import { setTimeout as delay } from 'node:timers/promises';
import { launchApi } from './extra-process.js';
import type { Fault } from './fault.js';

/** How often the balancer looks at `/ready`: as Kubernetes does, but faster. */
const BALANCER_INTERVAL_MS = 250;

const QUERY = JSON.stringify({ query: '{ products(first: 1) { nodes { id } } }' });

/**
 * Clients behind a balancer that sends new requests, each over a connection of its own, to one API for as long as its
 * `/ready` answers 200.
 */
class BalancedClients {
  readonly failures: string[] = [];
  answered = 0;
  /** Set once `/ready` no longer answers 200. */
  isOut = false;
  readonly #running: Promise<unknown>;

  constructor(
    private readonly url: string,
    clients: number,
  ) {
    this.#running = Promise.all([this.#balance(), ...Array.from({ length: clients }, () => this.#client())]);
  }

  async ended(): Promise<void> {
    await this.#running;
  }

  async #balance(): Promise<void> {
    while (!this.isOut) {
      const status = await fetch(`${this.url}/ready`).then(
        (response) => response.status,
        () => 0,
      );
      if (status !== 200) this.isOut = true;
      await delay(BALANCER_INTERVAL_MS);
    }
  }

  async #client(): Promise<void> {
    while (!this.isOut) {
      try {
        const response = await fetch(`${this.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: QUERY,
        });
        const body = (await response.json()) as { data?: unknown; errors?: unknown };
        if (response.status === 200 && body.errors === undefined) this.answered += 1;
        else this.failures.push(`${response.status} ${JSON.stringify(body.errors)}`);
      } catch (error) {
        this.failures.push(`${String(error)}: ${String((error as Error).cause)}`);
      }
      await delay(5);
    }
  }
}

export const drainFaults: readonly Fault[] = [
  {
    name: 'api-drain',
    row: 42,
    title: 'SIGTERM to an API behind a balancer that looks at /ready: not one request is refused',
    repeatable: true,
    inject: async ({ bed, name, note, violation }) => {
      // The default in production is 5 s, and none elsewhere.
      const { process: api, url } = await launchApi(bed, name, { SHUTDOWN_DRAIN_MS: '2000' });
      await api.waitUntilReady();
      const clients = new BalancedClients(url, 10);
      await delay(1_000);
      const began = Date.now();
      const exit = api.stop();
      await clients.ended();
      note(`${clients.answered} requests answered, out of the balancer after ${Date.now() - began} ms`);
      const { code, signal } = await exit;
      note(`exit ${code ?? signal} after ${Date.now() - began} ms`);
      if (code !== 0) violation(`the API ended with ${code ?? signal}`);
      if (clients.failures.length > 0) {
        violation(`availability: ${clients.failures.length} requests failed, such as: ${clients.failures[0]}`);
      }
    },
  },
];
