import type { Testbed } from './testbed.js';

/** The sum of a counter over all workers, and over all its labels unless the name has some: `jobs{result="failed"}`. */
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
