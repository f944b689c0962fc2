import { Field, ID, Int, ObjectType } from 'type-graphql';
import { LONG_TEXT_COST } from '../graphql/field-cost.js';
import { Node } from '../graphql/node.js';
import { DateTimeScalar } from '../graphql/scalars.js';
import { Money } from './money.js';

const NOT_READ_AHEAD = new Error('this field was not read ahead');

@ObjectType({ implements: Node, description: 'Something that people review.', simpleResolvers: true })
export class Product implements Node {
  @Field(() => ID, { description: 'A UUID, unique across all types.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: "The id or SKU that this product has in the shop's own system; unique.",
  })
  externalId!: string | null;

  @Field(() => String, { description: 'At most 200 characters.' })
  name!: string;

  @Field(() => String, { nullable: true, complexity: LONG_TEXT_COST, description: 'At most 10,000 characters.' })
  description!: string | null;

  @Field(() => Money, { description: 'What it costs.' })
  price!: Money;

  @Field(() => Int, {
    description: 'Grows with every change; give it back as `expectedVersion` to refuse lost updates.',
  })
  version!: number;

  @Field(() => DateTimeScalar, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When it was changed last.' })
  updatedAt!: Date;

  /**
   * Fields that the subject of ratings adds, as far as it has read them before the fields of the product are answered: compiled
   * queries take them from here. An error where they were not read; graphql-js asks the subject's resolvers.
   */
  averageRating: number | null | Error = NOT_READ_AHEAD;
  reviewCount: number | Error = NOT_READ_AHEAD;
}
