/**
 * The arrows of docs/architecture.md as an allow-list: an import that is not listed here is an error, also one that goes
 * into the `dist` of another package by a relative path.
 */

/** The packages, and those whose built files each may import. */
const PACKAGES = {
  shared: [],
  client: [],
  'graph-api': ['shared'],
  'rating-worker': ['shared'],
  stack: ['client', 'shared'],
  e2e: ['client', 'stack', 'shared'],
  bench: ['stack', 'shared'],
};

/** The tests of a package may use the kits of these, and import whatever their own package has. */
const TEST_KITS = ['stack', 'client', 'shared'];
const TESTS = '\\.test\\.ts$|src/testing/|src/exactness/';

/** Parts of a package (folders and files of its `src`), and the parts that each may import besides itself. */
const SUBJECTS = ['products', 'ratings', 'reviews'];
const PARTS = {
  shared: {
    config: [],
    events: [],
    runtime: ['config'],
    clients: ['config', 'runtime'],
    rating: ['config', 'events'],
  },
  client: {
    'client.ts': ['errors.ts', 'generated'],
    'errors.ts': ['generated'],
    'index.ts': ['client.ts', 'errors.ts', 'generated'],
  },
  'graph-api': {
    graphql: [],
    database: [],
    pagination: ['graphql', 'database'],
    auth: ['graphql'],
    products: ['graphql', 'database', 'pagination', 'auth'],
    ratings: ['graphql', 'database', 'pagination', 'auth', 'products'],
    reviews: ['graphql', 'database', 'pagination', 'auth', 'products', 'ratings'],
    outbox: ['database'],
    explorer: [],
    server: ['graphql', 'database', 'pagination', 'auth', ...SUBJECTS],
    'config.ts': ['auth', 'database', 'explorer', 'outbox', 'ratings', 'reviews', 'server'],
    'app.ts': ['config.ts', 'graphql', 'database', 'auth', 'pagination', ...SUBJECTS, 'outbox', 'explorer', 'server'],
    'main.ts': ['app.ts', 'config.ts'],
    'migrate-config.ts': ['database', 'outbox'],
    'migrate.ts': ['migrate-config.ts', 'database', 'outbox'],
    'emit-schema.ts': ['server'],
  },
  'rating-worker': {
    'metrics.ts': [],
    'connections.ts': [],
    'dead-letters': ['metrics.ts'],
    queue: ['connections.ts', 'metrics.ts'],
    ratings: ['metrics.ts', 'queue'],
    persistence: ['metrics.ts', 'ratings'],
    drift: ['metrics.ts', 'ratings', 'persistence'],
    consumer: ['connections.ts', 'metrics.ts', 'queue', 'ratings', 'dead-letters'],
    reconciler: ['connections.ts', 'metrics.ts', 'queue', 'ratings', 'drift'],
    'config.ts': ['consumer', 'drift', 'persistence', 'queue', 'reconciler'],
    'app.ts': [
      'config.ts',
      'connections.ts',
      'metrics.ts',
      'consumer',
      'dead-letters',
      'drift',
      'persistence',
      'queue',
      'ratings',
      'reconciler',
    ],
    'main.ts': ['app.ts', 'config.ts'],
    commands: ['config.ts', 'connections.ts', 'metrics.ts', 'dead-letters', 'drift', 'persistence', 'queue', 'ratings'],
  },
  stack: {
    // The parts of `stack` are small files beside three folders; the folders' order is what matters.
    '[a-z-]+\\.ts': ['[a-z-]+\\.ts', 'processes', 'servers'],
    processes: ['[a-z-]+\\.ts'],
    servers: ['[a-z-]+\\.ts', 'processes'],
    commands: ['[a-z-]+\\.ts', 'processes', 'servers'],
  },
  e2e: {
    'fault-proxy.ts': [],
    'testbed.ts': ['fault-proxy.ts'],
    workload: ['testbed.ts'],
    checks: ['testbed.ts', 'workload'],
    chaos: ['fault-proxy.ts', 'testbed.ts', 'workload', 'checks'],
    mutants: ['testbed.ts', 'workload', 'checks', 'chaos'],
    flows: ['testbed.ts', 'workload', 'checks'],
  },
  bench: {
    'sizes.ts': [],
    baselines: [],
    environment: [],
    measure: [],
    report: [],
    load: ['environment'],
    scenarios: ['sizes.ts', 'baselines', 'environment', 'load', 'measure', 'report'],
    'arguments.ts': ['sizes.ts', 'scenarios'],
    'bench.ts': ['sizes.ts', 'arguments.ts', 'environment', 'measure', 'report', 'scenarios'],
  },
};

/** What one subject may not see of another, although its folder is below. */
const PRIVATE_TO_A_SUBJECT = '-commands\\.ts$|-row\\.ts$|-payload\\.ts$|-user-error\\.ts$|\\.entity\\.ts$|/mutations/';

const part = (owner, name) =>
  `^${owner}/src/${name.includes('.ts') ? `${name.replace(/^([a-z-]+)\.ts$/, '$1\\.ts')}$` : `${name}/`}`;

const allowed = [
  { from: {}, to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] } },
];
for (const [owner, others] of Object.entries(PACKAGES)) {
  const packages = (names) => `^(${names.join('|')})/dist/`;
  if (others.length > 0) allowed.push({ from: { path: `^${owner}/src/` }, to: { path: packages(others) } });
  allowed.push({
    from: { path: `^${owner}/.*(${TESTS})` },
    to: { path: [`^${owner}/(src|dist)/`, packages(TEST_KITS)] },
  });
  for (const [name, below] of Object.entries(PARTS[owner])) {
    for (const target of [name, ...below]) {
      const isAcross = owner === 'graph-api' && SUBJECTS.includes(name) && SUBJECTS.includes(target) && name !== target;
      allowed.push({
        from: { path: part(owner, name), pathNot: TESTS },
        to: { path: part(owner, target), pathNot: isAcross ? `${TESTS}|${PRIVATE_TO_A_SUBJECT}` : TESTS },
      });
    }
  }
}

module.exports = {
  allowed,
  allowedSeverity: 'error',
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'resolvers-are-thin',
      comment: 'no database, no Redis, no Kafka: loaders read, commands write',
      severity: 'error',
      from: { path: '^graph-api/src/.*(\\.resolver\\.ts$|/mutations/|-list\\.ts$)' },
      to: { path: '^graph-api/src/database/|node_modules/(pg|typeorm|ioredis|kafkajs)/' },
    },
    {
      name: 'the-worker-has-no-orm',
      severity: 'error',
      from: { path: '^(rating-worker|shared)/src' },
      to: { path: 'node_modules/typeorm' },
    },
    {
      name: 'kafkajs-in-few-files',
      comment: 'it is unmaintained: kept behind the publisher, the topics and the consumer',
      severity: 'error',
      from: { path: '^graph-api/src', pathNot: `^graph-api/src/outbox/|${TESTS}` },
      to: { path: 'node_modules/kafkajs' },
    },
  ],
  options: {
    // Other packages are seen as their built files, which end the walk.
    doNotFollow: { path: 'node_modules|/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
