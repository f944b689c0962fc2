import { boolean, configSubject, type ConfigOf } from '@exact-ratings/shared/config/variable.js';
import { milliseconds } from '../drift/scan-config.js';

export const RECONCILER = configSubject('Reconciler', {
  enabled: boolean('RECONCILER_ENABLED', {
    default: true,
    meaning: 'Finds and repairs what no event notices: drift, lost keys, keys of products that are gone.',
  }),
  sequenceScanIntervalMs: milliseconds(
    'RECONCILER_SEQUENCE_SCAN_INTERVAL_MS',
    60_000,
    100,
    "From the end of one scan of all products' sequence numbers to the start of the next.",
  ),
  countsScanIntervalMs: milliseconds(
    'RECONCILER_COUNTS_SCAN_INTERVAL_MS',
    300_000,
    100,
    'The same for the scan that compares the counts too.',
  ),
  orphanScanIntervalMs: milliseconds(
    'RECONCILER_ORPHAN_SCAN_INTERVAL_MS',
    600_000,
    100,
    'The same for the scan for keys of products that PostgreSQL lacks.',
  ),
  recentIntervalMs: milliseconds(
    'RECONCILER_RECENT_INTERVAL_MS',
    5_000,
    100,
    'How often the products whose events were consumed lately are compared.',
  ),
  recentWindowMs: milliseconds(
    'RECONCILER_RECENT_WINDOW_MS',
    60_000,
    1_000,
    'How long a product counts as consumed lately.',
  ),
  heartbeatMs: milliseconds(
    'RECONCILER_HEARTBEAT_MS',
    1_000,
    50,
    'How often the heartbeat in Redis is counted up, which shows that Redis lost data.',
  ),
  leaseMs: milliseconds(
    'RECONCILER_LEASE_MS',
    10_000,
    500,
    'Within this time after its death another process takes over.',
  ),
});

export type ReconcilerConfig = ConfigOf<typeof RECONCILER>;
