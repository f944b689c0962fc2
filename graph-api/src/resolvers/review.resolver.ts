import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { requireViewer } from '../auth/viewer.js';
import type { ReviewOutcome, ReviewRefusal } from '../commands/review-commands.js';
import type { RequestContext } from '../context.js';
import { ReviewConnection } from '../schema/connections.js';
import { parseId } from '../schema/ids.js';
import { Product } from '../schema/product.js';
import { forbidden } from '../schema/request-errors.js';
import { Author, Review } from '../schema/review.js';
import {
  CreateReviewInput,
  CreateReviewPayload,
  DeleteReviewInput,
  DeleteReviewPayload,
  UpdateReviewInput,
  UpdateReviewPayload,
} from '../schema/review-inputs.js';
import { ReviewUserErrorCode, type ReviewUserError } from '../schema/user-errors.js';
import { problemsOf } from '../schema/validation.js';

@Resolver(() => Review)
export class ReviewResolver {
  @Query(() => Review, { nullable: true, description: 'The published review with this id; null where there is none.' })
  review(
    @Arg('id', () => ID, { description: 'The id of a review.' }) id: string,
    @Ctx() { catalogue }: RequestContext,
  ): Promise<Review | null> {
    return catalogue.reviews.load(parseId(id, 'id'));
  }

  @FieldResolver(() => Product, { description: 'What is reviewed.' })
  product(@Root() review: Review, @Ctx() { catalogue }: RequestContext): Promise<Product | null> {
    return catalogue.products.load(review.productId);
  }

  @FieldResolver(() => Author, { nullable: true, description: "Who wrote it; null once the author's data was erased." })
  async author(@Root() review: Review, @Ctx() { catalogue }: RequestContext): Promise<Author | null> {
    return review.authorId === null ? null : catalogue.authors.load(review.authorId);
  }

  @Mutation(() => CreateReviewPayload, { description: "Writes the caller's review of a product." })
  async createReview(
    @Arg('input', () => CreateReviewInput, { description: 'The review.' }) input: CreateReviewInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const productId = parseId(input.productId, 'input.productId');
    const payload = new CreateReviewPayload();
    const problems = await reviewProblems(input);
    if (problems.length > 0) return Object.assign(payload, nothing(problems));
    const outcome = await context.reviews.create(viewer, productId, input);
    return Object.assign(payload, settle(outcome, context, ['input', 'productId']));
  }

  @Mutation(() => UpdateReviewPayload, { description: "Changes the caller's own review." })
  async updateReview(
    @Arg('input', () => UpdateReviewInput, { description: 'The changes.' }) input: UpdateReviewInput,
    @Ctx() context: RequestContext,
  ): Promise<UpdateReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const id = parseId(input.id, 'input.id');
    const payload = new UpdateReviewPayload();
    const problems = await reviewProblems(input);
    if (problems.length > 0) return Object.assign(payload, nothing(problems));
    const outcome = await context.reviews.update(viewer, id, input);
    return Object.assign(payload, settle(outcome, context, ['input', 'id']));
  }

  @Mutation(() => DeleteReviewPayload, { description: "Deletes the caller's own review; an admin may delete any." })
  async deleteReview(
    @Arg('input', () => DeleteReviewInput, { description: 'The review.' }) input: DeleteReviewInput,
    @Ctx() context: RequestContext,
  ): Promise<DeleteReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const id = parseId(input.id, 'input.id');
    const outcome = await context.reviews.delete(viewer, id);
    return Object.assign(new DeleteReviewPayload(), settle(outcome, context, ['input', 'id']));
  }
}

interface ReviewPayloadSource {
  readonly reviewId: string | null;
  readonly productId: string | null;
}

const REVIEW = { nullable: true, description: 'The review; null where userErrors says why.' };
const PRODUCT = {
  nullable: true,
  description: 'The product, whose rating already shows the change; null where userErrors says why.',
};

