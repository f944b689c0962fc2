/** Whether anybody waits for what a request asked for. */
export interface Lifetime {
  /** @throws once nobody does any more: the request is answered or over time, or its client gone */
  throwIfEnded(): void;
}
