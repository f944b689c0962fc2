import { Args, Ctx, FieldResolver, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { connectionType, edgeType } from '../pagination/connection.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import type { ProductsContext } from './context.js';
import { Product } from './product.js';

const ProductEdge = edgeType(Product, 'Product');

@ObjectType({ description: 'A page of products.' })
class ProductConnection extends connectionType(Product, ProductEdge, 'Product') {}

@Resolver(() => ProductConnection)
export class ProductListResolver {
  @Query(() => ProductConnection, { description: 'All products, newest first.' })
  async products(@Args(() => PageArguments) page: PageArguments, @Ctx() { products }: ProductsContext) {
    return new ProductConnection(await products.page(parsePageArguments(page, 'product')));
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: 'The length of the whole list. Computed only when asked for.',
  })
  totalCount(@Ctx() { products }: ProductsContext): Promise<number> {
    return products.totalCount();
  }
}
