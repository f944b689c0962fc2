import { Field, ID, Int, ObjectType } from 'type-graphql';
import { LONG_TEXT_COST } from '../graphql/field-cost.js';
import { Node } from '../graphql/node.js';
import { DateTimeScalar } from '../graphql/scalars.js';
import { ReviewReply } from './review-reply.js';
import { ReviewStatus } from './review-status.js';

@ObjectType({
  implements: Node,
  description: "A person's opinion of a product; one a person and product.",
  simpleResolvers: true,
})
export class Review implements Node {
  @Field(() => ID, { description: 'A UUID, unique across all types.' })
  id!: string;

  /** Resolved through the loaders. */
  productId!: string;

  /** Resolved through the loaders; null once the author's data was erased. */
  authorId!: string | null;

  @Field(() => Int, { description: '1 to 5 stars.' })
  rating!: number;

  @Field(() => String, { nullable: true, description: 'At most 200 characters.' })
  title!: string | null;

  @Field(() => String, {
    nullable: true,
    complexity: LONG_TEXT_COST,
    description: 'At most 10,000 characters; null for a rating without words.',
  })
  body!: string | null;

  @Field(() => ReviewStatus, { description: 'Who sees it; PUBLISHED wherever everyone sees it.' })
  status!: ReviewStatus;

  @Field(() => String, {
    nullable: true,
    description: 'Why it was rejected; null unless it is REJECTED, which its author and admins see.',
  })
  moderationReason!: string | null;

  @Field(() => Int, {
    description:
      'Grows with every change by its author; give it back as `expectedVersion` to refuse lost updates. What others do leaves it.',
  })
  version!: number;

  @Field(() => Boolean, {
    description: "Whether its author bought the product, as the author's token said when they wrote it, or an admin.",
  })
  verifiedPurchase!: boolean;

  @Field(() => ReviewReply, { nullable: true, description: "The merchant's reply; null where there is none." })
  reply!: ReviewReply | null;

  @Field(() => Int, { description: 'How many people found it helpful.' })
  helpfulCount!: number;

  @Field(() => DateTimeScalar, { description: 'When it was written.' })
  createdAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When its author changed it last.' })
  updatedAt!: Date;
}
