/** The arrows of docs/architecture.md: `graph-api → shared ← rating-worker`; data flows one way inside a service. */
const TESTS = '\\.test\\.ts$|/testing/|/exactness/';

const forbid = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: TESTS },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    forbid(
      'shared-knows-nobody',
      'shared is below both services',
      '^shared/src',
      '^(graph-api|rating-worker|client|stack|e2e)/',
    ),
    forbid(
      'client-knows-the-schema-only',
      'the SDK is published alone',
      '^client/src',
      '^(shared|graph-api|rating-worker|stack|e2e)/',
    ),
    forbid(
      'services-do-not-know-each-other',
      'they meet in Kafka',
      '^graph-api/src',
      '^(rating-worker|client|stack|e2e)/',
    ),
    forbid(
      'worker-does-not-know-the-api',
      'they meet in Kafka',
      '^rating-worker/src',
      '^(graph-api|client|stack|e2e)/',
    ),
    forbid(
      'stack-starts-services-as-processes',
      'it never imports them',
      '^stack/src',
      '^(graph-api|rating-worker|e2e)/',
    ),
    forbid(
      'schema-is-at-the-bottom',
      'types know no behaviour',
      '^graph-api/src/schema/(?!build-schema)',
      '^graph-api/src/(resolvers|loaders|commands|outbox|server|app)',
    ),
    forbid(
      'loaders-only-read',
      'what changes data is a command',
      '^graph-api/src/loaders',
      '^graph-api/src/(resolvers|commands|outbox|server|app)',
    ),
    forbid(
      'commands-know-no-transport',
      'nor do they send events: the triggers and the relay do',
      '^graph-api/src/commands',
      '^graph-api/src/(resolvers|outbox|server|app)',
    ),
    forbid(
      'resolvers-are-thin',
      'no database, no Redis, no Kafka',
      '^graph-api/src/resolvers',
      '^graph-api/src/(database|outbox|server|app)',
    ),
    {
      name: 'only-the-app-starts-the-relay',
      severity: 'error',
      from: { path: '^graph-api/src', pathNot: `^graph-api/src/(app|migrate)\\.ts$|^graph-api/src/outbox/|${TESTS}` },
      to: { path: '^graph-api/src/outbox/(?!outbox-config)' },
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
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: 'client/src/generated' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
