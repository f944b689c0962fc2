import type { ProductsContext } from '../products/context.js';
import type { RatingsContext } from '../ratings/context.js';
import type { AuthorErasure } from './author-erasure.js';
import type { ReviewAnnotations } from './review-annotations.js';
import type { ReviewCommands } from './review-commands.js';
import type { ReviewLoaders } from './review-loaders.js';

/** What the resolvers of reviews take from a request. */
export interface ReviewsContext extends RatingsContext, Pick<ProductsContext, 'viewer' | 'products' | 'lifetime'> {
  readonly reviews: ReviewLoaders;
  readonly reviewCommands: ReviewCommands;
  readonly reviewAnnotations: ReviewAnnotations;
  readonly authorErasure: AuthorErasure;
}
