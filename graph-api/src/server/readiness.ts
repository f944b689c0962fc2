import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';

/** A probe wants an answer soon, also while PostgreSQL gives none. */
const READY_TIMEOUT_MS = 2_000;

/** What `/ready` answers: whether new requests should be sent here. */
export class Readiness {
  private stopping = false;

  /** @param isUsable whether PostgreSQL answers, is migrated, and can be used */
  constructor(private readonly isUsable: () => Promise<boolean>) {}

  /** True once the process was asked to stop: it still answers, and closes each connection after its answer. */
  get isStopping(): boolean {
    return this.stopping;
  }

  stop(): void {
    this.stopping = true;
  }

  async read(): Promise<{ readonly ready: boolean; readonly parts: Readonly<Record<string, boolean>> }> {
    const answer = withDeadline(this.isUsable(), READY_TIMEOUT_MS, 'PostgreSQL did not answer');
    const postgres = await answer.catch(() => false);
    const parts = this.stopping ? { postgres, running: false } : { postgres };
    return { ready: postgres && !this.stopping, parts };
  }
}
