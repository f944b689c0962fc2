import type { Viewer } from '../auth/viewer.js';
import { Database, type PgQuery } from '../database/database.js';
import type { SharedRead } from '../database/shared-read.js';
import type { ProductsContext } from '../products/context.js';
import type { ProductCommands } from '../products/product-commands.js';
import { ProductLoaders } from '../products/product-loaders.js';
import type { RatingsContext } from '../ratings/context.js';
import { RatingLoader } from '../ratings/rating-loader.js';
import type { RatingReader } from '../ratings/rating-reader.js';
import type { ReviewsContext } from '../reviews/context.js';
import type { ReviewCommands } from '../reviews/review-commands.js';
import { ReviewLoaders } from '../reviews/review-loaders.js';

/** What one GraphQL request works with: the sum of what the subjects need. */
export type RequestContext = ProductsContext &
  RatingsContext &
  ReviewsContext & {
    /** What a caller quotes, and the log finds. */
    readonly requestId: string;
  };

/** What all requests share. */
export interface ProcessContext {
  readonly database: Database;
  readonly ratingReader: RatingReader;
  readonly productCount: SharedRead<number>;
  readonly productCommands: ProductCommands;
  readonly reviewCommands: ReviewCommands;
}

/** The database of one request: begins no statement once the request is over or nobody waits for it any more. */
class RequestDatabase extends Database {
  constructor(
    private readonly shared: Database,
    private readonly signal: AbortSignal,
  ) {
    super(shared.dataSource, shared.writes);
  }

  override query(query: PgQuery): Promise<{ rows: unknown[] }> {
    this.signal.throwIfAborted();
    return this.shared.query(query);
  }
}

/** The context of a new request: loaders of its own, and the ports of the lower subjects fulfilled by the upper ones. */
export function createRequestContext(
  shared: ProcessContext,
  viewer: Viewer | null,
  { requestId, signal }: { readonly requestId: string; readonly signal: AbortSignal },
): RequestContext {
  const { ratingReader, productCount, productCommands, reviewCommands } = shared;
  const database = new RequestDatabase(shared.database, signal);
  const ratings = new RatingLoader(ratingReader);
  const reviews = new ReviewLoaders(database);
  return {
    requestId,
    viewer,
    products: new ProductLoaders(database, productCount),
    productCommands,
    productDeleted: (productId) => {
      ratings.productChanged(productId);
      reviews.clearAll();
    },
    ratings,
    reviews,
    reviewCommands,
    signal,
  };
}
