import type { Viewer } from './auth/viewer.js';
import type { ProductCommands } from './commands/product-commands.js';
import type { ReviewCommands } from './commands/review-commands.js';
import type { CatalogueLoaders } from './loaders/catalogue.loader.js';
import type { RatingLoader } from './loaders/rating.loader.js';

/** What one GraphQL request works with; the loaders are its own. */
export interface RequestContext {
  readonly viewer: Viewer | null;
  readonly catalogue: CatalogueLoaders;
  readonly ratings: RatingLoader;
  readonly products: ProductCommands;
  readonly reviews: ReviewCommands;
}
