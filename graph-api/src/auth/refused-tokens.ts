import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errors } from 'jose';
import type { AuthConfig } from './auth-config.js';

/** One line for each reason in this time; the rest is counted, so that a flood of bad tokens does not flood the log. */
const LOG_INTERVAL_MS = 10_000;
const MAX_VALUE_LENGTH = 200;

interface Refusal {
  readonly claim?: string;
  readonly expected?: unknown;
  readonly got?: unknown;
  readonly reason: string;
}

/**
 * Logs why tokens are refused, for whoever has to set the identity provider up: the caller is told no reason. Names the
 * claim, what was expected and what came; never the token, nor a claim that was not looked at.
 */
export class RefusedTokens {
  /** By reason, so that expired tokens, which are daily business, do not hide a wrong issuer. The reasons are jose's: few. */
  private readonly lines = new Map<string, { nextAt: number; unlogged: number }>();

  constructor(
    private readonly config: AuthConfig,
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  log(error: unknown): void {
    const now = this.now();
    const reason = reasonOf(error);
    const line = this.lines.get(reason);
    if (line !== undefined && now < line.nextAt) {
      line.unlogged += 1;
      return;
    }
    const others = line === undefined || line.unlogged === 0 ? {} : { othersSinceLastLine: line.unlogged };
    this.lines.set(reason, { nextAt: now + LOG_INTERVAL_MS, unlogged: 0 });
    this.logger.warn({ ...this.describe(error, now), ...others }, 'a token was refused');
  }

  private describe(error: unknown, now: number): Refusal {
    if (!(error instanceof errors.JWTExpired) && !(error instanceof errors.JWTClaimValidationFailed)) {
      return { reason: error instanceof errors.JOSEError ? error.message : 'not a token' };
    }
    const { claim, payload, message } = error;
    const expected = this.expected(claim, now);
    const value = payload[claim];
    // `sub` names a person, and is refused only where it is missing.
    if (claim === 'sub') return { claim, reason: message };
    return {
      claim,
      reason: message,
      ...(expected === undefined ? {} : { expected }),
      got: shown(claim, value),
    };
  }

  private expected(claim: string, now: number): unknown {
    const tolerance = `${this.config.clockToleranceSeconds} s of tolerance`;
    const moment = new Date(now).toISOString();
    switch (claim) {
      case 'iss':
        return this.config.issuer;
      case 'aud':
        return this.config.audience;
      case 'exp':
        return `after ${moment} (${tolerance})`;
      case 'nbf':
        return `before ${moment} (${tolerance})`;
      default:
        return undefined;
    }
  }
}

/** What refusals are told apart by: jose's code, with the claim. */
function reasonOf(error: unknown): string {
  if (!(error instanceof errors.JOSEError)) return 'not a token';
  return 'claim' in error ? `${error.code} ${String(error.claim)}` : error.code;
}

/** Times as a person reads them; anything long is cut. */
function shown(claim: string, value: unknown): unknown {
  if (value === undefined) return 'missing';
  if (['exp', 'nbf', 'iat'].includes(claim) && typeof value === 'number') {
    const date = new Date(value * 1_000);
    if (!Number.isNaN(date.getTime())) return date.toISOString();
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
