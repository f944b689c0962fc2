import {
  boolean,
  configSubject,
  integer,
  optionalBoolean,
  optionalInteger,
} from '@exact-ratings/shared/config/variable.js';
import { listeningPort } from '@exact-ratings/shared/config/address-variables.js';
import { originList } from './origins.js';

export const SERVER = configSubject('HTTP server of graph-api', {
  port: listeningPort('GRAPH_API_PORT', {
    aliases: ['PRODUCT_SERVICE_PORT'],
    default: 3000,
    meaning: 'Port of `/graphql`, `/health` and `/ready`; 0 takes a free one.',
  }),
  corsOrigins: originList('CORS_ORIGINS', {
    meaning: 'Origins of browser applications that may call the API.',
  }),
  keepAliveTimeoutMs: integer('HTTP_KEEP_ALIVE_TIMEOUT_MS', {
    default: 620_000,
    min: 1_000,
    max: 3_600_000,
    meaning:
      'How long an idle connection is kept open. It must be longer than the balancer in front keeps its own, or requests meet a closing connection; the default is longer than the 600 s of the most patient ones.',
  }),
  drainMs: optionalInteger('SHUTDOWN_DRAIN_MS', {
    max: 20_000,
    otherwise: '5000 in production, otherwise 0',
    meaning:
      'How long a process that was asked to stop goes on accepting requests, with `/ready` false, so that nothing is refused before balancers know.',
  }),
  accessLog: boolean('ACCESS_LOG', { default: true, meaning: 'Whether each answered request is logged.' }),
  compileAfter: integer('GRAPHQL_COMPILE_AFTER', {
    default: 2,
    meaning:
      'How often a query must come before it is compiled, which makes it several times as fast; 0 leaves all queries to graphql-js. The answers are the same.',
  }),
  introspection: optionalBoolean('GRAPHQL_INTROSPECTION', {
    otherwise: 'true, in production false unless `API_DOCS_ACTIVE`',
    meaning: 'Whether the schema may be asked for.',
  }),
});
