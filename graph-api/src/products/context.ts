import type { Viewer } from '../auth/viewer.js';
import type { ProductCommands } from './product-commands.js';
import type { ProductLoaders } from './product-loaders.js';

/** What the resolvers of products take from a request. */
export interface ProductsContext {
  readonly viewer: Viewer | null;
  readonly products: ProductLoaders;
  readonly productCommands: ProductCommands;
  /** Called when a mutation deleted the product, so that other subjects drop what this request has read of it. */
  readonly productDeleted: (productId: string) => void;
}
