import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';
import { expectNoConnections } from './leak-check.js';

/** Jest's Node environment, in which a test file fails that leaves connections open. */
export default class LeakCheckEnvironment extends TestEnvironment {
  /** Called by jest-circus at each step of a file. */
  async handleTestEvent(event: Circus.AsyncEvent, state: Circus.State): Promise<void> {
    if (event.name !== 'run_finish') return;
    await expectNoConnections().catch((error: unknown) => state.unhandledErrors.push(error as Circus.Exception));
  }
}
