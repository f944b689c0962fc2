import base from './jest.config.mjs';

/** The tests of the API through GraphQL once more, with all queries left to graphql-js: both executors give the same answers. */
export default {
  ...base,
  displayName: 'graph-api-interpreted',
  globals: { COMPILE_AFTER: '0' },
  testMatch: [
    'products/products',
    'products/product-deletion',
    'products/products-by-external-ids',
    'pagination/pages',
    'ratings/rating-min-version',
    'ratings/read-own-writes',
    'reviews/reviews',
    'reviews/nodes',
    'reviews/unpublished',
    'reviews/viewer',
    'server/bad-values',
    'server/limits/operation-limits',
    'server/wire-counts',
  ].map((file) => `<rootDir>/src/${file}.test.ts`),
};