function loadReview({ reviewId }: ReviewPayloadSource, { catalogue }: RequestContext): Promise<Review | null> | null {
  return reviewId === null ? null : catalogue.reviews.load(reviewId);
}

function loadProduct(
  { productId }: ReviewPayloadSource,
  { catalogue }: RequestContext,
): Promise<Product | null> | null {
  return productId === null ? null : catalogue.products.load(productId);
}

@Resolver(() => CreateReviewPayload)
export class CreateReviewPayloadResolver {
  @FieldResolver(() => Review, REVIEW)
  review(@Root() payload: CreateReviewPayload, @Ctx() context: RequestContext): Promise<Review | null> | null {
    return loadReview(payload, context);
  }

  @FieldResolver(() => Product, PRODUCT)
  product(@Root() payload: CreateReviewPayload, @Ctx() context: RequestContext): Promise<Product | null> | null {
    return loadProduct(payload, context);
  }
}

@Resolver(() => UpdateReviewPayload)
export class UpdateReviewPayloadResolver {
  @FieldResolver(() => Review, REVIEW)
  review(@Root() payload: UpdateReviewPayload, @Ctx() context: RequestContext): Promise<Review | null> | null {
    return loadReview(payload, context);
  }

  @FieldResolver(() => Product, PRODUCT)
  product(@Root() payload: UpdateReviewPayload, @Ctx() context: RequestContext): Promise<Product | null> | null {
    return loadProduct(payload, context);
  }
}

@Resolver(() => DeleteReviewPayload)
export class DeleteReviewPayloadResolver {
  @FieldResolver(() => Product, PRODUCT)
  product(@Root() payload: DeleteReviewPayload, @Ctx() context: RequestContext): Promise<Product | null> | null {
    return loadProduct(payload, context);
  }
}

@Resolver(() => ReviewConnection)
export class ReviewConnectionResolver {
  @FieldResolver(() => Int, {
    nullable: true,
    description: 'The length of the whole list. Computed only when asked for.',
  })
  totalCount(@Root() { productId }: ReviewConnection, @Ctx() { catalogue }: RequestContext): Promise<number> {
    return catalogue.reviewTotals.load(productId);
  }
}

async function reviewProblems(input: object): Promise<ReviewUserError[]> {
  return (await problemsOf(input)).map(({ code, message, field }) => ({
    code: ReviewUserErrorCode[code as keyof typeof ReviewUserErrorCode],
    message,
    field,
  }));
}

function nothing(userErrors: ReviewUserError[]) {
  return { reviewId: null, productId: null, ratingVersion: null, userErrors };
}

/** The payload of an outcome. What this request read before is forgotten; the rating comes from SQL from now on. */
function settle(outcome: ReviewOutcome, { catalogue, ratings }: RequestContext, idField: string[]) {
  if (outcome.outcome !== 'DONE') return nothing([refusal(outcome.outcome, idField)]);
  const { reviewId, productId, ratingVersion } = outcome;
  catalogue.forget({ productId, reviewId });
  ratings.productChanged(productId);
  return { reviewId, productId, ratingVersion, userErrors: [] };
}

/** @throws FORBIDDEN */
function refusal(outcome: ReviewRefusal, idField: string[]): ReviewUserError {
  switch (outcome) {
    case 'FORBIDDEN':
      throw forbidden('This is the review of someone else.');
    case 'NOT_FOUND':
      return {
        code: ReviewUserErrorCode.NOT_FOUND,
        message: `there is no ${idField.at(-1) === 'productId' ? 'product' : 'review'} with this id`,
        field: idField,
      };
    case 'ALREADY_REVIEWED':
      return {
        code: ReviewUserErrorCode.ALREADY_REVIEWED,
        message: 'you have reviewed this product: update that review',
        field: idField,
      };
    case 'VERSION_CONFLICT':
      return {
        code: ReviewUserErrorCode.VERSION_CONFLICT,
        message: 'the review was changed since: read it again',
        field: ['input', 'expectedVersion'],
      };
  }
}
