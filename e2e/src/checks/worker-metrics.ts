import type { Testbed } from '../testbed.js';

/**
 * Sum of a counter over all workers. Without labels in the name it is also the sum over all of the metric's labels;
 * `rating_jobs_total{result="failed"}` selects one.
 */
export async function sumOverWorkers(bed: Testbed, metric: string): Promise<number> {
  let sum = 0;
  for (const { url } of bed.system.workers) {
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const line of text.split('\n')) {
      const [, name, labels = '', value] = /^([a-z_]+)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
      if (name === metric || `${name}${labels}` === metric) sum += Number(value);
    }
  }
  return sum;
}
