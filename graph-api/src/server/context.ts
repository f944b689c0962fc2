import type { Viewer } from '../auth/viewer.js';
import type { Database } from '../database/database.js';
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
export type RequestContext = ProductsContext & RatingsContext & ReviewsContext;

/** What all requests share. */
export interface ProcessContext {
  readonly database: Database;
  readonly ratingReader: RatingReader;
  readonly productCount: SharedRead<number>;
  readonly productCommands: ProductCommands;
  readonly reviewCommands: ReviewCommands;
}

/** The context of a new request: loaders of its own, and the ports of the lower subjects fulfilled by the upper ones. */
export function createRequestContext(shared: ProcessContext, viewer: Viewer | null): RequestContext {
  const { database, ratingReader, productCount, productCommands, reviewCommands } = shared;
  const ratings = new RatingLoader(ratingReader);
  const reviews = new ReviewLoaders(database);
  return {
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
  };
}
