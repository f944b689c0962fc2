import type { Viewer } from '../auth/viewer.js';
import type { Lifetime } from '../database/lifetime.js';
import type { ProductCommands } from './product-commands.js';
import type { ProductLoaders } from './product-loaders.js';

/** What the resolvers of products take from a request. */
export interface ProductsContext {
  readonly viewer: Viewer | null;
  readonly lifetime: Lifetime;
  readonly products: ProductLoaders;
  readonly productCommands: ProductCommands;
  /** Called when a mutation deleted the product, so that other subjects drop what this request has read of it. */
  readonly productDeleted: (productId: string) => void;
  /**
   * Called, before anything is read, where the caller wants ratings of a product that hold at least this version.
   * @param productId null, or a promise of null, where there is no such product
   */
  readonly requireRating: (productId: string | null | Promise<string | null>, version: number) => void;
}
