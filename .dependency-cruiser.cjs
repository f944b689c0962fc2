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
      'kernels-know-no-subject',
      'a subject sees lower ones only',
      '^graph-api/src/(graphql|database|pagination)/',
      '^graph-api/src/(auth|products|ratings|reviews|outbox|explorer|server|app)',
    ),
    forbid(
      'products-are-the-lowest-subject',
      'what they need of others is a port of their context',
      '^graph-api/src/products/',
      '^graph-api/src/(ratings|reviews|outbox|explorer|server|app)',
    ),
    forbid(
      'ratings-see-products',
      'and nothing above',
      '^graph-api/src/ratings/',
      '^graph-api/src/(reviews|outbox|explorer|server|app)',
    ),
    forbid(
      'reviews-see-products-and-ratings',
      'and nothing above',
      '^graph-api/src/reviews/',
      '^graph-api/src/(outbox|explorer|server|app)',
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
