import { configSubject, list, listeningPort, optionalBoolean } from '@exact-ratings/shared/config/variable.js';

export const SERVER = configSubject('HTTP server of graph-api', {
  port: listeningPort('GRAPH_API_PORT', {
    aliases: ['PRODUCT_SERVICE_PORT'],
    default: 3000,
    meaning: 'Port of `/graphql`, `/health` and `/ready`; 0 takes a free one.',
  }),
  corsOrigins: list('CORS_ORIGINS', {
    default: [],
    of: 'origins',
    meaning: 'Origins of browser applications that may call the API.',
  }),
  introspection: optionalBoolean('GRAPHQL_INTROSPECTION', {
    otherwise: 'true, in production false unless `API_DOCS_ACTIVE`',
    meaning: 'Whether the schema may be asked for.',
  }),
});
