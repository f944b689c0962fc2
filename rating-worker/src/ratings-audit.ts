import { parseArgs } from 'node:util';
import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig, readRedisConfig } from '@exact-ratings/shared/config/server-config.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { configOrExit } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { auditRatings } from './audit/ratings-audit.js';
import { createDatabasePool, createRatingConnection } from './connections.js';

const USAGE = `Compares every product's rating in Redis with SQL.

  npm run ratings:audit -- [--wait SECONDS]

  --wait SECONDS  how long to look again at what is behind; 0 by default

Connects as DATABASE_* and REDIS_* in the environment say.
Exit code: 0 all equal (missing keys are fine), 1 some differ, 2 some stayed behind, 3 the audit failed.
`;

const MAX_LISTED = 20;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function readArguments(): { waitMs: number } {
  try {
    const { values } = parseArgs({ options: { wait: { type: 'string', default: '0' }, help: { type: 'boolean' } } });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (!/^\d{1,6}$/.test(values.wait)) throw new Error(`--wait takes a number of seconds, not "${values.wait}"`);
    return { waitMs: Number(values.wait) * 1_000 };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(3);
  }
}

const { waitMs } = readArguments();
const config = configOrExit(() => {
  const env = new EnvReader(process.env);
  return env.finish({ database: readDatabaseConfig(env), redis: readRedisConfig(env) });
});
const logger = createLogger('ratings-audit', 'silent');
const pool = createDatabasePool(config.database, 2, logger);
const redis = createRatingConnection(config.redis, 'ratings-audit', logger);

try {
  let listed = 0;
  let reported = Date.now();
  const report = await auditRatings(new RatingStore(redis, { ttlSeconds: 0 }), pool, {
    waitMs,
    onProgress: (compared) => {
      if (Date.now() - reported < 2_000) return;
      reported = Date.now();
      say(`${compared.toLocaleString('en')} products compared …`);
    },
    onFinding: ({ productId, kind, detail }) => {
      listed += 1;
      if (listed <= MAX_LISTED) say(`${kind.toLowerCase()}: ${productId}: ${detail}`);
    },
  });
  if (listed > MAX_LISTED) say(`… and ${listed - MAX_LISTED} more`);
  say(
    `${report.compared.toLocaleString('en')} products compared: ${report.equal} equal, ${report.missing} missing, ` +
      `${report.behind} behind, ${report.different} different`,
  );
  process.exitCode = report.different > 0 ? 1 : report.behind > 0 ? 2 : 0;
} catch (error) {
  const { host, port } = config.database;
  process.stderr.write(
    `The audit failed: ${error instanceof Error ? error.message : String(error)}\n` +
      `PostgreSQL ${host}:${port}, Redis ${config.redis.host}:${config.redis.port}: are they up, and is it migrated?\n`,
  );
  process.exitCode = 3;
} finally {
  redis.disconnect();
  await pool.end();
}
