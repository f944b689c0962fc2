import { Field, ID, InputType, Int } from 'type-graphql';
import { requireViewer, type Viewer } from '../auth/viewer.js';
import { badUserInput, forbidden } from '../graphql/errors.js';
import { parseId } from '../graphql/ids.js';
import { DateTimeScalar } from '../graphql/scalars.js';
import type { Condition } from '../pagination/filter.js';
import { PUBLIC_REVIEW, ReviewStatus } from './review-status.js';

@InputType({ description: 'From one moment to another.' })
export class DateTimeRange {
  @Field(() => DateTimeScalar, { nullable: true, description: 'Then or later.' })
  gte?: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Then or earlier, to the millisecond.' })
  lte?: Date | null;
}

@InputType({ description: 'Which reviews: those that fit every field that is given. An empty list fits none.' })
export class ReviewFilter {
  @Field(() => ID, { nullable: true, description: 'Of this product.' })
  productId?: string | null;

  @Field(() => ID, { nullable: true, description: 'By this author.' })
  authorId?: string | null;

  @Field(() => [ReviewStatus], {
    nullable: true,
    description:
      'With one of these statuses; PUBLISHED where it is not given. Others are for admins: their queue is PENDING.',
  })
  statuses?: ReviewStatus[] | null;

  @Field(() => [Int], { nullable: true, description: 'With one of these numbers of stars, 1 to 5.' })
  ratings?: number[] | null;

  @Field(() => Boolean, { nullable: true, description: 'True: with words. False: a rating alone.' })
  hasBody?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'True: by those who bought the product. False: by others.' })
  verifiedPurchase?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the merchant has replied.' })
  hasReply?: boolean | null;

  @Field(() => DateTimeRange, { nullable: true, description: 'Written in this time.' })
  createdAt?: DateTimeRange | null;
}

const PUBLISHED: Condition = { text: PUBLIC_REVIEW, values: [], isIndexed: true };

/**
 * The condition on `reviews` that a filter means for this caller.
 * @throws BAD_USER_INPUT for malformed ids and stars out of range; FORBIDDEN or UNAUTHENTICATED for statuses that the caller may not list
 */
export function reviewCondition(filter: ReviewFilter | null | undefined, viewer: Viewer | null): Condition {
  if (filter == null) return PUBLISHED;
  const { productId, authorId, ratings, hasBody, verifiedPurchase, hasReply, createdAt } = filter;
  const statuses = [...new Set(filter.statuses ?? [ReviewStatus.PUBLISHED])].sort();
  if (statuses.some((status) => status !== ReviewStatus.PUBLISHED)) requireModerator(viewer);
  // As constants, so that the partial indexes are found.
  const conditions = [
    statuses.length === 0 ? 'false' : `status IN (${statuses.map((status) => `'${status}'`).join(', ')})`,
  ];
  const values: unknown[] = [];
  if (productId != null) conditions.push(`product_id = $${values.push(parseId(productId, 'filter.productId'))}::uuid`);
  if (authorId != null) {
    const author = `$${values.push(parseId(authorId, 'filter.authorId'))}::uuid`;
    // Of an author who is being erased there is nothing, also before all is removed.
    conditions.push(`author_id = (SELECT a.id FROM authors a WHERE a.id = ${author} AND a.erasure IS NULL)`);
  }
  const isIndexed = [ratings, hasBody, verifiedPurchase, hasReply, createdAt].every((field) => field == null);
  if (ratings != null) conditions.push(`rating = ANY ($${values.push(parseRatings(ratings))}::smallint[])`);
  if (hasBody != null) conditions.push(`body IS ${hasBody ? 'NOT ' : ''}NULL`);
  if (verifiedPurchase != null) conditions.push(`${verifiedPurchase ? '' : 'NOT '}verified_purchase`);
  if (hasReply != null) conditions.push(`reply_body IS ${hasReply ? 'NOT ' : ''}NULL`);
  if (createdAt?.gte != null) conditions.push(`created_at >= $${values.push(createdAt.gte)}::timestamptz`);
  // Callers know milliseconds only, and what they have read fits.
  if (createdAt?.lte != null) {
    conditions.push(`created_at < $${values.push(createdAt.lte)}::timestamptz + interval '1 millisecond'`);
  }
  return { text: conditions.join(' AND '), values, isIndexed };
}

/**
 * The stars that a filter leaves, where it asks for nothing else: their reviews are counted in the product's rating. Null where it does.
 */
export function starsOnly(filter: ReviewFilter | null | undefined): readonly number[] | null {
  const { ratings, ...others } = filter ?? {};
  return Object.values(others).some((field) => field != null) ? null : [...new Set(ratings ?? [1, 2, 3, 4, 5])];
}

/** @throws BAD_USER_INPUT for what is no number of stars */
function parseRatings(ratings: readonly number[]): number[] {
  if (ratings.some((stars) => stars < 1 || stars > 5)) {
    throw badUserInput('filter.ratings must be whole numbers from 1 to 5', 'filter.ratings');
  }
  return [...new Set(ratings)].sort();
}

function requireModerator(viewer: Viewer | null): void {
  if (requireViewer(viewer).isAdmin) return;
  throw forbidden(
    'Only an admin may list reviews that are not published. Your own are `viewer { reviews }`, in any status.',
  );
}
