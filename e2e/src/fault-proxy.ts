import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How the proxy treats the traffic. */
export type ProxyMode =
  | { readonly kind: 'pass' }
  /** Connections are accepted and stay open; no byte arrives, in either direction. */
  | { readonly kind: 'black-hole' }
  /** Every byte arrives `ms` milliseconds later, in each direction. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Requests arrive; their replies do not. */
  | { readonly kind: 'drop-replies' }
  /** Connections are refused. */
  | { readonly kind: 'refuse' }
  /**
   * The client's host vanishes: a connection over which it has received more than so many bytes since is never read
   * again, nor closed, so that the server's replies fill the buffers of both ends.
   */
  | { readonly kind: 'vanish'; readonly afterBytes: number };

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Bytes from upstream since the mode was set. */
  receivedBytes: number;
  hasVanished: boolean;
}

/** A TCP proxy on loopback that injects network faults. It adds no delay of its own (TCP_NODELAY on both sides). */
export class FaultProxy {
  readonly host = '127.0.0.1';
  readonly #upstreamPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => this.#accept(client));
  #mode: ProxyMode = { kind: 'pass' };

  private constructor(upstreamPort: number) {
    this.#upstreamPort = upstreamPort;
  }

  /** Listens on a free port and forwards to `upstreamPort` of this machine. */
  static async start(upstreamPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstreamPort);
    proxy.#server.listen(0, proxy.host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  /** Count of connections that have vanished and were not reset since. */
  get vanished(): number {
    return [...this.#pairs].filter(({ hasVanished }) => hasVanished).length;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  /**
   * Changes the mode of all connections, open ones included. Bytes dropped by `black-hole`, `drop-replies` or `vanish` are
   * lost, so when the mode returns to `pass` the connections are reset, as a peer would do.
   */
  setMode(mode: ProxyMode): void {
    const lossy = ['black-hole', 'drop-replies', 'vanish'].includes(this.#mode.kind);
    this.#mode = mode;
    for (const pair of this.#pairs) pair.receivedBytes = 0;
    if ((lossy && mode.kind === 'pass') || mode.kind === 'refuse') this.reset();
  }

  /** Resets every open connection (RST); new ones are treated by the mode. */
  reset(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#mode.kind === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: this.host, port: this.#upstreamPort, noDelay: true });
    const pair: Pair = { client, upstream, receivedBytes: 0, hasVanished: false };
    this.#pairs.add(pair);
    const end = (): void => {
      if (pair.hasVanished) return;
      this.#pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    this.#forward(pair, client, upstream, ['black-hole']);
    this.#forward(pair, upstream, client, ['black-hole', 'drop-replies']);
    client.resume();
  }

  #forward(pair: Pair, from: Socket, to: Socket, swallowedBy: ReadonlyArray<ProxyMode['kind']>): void {
    let delayed = Promise.resolve();
    const write = (chunk: Buffer): void => {
      if (to.destroyed || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => {
        if (!pair.hasVanished) from.resume();
      });
    };
    from.on('data', (chunk: Buffer) => {
      const mode = this.#mode;
      if (pair.hasVanished || swallowedBy.includes(mode.kind)) return;
      if (mode.kind === 'vanish') {
        if (from === pair.upstream) pair.receivedBytes += chunk.length;
        if (pair.receivedBytes > mode.afterBytes) {
          pair.hasVanished = true;
          pair.client.pause();
          pair.upstream.pause();
          return;
        }
      }
      if (mode.kind !== 'delay') {
        write(chunk);
        return;
      }
      const due = Date.now() + mode.ms;
      delayed = delayed.then(async () => {
        await delay(Math.max(0, due - Date.now()));
        write(chunk);
      });
    });
  }
}
