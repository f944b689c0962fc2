import pg from 'pg';
import { LoadTally, type InsertLoad, type LoadResult } from './load-plan.js';

const INSERT = {
  name: 'insert_review',
  text: 'INSERT INTO reviews (product_id, rating, body) VALUES ($1, $2, $3)',
};

/** Runs a load of single prepared INSERTs, each its own transaction. */
export async function runInsertLoad(load: InsertLoad): Promise<LoadResult> {
  const clients = Array.from(
    { length: load.connections },
    () => new pg.Client({ connectionString: load.connectionString, application_name: 'bench-inserts' }),
  );
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const tally = new LoadTally();
    const deadline = performance.now() + load.seconds * 1_000;
    let next = 0;
    await Promise.all(
      clients.map(async (client) => {
        while (performance.now() < deadline) {
          const index = next++;
          const productId = load.productIds[index % load.productIds.length];
          const sentAt = performance.now();
          await client.query({ ...INSERT, values: [productId, 1 + (index % 5), `Review number ${index}.`] });
          tally.succeeded(sentAt);
        }
      }),
    );
    return tally.result();
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
