import type { IncomingMessage } from 'node:http';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Viewer } from '../../auth/viewer.js';
import { rateLimited } from '../../graphql/errors.js';
import { clientNetwork } from './client-address.js';
import type { RateLimitsConfig } from './rate-limits-config.js';
import { WINDOW_MS, type SharedBudgets } from './shared-budgets.js';

/** Headers of the answer, by the IETF's draft "RateLimit header fields for HTTP". */
export const RATE_LIMIT_HEADERS = ['ratelimit-policy', 'ratelimit'] as const;

/** What a request costs that is not executed, since it is not valid: parsing and validating takes as long as a page. */
const REFUSED_REQUEST_COST = 100;

/** What an operation spends. */
export interface Spending {
  readonly cost: number;
  readonly mutations: number;
}

/** The limits of all callers. */
export class RateLimits {
  private hasWarned = false;

  constructor(
    private readonly config: RateLimitsConfig,
    private readonly budgets: SharedBudgets,
    private readonly logger: Logger,
  ) {}

  /** The limits of one request's caller; null where there are none. */
  of(viewer: Viewer | null, request: IncomingMessage): CallerLimits | null {
    const { readCostPerMinute, mutationsPerMinute, trustedProxies } = this.config;
    if ((readCostPerMinute === 0 && mutationsPerMinute === 0) || viewer?.isAdmin === true) return null;
    if (viewer === null && trustedProxies === 0) this.warnOfProxies(request);
    const caller =
      viewer === null ? clientNetwork(request, trustedProxies) : JSON.stringify([viewer.issuer, viewer.subject]);
    return new CallerLimits(caller, { reads: readCostPerMinute, writes: mutationsPerMinute }, this.budgets);
  }

  private warnOfProxies({ headers }: IncomingMessage): void {
    if (this.hasWarned || headers['x-forwarded-for'] === undefined) return;
    this.hasWarned = true;
    this.logger.warn(
      'Requests come through a proxy and TRUSTED_PROXIES is 0: all without a token share one rate limit. Set it to the number of proxies in front.',
    );
  }
}

/** What a caller has of one kind, by the name that callers see. */
interface Allowance {
  readonly kind: 'reads' | 'writes';
  readonly perMinute: number;
  /** Of the shared budgets. */
  readonly name: string;
}

/** The limits of a request's caller: what they read and what they write is counted apart. */
export class CallerLimits {
  private readonly allowances: readonly Allowance[];
  private hasSpent = false;

  constructor(
    caller: string,
    perMinute: Readonly<Record<Allowance['kind'], number>>,
    private readonly budgets: SharedBudgets,
  ) {
    this.allowances = (['reads', 'writes'] as const)
      .map((kind) => ({ kind, perMinute: perMinute[kind], name: `${kind} ${caller}` }))
      .filter((allowance) => allowance.perMinute > 0);
  }

  /**
   * To be called before a text is looked at.
   * @throws RATE_LIMITED where the caller can read nothing
   */
  check(): void {
    this.require({ cost: 1, mutations: 0 });
  }

  /**
   * Spends what an operation costs, once a request.
   * @throws RATE_LIMITED where it is more than the caller has
   */
  spend(spending: Spending): void {
    if (this.hasSpent) return;
    this.require(spending);
    this.take(spending);
  }

  /** To be called at the end of a request: one that came to no operation has cost something as well. */
  settle(): void {
    if (!this.hasSpent) this.take({ cost: REFUSED_REQUEST_COST, mutations: 0 });
  }

  /** What was allowed and what is left of it. */
  headers(): Record<(typeof RATE_LIMIT_HEADERS)[number], string> {
    const policies = this.allowances.map(({ kind, perMinute }) => `"${kind}";q=${perMinute};w=${WINDOW_MS / 1_000}`);
    const states = this.allowances.map(({ kind, perMinute, name }) => {
      const goneMs = this.budgets.goneMs(name);
      const left = Math.floor(perMinute * Math.max(0, 1 - goneMs / WINDOW_MS));
      return `"${kind}";r=${left};t=${Math.ceil(goneMs / 1_000)}`;
    });
    return { 'ratelimit-policy': policies.join(', '), ratelimit: states.join(', ') };
  }

  /** A refusal costs nothing, so that trying again does not move the time for it. */
  private require(spending: Spending): void {
    for (const { kind, perMinute, name } of this.allowances) {
      const amount = amountOf(kind, spending);
      const waitMs = amount === 0 ? 0 : this.budgets.waitMs(name, amount / perMinute);
      if (waitMs === 0) continue;
      this.hasSpent = true;
      throw rateLimited(kind, perMinute, Math.ceil(waitMs / 1_000));
    }
  }

  private take(spending: Spending): void {
    this.hasSpent = true;
    for (const { kind, perMinute, name } of this.allowances) {
      const amount = amountOf(kind, spending);
      if (amount > 0) this.budgets.spend(name, amount / perMinute);
    }
  }
}

const amountOf = (kind: Allowance['kind'], { cost, mutations }: Spending): number =>
  kind === 'reads' ? cost : mutations;
