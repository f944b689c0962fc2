import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { KeyValidity } from './verified-tokens.js';

export interface KeyTimes {
  /** Keys of this age are fetched again, so that a withdrawn key stops working. */
  readonly maxAgeMs: number;
  /** Keys that cannot be fetched again go on working until this age. */
  readonly maxStaleMs: number;
  /** After a fetch that did not bring the wanted key, unknown keys cause no fetch for this time. */
  readonly cooldownMs: number;
  /** After a fetch that failed, none is tried for this time. */
  readonly retryMs: number;
  /** A fetch that takes longer has failed. */
  readonly timeoutMs: number;
}

const KEY_TIMES: KeyTimes = {
  maxAgeMs: 10 * 60_000,
  maxStaleMs: 24 * 3_600_000,
  cooldownMs: 10_000,
  retryMs: 1_000,
  timeoutMs: 3_000,
};

/** The provider's keys are needed and cannot be had right now: nothing is known about the token. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/**
 * The public keys of an identity provider. Fetched when first needed, kept, and fetched again by age and for an unknown
 * key id; while the provider is down, the known keys go on working.
 */
export class Jwks {
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private fetchedAt = -Infinity;
  private nextFetchAt = -Infinity;
  private failure: unknown;

  constructor(
    private readonly url: string,
    private readonly logger: Logger,
    private readonly times: KeyTimes = KEY_TIMES,
  ) {
    // When to fetch is decided here: jose refuses known keys while they cannot be refreshed.
    this.remote = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: Infinity,
      cooldownDuration: Infinity,
      timeoutDuration: times.timeoutMs,
    });
  }

  /**
   * The key that a token's header names.
   * @throws KeysUnavailableError where the provider's answer is needed and missing
   * @throws JWKSNoMatchingKey where the provider has no such key
   */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.age() >= this.times.maxAgeMs) {
      const fetching = this.fetch();
      // While the provider is known to be down, the known keys answer without waiting for it.
      if (this.failure === undefined || this.age() >= this.times.maxStaleMs) await fetching;
    }
    if (this.age() >= this.times.maxStaleMs) throw this.unavailable();
    try {
      return await this.remote(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.fetch();
    if (this.failure !== undefined) throw this.unavailable();
    try {
      return await this.remote(header, token);
    } catch (error) {
      this.nextFetchAt = Math.max(this.nextFetchAt, this.fetchedAt + this.times.cooldownMs);
      throw error;
    }
  };

  /** For how long what these keys verified holds. */
  validity(): KeyValidity {
    return { generation: this.fetchedAt, freshUntil: this.fetchedAt + this.times.maxAgeMs };
  }

  /** Fetches the keys ahead of the first token; a failure is only logged. */
  async prepare(): Promise<void> {
    await this.fetch();
  }

  private age(): number {
    return Date.now() - this.fetchedAt;
  }

  /** One fetch for all who wait; sets `failure` or clears it. Does nothing before its time has come. */
  private async fetch(): Promise<void> {
    if (!this.remote.reloading && Date.now() < this.nextFetchAt) return;
    try {
      await this.remote.reload();
      if (this.failure !== undefined) this.logger.info({ url: this.url }, 'the identity provider answers again');
      this.failure = undefined;
      this.fetchedAt = Date.now();
    } catch (error) {
      if (this.failure === undefined) {
        this.logger.warn({ err: error, url: this.url }, 'the keys of the identity provider cannot be fetched');
      }
      this.failure = error;
      this.nextFetchAt = Date.now() + this.times.retryMs;
    }
  }

  private unavailable(): KeysUnavailableError {
    return new KeysUnavailableError(`no keys from ${this.url}`, { cause: this.failure });
  }
}
