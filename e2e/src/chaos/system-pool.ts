import { DEFAULT_SHAPE, type SystemShape } from './faults/fault.js';
import { startTestbed, type Testbed } from '../testbed.js';

/** Keeps the running system for the next fault of the same shape. */
export class SystemPool {
  #current: { key: string; bed: Testbed } | undefined;
  #count = 0;

  constructor(private readonly onProgress: (line: string) => void) {}

  async take(shape: SystemShape = DEFAULT_SHAPE): Promise<Testbed> {
    const key = JSON.stringify(shape);
    if (this.#current?.key === key) return this.#current.bed;
    await this.discard();
    this.#count += 1;
    const began = Date.now();
    const bed = await startTestbed({ ...shape, name: `chaos-${process.pid}-${this.#count}` });
    this.#current = { key, bed };
    const { apis = 1, workers = 1 } = shape;
    this.onProgress(
      `     a system of ${apis} APIs and ${workers} workers in ${((Date.now() - began) / 1_000).toFixed(1)} s`,
    );
    return bed;
  }

  /** Stops the current system: after a fault that failed, and at the end. */
  async discard(): Promise<void> {
    const bed = this.#current?.bed;
    this.#current = undefined;
    await bed?.close();
  }
}
