import DataLoader from 'dataloader';
import type { Viewer } from '../auth/viewer.js';
import type { Database, Statement } from '../database/database.js';
import { preparedStatement } from '../database/prepared-statements.js';
import { recordColumns, recordOf } from '../database/records.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import { productOfRecord, productRecordColumns } from '../products/product-record.js';
import type { Product } from '../products/product.js';
import { Author } from './author.js';
import { OF_EXISTING_PRODUCT, reviewColumnNames, reviewColumns, reviewOf, type ReadReviewRow } from './review-row.js';
import { VISIBLE_REVIEW } from './review-status.js';
import type { Review } from './review.js';

/** Whatever has an id of its own. */
export type AnyNode = Product | Review | Author;

const AUTHOR_COLUMNS = ['id', 'display_name'];

/** @param visible the condition under which the caller sees a review */
function nodesById(fields: RequestedFields, visible: string): Statement {
  return preparedStatement(
    `SELECT node.id AS requested_key, ${productRecordColumns('product', fields)},
            ${recordColumns('review', reviewColumnNames(fields))}, ${recordColumns('author', AUTHOR_COLUMNS)}
       FROM unnest($1::uuid[]) AS node (id)
       LEFT JOIN products AS product ON product.id = node.id AND product.deleted_at IS NULL
       LEFT JOIN LATERAL (
         SELECT ${reviewColumns(fields).join(', ')} FROM reviews
          WHERE reviews.id = node.id AND ${OF_EXISTING_PRODUCT} AND ${visible}
       ) AS review ON true
       LEFT JOIN authors AS author ON author.id = node.id AND author.erasure IS NULL`,
  );
}
const FOR_ADMINS = oncePerOperation((fields) => nodesById(fields, 'true'));
const FOR_OTHERS = oncePerOperation((fields) => nodesById(fields, VISIBLE_REVIEW));

/**
 * Products, reviews and authors by their ids, with the fields that are asked for: one statement for all ids of one tick; null where
 * there is nothing, or a review that the caller may not see.
 * @param nodesRead called with what was read before it is handed out
 */
export function createNodeLoader(
  database: Database,
  fields: RequestedFields,
  viewer: Viewer | null,
  nodesRead: (nodes: readonly AnyNode[]) => Promise<void> | undefined,
): DataLoader<string, AnyNode | null> {
  const nodeOf = (row: object): AnyNode | null => {
    const product = productOfRecord('product', row, fields);
    if (product !== null) return product;
    const review = recordOf<ReadReviewRow>('review', reviewColumnNames(fields), row);
    if (review !== null) return reviewOf(review);
    const author = recordOf<{ id: string; display_name: string | null }>('author', AUTHOR_COLUMNS, row);
    return author === null ? null : Author.of(author.id, author.display_name);
  };
  return new DataLoader(async (ids) => {
    const rows = await (viewer?.isAdmin === true
      ? database.rows<{ requested_key: string }>(FOR_ADMINS(fields), [ids])
      : database.rows<{ requested_key: string }>(FOR_OTHERS(fields), [
          ids,
          viewer?.issuer ?? null,
          viewer?.subject ?? null,
        ]));
    const nodes = new Map(rows.map((row) => [row.requested_key, nodeOf(row)]));
    await nodesRead([...nodes.values()].filter((node) => node !== null));
    return ids.map((id) => nodes.get(id) ?? null);
  });
}
