import { join } from 'node:path';
import { launchServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { GRAPH_API_ENTRY, RATING_WORKER_ENTRY } from '@exact-ratings/stack/system.js';
import type { Testbed } from '../../testbed.js';

type Variables = Readonly<Record<string, string>>;

/** One process beside those of the system, which no supervisor restarts. */
export interface ExtraService {
  readonly process: ServiceProcess;
  readonly url: string;
}

/** Launches one more API; `variables` override those of the system. */
export async function launchApi(bed: Testbed, name: string, variables: Variables = {}): Promise<ExtraService> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const options = { entry: GRAPH_API_ENTRY, readyUrl: `${url}/ready` };
  const process = await launch(bed, `graph-api-${name}`, options, { PRODUCT_SERVICE_PORT: String(port), ...variables });
  return { process, url };
}

/** Launches one more worker. */
export async function launchWorker(bed: Testbed, name: string): Promise<ExtraService> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const options = { entry: RATING_WORKER_ENTRY, readyUrl: `${url}/ready` };
  const process = await launch(bed, `rating-worker-${name}`, options, { REVIEW_PROCESSING_SERVICE_PORT: String(port) });
  return { process, url };
}

function launch(
  bed: Testbed,
  name: string,
  options: { readonly entry: string; readonly readyUrl?: string },
  variables: Variables,
): Promise<ServiceProcess> {
  const { stack, env } = bed.system;
  return launchServiceProcess({
    name,
    ...options,
    env: { ...env, ...variables },
    logFile: join(stack.logDirectory, `${name}.log`),
    pidDirectory: stack.pidDirectory,
  });
}
