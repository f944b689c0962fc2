import { configSubject, integer, type ConfigOf, type Variable } from '@exact-ratings/shared/config/variable.js';

/** A duration of at most a week. */
export function milliseconds(name: string, byDefault: number, min: number, meaning: string): Variable<number> {
  return integer(name, { default: byDefault, min, max: 7 * 86_400_000, meaning });
}

export const SCANS = configSubject('Reconciler', {
  graceMs: milliseconds(
    'RECONCILER_GRACE_MS',
    5_000,
    0,
    'A rating that is behind and has not moved after this time is rebuilt.',
  ),
  pageSize: integer('RECONCILER_PAGE_SIZE', {
    default: 1_000,
    min: 5,
    max: 5_000,
    meaning: 'Products in one page of a scan: one MGET, one statement.',
  }),
  pageIntervalMs: milliseconds(
    'RECONCILER_PAGE_INTERVAL_MS',
    50,
    0,
    'Shortest time from the start of one page to the start of the next.',
  ),
  rebuildsPerSecond: integer('RECONCILER_REBUILDS_PER_SECOND', {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    meaning: 'Most products that the reconciler rebuilds in a second.',
  }),
});

export type ScanConfig = ConfigOf<typeof SCANS>;
