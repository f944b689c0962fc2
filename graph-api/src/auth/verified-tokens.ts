import { LRUCache } from 'lru-cache';
import type { Viewer } from './viewer.js';

/** Some megabytes at most. */
const MAX_TOKENS = 1_000;
const MAX_TOKEN_LENGTH = 4_096;

/** For how long the outcome of a verification holds, besides the token's own expiry. */
export interface KeyValidity {
  /** Changes with every fetch of the keys: one of them may be withdrawn. */
  readonly generation: number;
  /** When the keys have to be fetched again, in ms since the epoch. */
  readonly freshUntil: number;
}

interface VerifiedToken extends KeyValidity {
  readonly viewer: Viewer;
  /** The token's `exp`, in seconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Callers by their verified tokens: the same token comes with every request. Only what was
 * accepted is remembered, until the token expires or the keys are fetched again.
 */
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, VerifiedToken>({ max: MAX_TOKENS });

  /** @param clockToleranceSeconds for how long after its expiry a token is accepted */
  constructor(private readonly clockToleranceSeconds: number) {}

  /** The caller, where this very token was accepted and would be once more. */
  get(token: string, generation: number): Viewer | undefined {
    const verified = this.tokens.get(token);
    if (verified === undefined) return undefined;
    const now = Date.now();
    const isExpired = verified.expiresAt <= Math.floor(now / 1_000) - this.clockToleranceSeconds;
    if (!isExpired && verified.generation === generation && now < verified.freshUntil) return verified.viewer;
    this.tokens.delete(token);
    return undefined;
  }

  /** @param expiresAt the token's `exp`, in seconds since the epoch */
  add(token: string, viewer: Viewer, expiresAt: number, validity: KeyValidity): void {
    if (token.length <= MAX_TOKEN_LENGTH) this.tokens.set(token, { ...validity, viewer, expiresAt });
  }
}
