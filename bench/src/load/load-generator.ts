import { fork, type ChildProcess } from 'node:child_process';
import { withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import { LOAD_PROCESS_ENTRY } from '../environment/entries.js';
import type { Load, LoadResult } from './load-plan.js';
import type { LoadAnswer } from './load-process.js';

/** How long the answers to the last requests may take after the load's own time. */
const GRACE_MS = 45_000;

/** A process that makes load, so that neither the measured processes nor the bench itself share its event loop. */
export class LoadGenerator {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start(): LoadGenerator {
    // Structured clones: thousands of request bodies and latencies as JSON would take longer than some loads.
    return new LoadGenerator(fork(LOAD_PROCESS_ENTRY, { serialization: 'advanced' }));
  }

  /** Runs one load. @throws where a request failed: a figure of answers that were not right means nothing. */
  async run(load: Load): Promise<LoadResult> {
    const answer = withDeadline(this.#request(load), load.seconds * 1_000 + GRACE_MS, 'The load did not end');
    const result = await answer;
    if (result.failures > 0) {
      throw new Error(
        `${result.failures} of ${result.failures + result.count} requests failed: ${result.firstFailure}`,
      );
    }
    if (result.count === 0) throw new Error('not one request was answered in time');
    return result;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #request(load: Load): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      const exited = (code: number | null): void => reject(new Error(`the load generator ended (exit code ${code})`));
      this.#child.once('exit', exited);
      this.#child.once('message', (message) => {
        this.#child.off('exit', exited);
        const answer = message as LoadAnswer;
        if ('error' in answer) reject(new Error(`the load failed: ${answer.error}`));
        else resolve(answer.result);
      });
      this.#child.send(load);
    });
  }
}
