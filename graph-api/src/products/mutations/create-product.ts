import { ValidateNested } from 'class-validator';
import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { IDEMPOTENCY_KEY, parseIdempotencyKey } from '../../graphql/idempotency-key.js';
import { IsText, validateInput } from '../../graphql/input-validation.js';
import type { ProductsContext } from '../context.js';
import { MoneyInput } from '../money.js';
import { ProductPayload, toPayload } from '../product-payload.js';

@InputType({ description: 'A new product.' })
export class CreateProductInput {
  @Field(() => String, { nullable: true, description: 'At most 200 characters, trimmed and in NFC; unique.' })
  @IsText({ kind: 'identifier', maxLength: 200, nullable: true })
  externalId?: string | null;

  @Field(() => String, { description: 'At most 200 characters.' })
  @IsText({ kind: 'line', maxLength: 200, nullable: false })
  name!: string;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ kind: 'lines', maxLength: 10_000, nullable: true })
  description?: string | null;

  @Field(() => MoneyInput, { description: 'What it costs.' })
  @ValidateNested()
  price!: MoneyInput;
}

@ObjectType({ description: 'The created product, or why there is none.', simpleResolvers: true })
export class CreateProductPayload extends ProductPayload {}

@Resolver()
export class CreateProductResolver {
  @Mutation(() => CreateProductPayload, { description: 'Creates a product (admin).' })
  async createProduct(
    @Arg('input', () => CreateProductInput, { description: 'The product.' }) input: CreateProductInput,
    @Arg('idempotencyKey', () => String, IDEMPOTENCY_KEY) idempotencyKey: string | null | undefined,
    @Ctx() { viewer, productCommands, lifetime }: ProductsContext,
  ): Promise<CreateProductPayload> {
    const admin = requireAdmin(viewer);
    const key = parseIdempotencyKey(idempotencyKey);
    const problems = await validateInput(input);
    if (problems.length > 0) return { product: null, userErrors: problems };
    return toPayload(await productCommands.create(admin, input, key, lifetime));
  }
}
