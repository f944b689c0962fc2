import { eventTag } from '../events/event-tag.js';
import { starCounts, type PositionedRating, type StreamPosition } from './rating-state.js';
import type { RatingAggregate } from './rating-store.js';

/** What reads PostgreSQL here: a pg Pool or Client, or the API's `Database`. */
export interface Queryable {
  query(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<{ readonly rows: unknown[] }>;
}

/** The columns of the view `rating_aggregates` that tell how far a product's stream goes. */
interface PositionRow {
  readonly last_seq: number;
  readonly last_event_id: string;
}

/** The columns of the view that make a rating. */
export interface AggregateRow extends PositionRow {
  readonly stars_1: string;
  readonly stars_2: string;
  readonly stars_3: string;
  readonly stars_4: string;
  readonly stars_5: string;
}

/** The columns of an `AggregateRow`. */
export const AGGREGATE_COLUMNS = [
  ...(['last_seq', 'last_event_id'] as const),
  ...(['stars_1', 'stars_2', 'stars_3', 'stars_4', 'stars_5'] as const),
];

/** The rating of a row of the view `rating_aggregates`. */
export function ratingStateOf(row: AggregateRow): PositionedRating {
  return {
    ...positionOf(row),
    stars: starCounts([row.stars_1, row.stars_2, row.stars_3, row.stars_4, row.stars_5]),
  };
}

type OfProduct<Row> = Row & { readonly product_id: string };

/**
 * The ratings computed from the reviews: one statement on the view `rating_aggregates`, so each row holds exactly the
 * changes 1..seq. Products that PostgreSQL lacks are absent from the result. Must run on the primary.
 */
export async function readRatingAggregates(
  database: Queryable,
  productIds: readonly string[],
): Promise<RatingAggregate[]> {
  if (productIds.length === 0) return [];
  const { rows } = await database.query({
    name: 'rating_aggregates',
    text: `SELECT product_id, ${AGGREGATE_COLUMNS.join(', ')}
             FROM rating_aggregates
            WHERE product_id = ANY ($1::uuid[])`,
    values: [productIds],
  });
  return (rows as Array<OfProduct<AggregateRow>>).map((row) => ({ productId: row.product_id, ...ratingStateOf(row) }));
}

/** Only where the products' streams end; the planner leaves the view's aggregate out. */
export async function readStreamPositions(
  database: Queryable,
  productIds: readonly string[],
): Promise<Map<string, StreamPosition>> {
  if (productIds.length === 0) return new Map();
  const { rows } = await database.query({
    name: 'rating_stream_positions',
    text: 'SELECT product_id, last_seq, last_event_id FROM rating_aggregates WHERE product_id = ANY ($1::uuid[])',
    values: [productIds],
  });
  return new Map((rows as Array<OfProduct<PositionRow>>).map((row) => [row.product_id, positionOf(row)]));
}

function positionOf({ last_seq: seq, last_event_id: eventId }: PositionRow): StreamPosition {
  return { seq, eventTag: eventTag(eventId) };
}
