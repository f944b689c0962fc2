import { runHttpLoad } from './http-load.js';
import { runInsertLoad } from './insert-load.js';
import type { Load, LoadResult } from './load-plan.js';

/** The load generator's process: takes one load at a time from its parent, and ends with it. */
export type LoadAnswer = { readonly result: LoadResult } | { readonly error: string };

process.on('message', (load: Load) => {
  const running = load.kind === 'http' ? runHttpLoad(load) : runInsertLoad(load);
  running.then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function answer(message: LoadAnswer): void {
  process.send?.(message);
}
