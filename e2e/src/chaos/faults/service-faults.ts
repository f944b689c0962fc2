import type { ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import type { SupervisedProcess } from '@exact-ratings/stack/processes/supervisor.js';
import { waitUntil } from '@exact-ratings/stack/wait-until.js';

/**
 * The running process of a service; waits for the restart when there is none.
 * @throws when there is none within 60 s
 */
export async function currentProcess(service: SupervisedProcess): Promise<ServiceProcess> {
  const process = await waitUntil(() => service.current, { timeoutMs: 60_000 });
  if (process === undefined) throw new Error(`${service.name} does not run`);
  return process;
}

/** Kills the service's process by SIGKILL; its supervisor starts another. */
export async function killService(service: SupervisedProcess): Promise<void> {
  const process = await currentProcess(service);
  await process.kill();
}

/** Resolves when every service answers that it is ready. */
export async function untilReady(services: readonly SupervisedProcess[]): Promise<void> {
  await Promise.all(services.map((service) => service.waitUntilReady(90_000)));
}
