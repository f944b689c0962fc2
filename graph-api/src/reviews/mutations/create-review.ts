import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Field, ID, Info, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireViewer } from '../../auth/viewer.js';
import { IDEMPOTENCY_KEY, parseIdempotencyKey } from '../../graphql/idempotency-key.js';
import { parseId } from '../../graphql/ids.js';
import { asksFor } from '../../graphql/selection.js';
import { IsText, validateInput } from '../../graphql/input-validation.js';
import type { ReviewsContext } from '../context.js';
import { emptyPayload, ReviewPayload, toPayload } from '../review-payload.js';
import { IsStarRating } from '../star-rating.js';

@InputType({ description: 'A new review by the caller.' })
export class CreateReviewInput {
  @Field(() => ID, { description: 'The product that is reviewed.' })
  productId!: string;

  @Field(() => Int, { description: '1 to 5 stars.' })
  @IsStarRating()
  rating!: number;

  @Field(() => String, { nullable: true, description: 'At most 200 characters.' })
  @IsText({ kind: 'line', maxLength: 200, nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ kind: 'lines', maxLength: 10_000, nullable: true })
  body?: string | null;
}

@ObjectType({ description: 'The created review, or why there is none.', simpleResolvers: true })
export class CreateReviewPayload extends ReviewPayload {}

@Resolver()
export class CreateReviewResolver {
  @Mutation(() => CreateReviewPayload, { description: "Writes the caller's review of a product." })
  async createReview(
    @Arg('input', () => CreateReviewInput, { description: 'The review.' }) input: CreateReviewInput,
    @Arg('idempotencyKey', () => String, IDEMPOTENCY_KEY) idempotencyKey: string | null | undefined,
    @Ctx() context: ReviewsContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<CreateReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const productId = parseId(input.productId, 'input.productId');
    const key = parseIdempotencyKey(idempotencyKey);
    const problems = await validateInput(input);
    if (problems.length > 0) return emptyPayload(CreateReviewPayload, problems);
    const result = await context.reviewCommands.create(viewer, productId, input, key, {
      withProduct: asksFor('product', info),
      lifetime: context.lifetime,
    });
    return toPayload(CreateReviewPayload, result, context, ['input', 'productId']);
  }
}
