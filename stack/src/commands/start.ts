import { createRatingsClient } from '@exact-ratings/client';
import { aborted, shutdownSignal } from './shutdown-signal.js';
import { servicePorts } from './service-ports.js';
import { writeSampleCatalogue } from './sample-catalogue.js';
import { startSystem, type System } from '../system.js';

/** `npm start`: the whole product on this machine, until Ctrl-C. */
const print = (line: string): void => console.log(line);

const signal = shutdownSignal(() => print('\nStopping …'));

async function describe(system: System): Promise<string> {
  const { env, graphqlUrl, stack } = system;
  const client = createRatingsClient({ url: graphqlUrl });
  const { products } = await client.Products({ first: 1 });
  const id = products.nodes[0]?.id ?? '<product id>';
  const [user, admin] = await Promise.all([
    system.token({ subject: 'alice' }),
    system.token({ subject: 'root', name: 'Root', admin: true }),
  ]);
  const docs =
    env['API_DOCS_ACTIVE'] === 'true'
      ? `Explorer    ${graphqlUrl.replace(/graphql$/, env['API_DOCS_PATH'] ?? 'api')}\n`
      : '';
  return `
GraphQL     ${graphqlUrl}
${docs}Worker      ${system.workers.map(({ url }) => `${url}/metrics`).join(', ')}

User token (alice), admin token (root); more: npm run --silent token -- --sub bob
  export TOKEN=${user}
  export ADMIN=${admin}

A query to try:
  curl -s ${graphqlUrl} -H 'content-type: application/json' \\
    -d '{"query":"{ products(first: 3) { nodes { id name averageRating reviewCount } } }"}'

A review, and the rating that follows it:
  curl -s ${graphqlUrl} -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" \\
    -d '{"query":"mutation { createReview(input: { productId: \\"${id}\\", rating: 5 }) { product { averageRating reviewCount } ratingVersion userErrors { code message } } }"}'

The same rating in Redis and in PostgreSQL:
  npm run --silent redis -- mget product:${id}:rating product:${id}:reviewCount
  npm run --silent sql -- "SELECT * FROM rating_aggregates WHERE product_id = '${id}'"

Logs        ${stack.logDirectory}
Variables   ${stack.envFile}
Ctrl-C stops everything; the data stays for the next time.
`;
}

try {
  const ports = servicePorts(process.env);
  const system = await startSystem({
    name: 'start',
    apis: { port: ports.api },
    workers: { port: ports.worker },
    environment: { API_DOCS_ACTIVE: 'true', RATING_PERSISTENCE_INTERVAL_MS: '1000', ...process.env },
    signal,
    onProgress: print,
  });
  try {
    await writeSampleCatalogue(system.env, print);
    print(await describe(system));
    await aborted(signal);
  } finally {
    await system.stop();
  }
} catch (error) {
  if (!signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
