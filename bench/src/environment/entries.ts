import { fileURLToPath } from 'node:url';

const benchFile = (path: string): string => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

export const LOAD_PROCESS_ENTRY = benchFile('load/load-process.js');
export const FLOOR_ENTRY = benchFile('baselines/floor/page-server.js');
export const COMMON_WAY_API_ENTRY = benchFile('baselines/common-way/api.js');
export const COMMON_WAY_WORKER_ENTRY = benchFile('baselines/common-way/worker.js');

/** The repository's root, where npm's scripts are. */
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
