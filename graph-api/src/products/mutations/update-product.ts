import { ValidateNested } from 'class-validator';
import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { IsText, validateInput, ValidateWith } from '../../graphql/input-validation.js';
import { UserErrorCode } from '../../graphql/user-error.js';
import type { ProductsContext } from '../context.js';
import { MoneyInput } from '../money.js';
import { ProductPayload, toPayload } from '../product-payload.js';

@InputType({ description: 'Changes of a product. An absent field stays as it is; null clears what may be null.' })
export class UpdateProductInput {
  @Field(() => ID, { description: 'The product.' })
  id!: string;

  @Field(() => Int, { nullable: true, description: 'Refuse the change if the product has another version by now.' })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters, trimmed and in NFC; unique.' })
  @IsText({ kind: 'identifier', maxLength: 200, nullable: true })
  externalId?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters; must not be null.' })
  @IsText({ kind: 'line', maxLength: 200, nullable: false })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ kind: 'lines', maxLength: 10_000, nullable: true })
  description?: string | null;

  @Field(() => MoneyInput, { nullable: true, description: 'What it costs; must not be null.' })
  @ValidateWith((value) => (value === null ? { code: UserErrorCode.INVALID, message: 'must not be null' } : null))
  @ValidateNested()
  price?: MoneyInput | null;
}

@ObjectType({ description: 'The product as it is now, or why it was not changed.', simpleResolvers: true })
export class UpdateProductPayload extends ProductPayload {}

@Resolver()
export class UpdateProductResolver {
  @Mutation(() => UpdateProductPayload, { description: 'Changes a product (admin).' })
  async updateProduct(
    @Arg('input', () => UpdateProductInput, { description: 'The changes.' }) input: UpdateProductInput,
    @Ctx() { viewer, products, productCommands, lifetime }: ProductsContext,
  ): Promise<UpdateProductPayload> {
    requireAdmin(viewer);
    const id = parseId(input.id, 'input.id');
    const problems = await validateInput(input);
    if (problems.length > 0) return { product: null, userErrors: problems };
    const result = await productCommands.update(id, input, lifetime);
    products.clear(id);
    return toPayload(result);
  }
}
