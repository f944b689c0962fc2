import type { ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import type { SupervisedProcess } from '@exact-ratings/stack/processes/supervisor.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';

/** The process of now, waiting over the pause before a restart. */
export async function currentProcess(service: SupervisedProcess): Promise<ServiceProcess> {
  const process = await waitUntil(() => service.current, { timeoutMs: 60_000 });
  if (process === undefined) throw new Error(`${service.name} does not run`);
  return process;
}

/** kill -9; its supervisor starts it again. */
export async function killService(service: SupervisedProcess): Promise<void> {
  const process = await currentProcess(service);
  await process.kill();
}

/** Resolves when all of them are ready, by a process that is not one of these that were killed. */
export async function untilReady(services: readonly SupervisedProcess[]): Promise<void> {
  await Promise.all(services.map((service) => service.waitUntilReady(90_000)));
}
