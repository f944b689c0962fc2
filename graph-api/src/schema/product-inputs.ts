import { ValidateNested } from 'class-validator';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { currencyDecimals } from './money.js';
import { Product } from './product.js';
import { CurrencyCodeScalar, DecimalScalar } from './scalars.js';
import { ProductUserError } from './user-errors.js';
import { IsText, Obeys } from './validation.js';

const MAX_PRICE_DIGITS = 10;

@InputType({ description: 'An amount of money.' })
export class MoneyInput {
  @Field(() => DecimalScalar, {
    description: 'Not negative, at most 10 digits before the point, no more decimals than the currency has.',
  })
  @Obeys((value, owner) => {
    const [whole = '', fraction = ''] = (value as string).split('.');
    if (whole.startsWith('-')) return { code: 'INVALID', message: 'must not be negative' };
    if (whole.length > MAX_PRICE_DIGITS) {
      return { code: 'INVALID', message: `must have at most ${MAX_PRICE_DIGITS} digits before the point` };
    }
    const { currencyCode } = owner as MoneyInput;
    const decimals = currencyDecimals(currencyCode);
    return decimals === null || fraction.length <= decimals
      ? null
      : { code: 'INVALID', message: `must have at most ${decimals} decimals in ${currencyCode}` };
  })
  amount!: string;

  @Field(() => CurrencyCodeScalar, { description: 'A currency of ISO 4217.' })
  @Obeys((value) =>
    currencyDecimals(value as string) === null ? { code: 'INVALID', message: 'is not a currency of ISO 4217' } : null,
  )
  currencyCode!: string;
}

const notNull = (value: unknown) => (value === null ? { code: 'INVALID', message: 'must not be null' } : null);

@InputType({ description: 'A new product.' })
export class CreateProductInput {
  @Field(() => String, { nullable: true, description: 'At most 200 characters; unique.' })
  @IsText({ maxLength: 200, nullable: true })
  externalId?: string | null;

  @Field(() => String, { description: 'At most 200 characters.' })
  @IsText({ maxLength: 200, nullable: false })
  name!: string;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ maxLength: 10_000, nullable: true, multiline: true })
  description?: string | null;

  @Field(() => MoneyInput, { description: 'What it costs.' })
  @ValidateNested()
  price!: MoneyInput;
}

@InputType({ description: 'Changes of a product. An absent field stays as it is; null clears what may be null.' })
export class UpdateProductInput {
  @Field(() => ID, { description: 'The product.' })
  id!: string;

  @Field(() => Int, { nullable: true, description: 'Refuse the change if the product has another version by now.' })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters; unique.' })
  @IsText({ maxLength: 200, nullable: true })
  externalId?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters; must not be null.' })
  @IsText({ maxLength: 200, nullable: false })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ maxLength: 10_000, nullable: true, multiline: true })
  description?: string | null;

  @Field(() => MoneyInput, { nullable: true, description: 'What it costs; must not be null.' })
  @Obeys(notNull)
  @ValidateNested()
  price?: MoneyInput | null;
}

@InputType({ description: 'The product to delete.' })
export class DeleteProductInput {
  @Field(() => ID, { description: 'The product.' })
  id!: string;
}

@ObjectType({ description: 'The created product, or why there is none.', simpleResolvers: true })
export class CreateProductPayload {
  @Field(() => Product, { nullable: true, description: 'The product; null where userErrors says why.' })
  product!: Product | null;

  @Field(() => [ProductUserError], { description: 'What the caller can mend; empty on success.' })
  userErrors!: ProductUserError[];
}

@ObjectType({ description: 'The product as it is now, or why it was not changed.', simpleResolvers: true })
export class UpdateProductPayload {
  @Field(() => Product, { nullable: true, description: 'The product; null where userErrors says why.' })
  product!: Product | null;

  @Field(() => [ProductUserError], { description: 'What the caller can mend; empty on success.' })
  userErrors!: ProductUserError[];
}

@ObjectType({ description: 'What was deleted, or why nothing was.', simpleResolvers: true })
export class DeleteProductPayload {
  @Field(() => ID, { nullable: true, description: 'The product that is gone, with its reviews.' })
  deletedProductId!: string | null;

  @Field(() => [ProductUserError], { description: 'What the caller can mend; empty on success.' })
  userErrors!: ProductUserError[];
}
