import { Field, ObjectType } from 'type-graphql';
import { LONG_TEXT_COST } from '../graphql/field-cost.js';
import { DateTimeScalar } from '../graphql/scalars.js';

@ObjectType({ description: "The merchant's reply to a review.", simpleResolvers: true })
export class ReviewReply {
  /** Resolved through the loaders; null once the admin's data was erased. */
  authorId!: string | null;

  @Field(() => String, { complexity: LONG_TEXT_COST, description: 'At most 10,000 characters.' })
  body!: string;

  @Field(() => DateTimeScalar, { description: 'When it got this text.' })
  repliedAt!: Date;
}
