import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './error-body.js';

/** How often the delay of the event loop is measured. */
const SAMPLE_MS = 100;

export interface LoadLimits {
  /** Requests beyond this number are refused until others are answered. */
  readonly maxConcurrentRequests: number;
  /** Requests are refused while timers are later than this; 0 turns it off. */
  readonly maxEventLoopDelayMs: number;
  /** An answer that its client has not read after this time is cut off. */
  readonly sendTimeoutMs: number;
}

/**
 * Refuses requests with 503 and Retry-After while the process has more to do than it can: refused at once is better for a
 * client than answered after its time-out, and the requests under way get the processor. Answers that nobody reads are
 * held in memory for a bounded time only.
 */
export class LoadShedding {
  private inFlight = 0;
  private delayMs = 0;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    server: FastifyInstance,
    private readonly limits: LoadLimits,
  ) {
    if (limits.maxEventLoopDelayMs === 0) return;
    let expectedAt = performance.now() + SAMPLE_MS;
    this.timer = setInterval(() => {
      const now = performance.now();
      this.delayMs = now - expectedAt;
      expectedAt = now + SAMPLE_MS;
    }, SAMPLE_MS);
    this.timer.unref();
    server.addHook('onClose', async () => clearInterval(this.timer));
  }

  /** A hook for `onRequest`: before the body is read. */
  readonly onRequest = (_request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (this.delayMs > this.limits.maxEventLoopDelayMs || this.inFlight >= this.limits.maxConcurrentRequests) {
      void refuse(reply, 'SERVICE_UNAVAILABLE', 'The service is overloaded. Try again in a moment.');
      return;
    }
    this.inFlight += 1;
    reply.raw.once('close', () => {
      this.inFlight -= 1;
    });
    done();
  };

  /** A hook for `onSend`: begins the time in which the client has to read the answer. */
  readonly onSend = (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: () => void): void => {
    const timer = setTimeout(() => request.raw.socket.destroy(), this.limits.sendTimeoutMs);
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  };
}
