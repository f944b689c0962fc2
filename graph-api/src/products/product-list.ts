import { Arg, Args, Ctx, FieldResolver, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { connectionType, edgeType } from '../pagination/connection.js';
import { filterDigest } from '../pagination/filter.js';
import type { Page } from '../pagination/page.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import type { ProductsContext } from './context.js';
import { productCondition, ProductFilter } from './product-filter.js';
import { NEWEST_PRODUCTS_FIRST, PRODUCT_ORDERS, ProductOrder } from './product-order.js';
import { Product } from './product.js';

const ProductEdge = edgeType(Product, 'Product');

@ObjectType({ description: 'A page of products.' })
class ProductConnection extends connectionType(Product, ProductEdge, 'Product') {
  /** @param count reads the length of the whole list */
  constructor(
    page: Page<Product>,
    readonly count: () => Promise<number>,
  ) {
    super(page);
  }
}

@Resolver(() => ProductConnection)
export class ProductListResolver {
  @Query(() => ProductConnection, { description: 'The products that fit a filter, in one order.' })
  async products(
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => ProductFilter, { nullable: true, description: 'Which products: all where it is not given.' })
    filter: ProductFilter | null | undefined,
    @Arg('orderBy', () => ProductOrder, {
      defaultValue: NEWEST_PRODUCTS_FIRST,
      description: 'In which order: newest first where it is not given.',
    })
    orderBy: ProductOrder,
    @Ctx() { products }: ProductsContext,
  ) {
    const condition = productCondition(filter, orderBy);
    const scope = {
      kind: 'product',
      order: PRODUCT_ORDERS[orderBy.field],
      direction: orderBy.direction,
      filter: filterDigest(filter),
    };
    const read = await products.list({ ...scope, condition, page: parsePageArguments(page, scope) });
    return new ProductConnection(read, () => products.count(condition));
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: 'The length of the whole list. Computed only when asked for.',
  })
  totalCount(@Root() { count }: ProductConnection): Promise<number> {
    return count();
  }
}
