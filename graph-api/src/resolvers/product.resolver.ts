import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { requireAdmin } from '../auth/viewer.js';
import type { ProductOutcome } from '../commands/product-commands.js';
import type { RequestContext } from '../context.js';
import { ProductConnection, ReviewConnection } from '../schema/connections.js';
import { parseId } from '../schema/ids.js';
import { PageArguments, parsePageArguments } from '../schema/page-arguments.js';
import { Product } from '../schema/product.js';
import {
  CreateProductInput,
  CreateProductPayload,
  DeleteProductInput,
  DeleteProductPayload,
  UpdateProductInput,
  UpdateProductPayload,
} from '../schema/product-inputs.js';
import { badUserInput } from '../schema/request-errors.js';
import { ProductUserErrorCode, type ProductUserError } from '../schema/user-errors.js';
import { problemsOf } from '../schema/validation.js';

const MAX_EXTERNAL_ID_LENGTH = 200;

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => Product, { nullable: true, description: 'The product with this id; null where there is none.' })
  product(
    @Arg('id', () => ID, { description: 'The id of a product.' }) id: string,
    @Ctx() { catalogue }: RequestContext,
  ): Promise<Product | null> {
    return catalogue.products.load(parseId(id, 'id'));
  }

  @Query(() => Product, { nullable: true, description: 'The product with this externalId; null where there is none.' })
  async productByExternalId(
    @Arg('externalId', () => String, { description: "The product's id in the shop's own system." }) externalId: string,
    @Ctx() { catalogue }: RequestContext,
  ): Promise<Product | null> {
    if (!externalId.isWellFormed() || externalId.includes('\0')) {
      throw badUserInput('externalId holds characters that no id has', 'externalId');
    }
    return externalId.length > MAX_EXTERNAL_ID_LENGTH * 2 ? null : catalogue.productByExternalId(externalId);
  }

  @Query(() => ProductConnection, { description: 'All products, newest first.' })
  async products(@Args(() => PageArguments) page: PageArguments, @Ctx() { catalogue }: RequestContext) {
    return ProductConnection.of(await catalogue.productPage(parsePageArguments(page, 'product')));
  }

  @FieldResolver(() => ReviewConnection, { description: "The product's published reviews, newest first." })
  async reviews(
    @Root() product: Product,
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { catalogue }: RequestContext,
  ) {
    return ReviewConnection.of(product.id, await catalogue.reviewPage(product.id, parsePageArguments(page, 'review')));
  }

  @Mutation(() => CreateProductPayload, { description: 'Creates a product (admin).' })
  async createProduct(
    @Arg('input', () => CreateProductInput, { description: 'The product.' }) input: CreateProductInput,
    @Ctx() { viewer, products }: RequestContext,
  ): Promise<CreateProductPayload> {
    requireAdmin(viewer);
    const problems = await productProblems(input);
    if (problems.length > 0) return { product: null, userErrors: problems };
    return productPayload(await products.create(input));
  }

  @Mutation(() => UpdateProductPayload, { description: 'Changes a product (admin).' })
  async updateProduct(
    @Arg('input', () => UpdateProductInput, { description: 'The changes.' }) input: UpdateProductInput,
    @Ctx() { viewer, products, catalogue }: RequestContext,
  ): Promise<UpdateProductPayload> {
    requireAdmin(viewer);
    const id = parseId(input.id, 'input.id');
    const problems = await productProblems(input);
    if (problems.length > 0) return { product: null, userErrors: problems };
    const outcome = await products.update(id, input);
    catalogue.forget({ productId: id });
    return productPayload(outcome);
  }

  @Mutation(() => DeleteProductPayload, { description: 'Deletes a product and its reviews (admin).' })
  async deleteProduct(
    @Arg('input', () => DeleteProductInput, { description: 'The product.' }) input: DeleteProductInput,
    @Ctx() { viewer, products, catalogue, ratings }: RequestContext,
  ): Promise<DeleteProductPayload> {
    requireAdmin(viewer);
    const id = parseId(input.id, 'input.id');
    const deleted = await products.delete(id);
    catalogue.forget({ productId: id });
    ratings.productChanged(id);
    return deleted
      ? { deletedProductId: id, userErrors: [] }
      : { deletedProductId: null, userErrors: [refusal('NOT_FOUND')] };
  }
}

@Resolver(() => ProductConnection)
export class ProductConnectionResolver {
  @FieldResolver(() => Int, {
    nullable: true,
    description: 'The length of the whole list. Computed only when asked for.',
  })
  totalCount(@Ctx() { catalogue }: RequestContext): Promise<number> {
    return catalogue.productTotal();
  }
}

async function productProblems(input: object): Promise<ProductUserError[]> {
  return (await problemsOf(input)).map(({ code, message, field }) => ({
    code: ProductUserErrorCode[code as keyof typeof ProductUserErrorCode],
    message,
    field,
  }));
}

function productPayload(outcome: ProductOutcome): { product: Product | null; userErrors: ProductUserError[] } {
  return outcome.outcome === 'DONE'
    ? { product: outcome.product, userErrors: [] }
    : { product: null, userErrors: [refusal(outcome.outcome)] };
}

function refusal(outcome: 'NOT_FOUND' | 'EXTERNAL_ID_TAKEN' | 'VERSION_CONFLICT'): ProductUserError {
  switch (outcome) {
    case 'NOT_FOUND':
      return {
        code: ProductUserErrorCode.NOT_FOUND,
        message: 'there is no product with this id',
        field: ['input', 'id'],
      };
    case 'EXTERNAL_ID_TAKEN':
      return {
        code: ProductUserErrorCode.EXTERNAL_ID_TAKEN,
        message: 'another product has this externalId',
        field: ['input', 'externalId'],
      };
    case 'VERSION_CONFLICT':
      return {
        code: ProductUserErrorCode.VERSION_CONFLICT,
        message: 'the product was changed since: read it again',
        field: ['input', 'expectedVersion'],
      };
  }
}
