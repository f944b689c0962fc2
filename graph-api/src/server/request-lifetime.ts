import type { Socket } from 'node:net';
import type { Lifetime } from '../database/lifetime.js';
import { serviceUnavailable } from '../graphql/errors.js';

/** The time from a request's arrival until it is answered, over time, or its client gone. */
export class RequestLifetime implements Lifetime {
  private ended = false;
  /** By the clock of the process, which a timer may miss: one that was frozen reads its sockets before its timers. */
  private readonly deadline: number;

  /** @param socket the client's connection */
  constructor(
    private readonly socket: Socket,
    timeoutMs: number,
  ) {
    this.deadline = performance.now() + timeoutMs;
  }

  /** To be called when the request is answered, over time, or its client gone. */
  end(): void {
    this.ended = true;
  }

  /** @throws SERVICE_UNAVAILABLE once the request has ended */
  throwIfEnded(): void {
    const { destroyed, readableEnded } = this.socket;
    if (this.ended || destroyed || readableEnded || performance.now() > this.deadline) {
      throw serviceUnavailable('The request was given up.');
    }
  }
}
