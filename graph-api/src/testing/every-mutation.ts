import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { adminToken, signToken } from '@exact-ratings/stack/testing/tokens.js';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** An operation that changes something when it is carried out. */
export interface MutationExample {
  /** The name of the mutation's field in the schema. */
  readonly name: string;
  readonly operation: string;
  readonly token: string;
}

/** The tables that mutations change. */
const TABLES = [
  'products',
  'authors',
  'reviews',
  'review_decisions',
  'review_votes',
  'review_vote_counts',
  'review_streams',
  'outbox',
];

/** An example of every mutation of the schema, on rows of its own that this inserts. */
export async function everyMutation(db: pg.Pool): Promise<MutationExample[]> {
  const admin = await adminToken();
  const subject = `author-${randomUUID()}`;
  const author = await signToken({ sub: subject, name: 'Ada' });
  const product = (): Promise<string> => insertProduct(db);
  const review = async (): Promise<string> => {
    const { rows } = await db.query<{ id: string }>(
      `WITH author AS (
         INSERT INTO authors (issuer, subject, display_name) VALUES ('', $1, 'Ada')
         ON CONFLICT (issuer, subject) DO UPDATE SET display_name = 'Ada' RETURNING id)
       INSERT INTO reviews (product_id, author_id, rating) SELECT $2, id, 4 FROM author RETURNING id`,
      [subject, await product()],
    );
    return rows[0]!.id;
  };
  const otherAuthor = async (): Promise<string> => {
    const { rows } = await db.query<{ id: string }>(
      `INSERT INTO authors (issuer, subject) VALUES ('', $1) RETURNING id`,
      [randomUUID()],
    );
    return rows[0]!.id;
  };
  const example = (name: string, input: string, token: string): MutationExample => ({
    name,
    operation: `mutation { ${name}(input: { ${input} }) { userErrors { code } } }`,
    token,
  });
  return [
    example('createProduct', `name: "New", price: { amount: "1", currencyCode: "EUR" }`, admin),
    example('updateProduct', `id: "${await product()}", name: "Renamed"`, admin),
    example('deleteProduct', `id: "${await product()}"`, admin),
    example('createReview', `productId: "${await product()}", rating: 5`, author),
    example('updateReview', `id: "${await review()}", rating: 1`, author),
    example('deleteReview', `id: "${await review()}"`, author),
    example('eraseAuthor', `id: "${await otherAuthor()}", reviews: DELETE`, admin),
    example('markReviewHelpful', `id: "${await review()}", helpful: true`, admin),
    example('replyToReview', `id: "${await review()}", body: "Thanks."`, admin),
    example('setVerifiedPurchase', `id: "${await review()}", verifiedPurchase: true`, admin),
    example('moderateReview', `id: "${await review()}", status: REJECTED, reason: "Why."`, admin),
  ];
}

/** All that the tables hold which mutations change, to be compared. */
export async function contents(db: pg.Pool): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const table of TABLES) {
    const { rows } = await db.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
    all[table] = rows.map(({ row }) => row);
  }
  return all;
}
