import { Field, ID, InputType, registerEnumType } from 'type-graphql';
import { requireViewer, type Viewer } from '../auth/viewer.js';
import { forbidden } from '../graphql/errors.js';
import { parseId } from '../graphql/ids.js';
import { OF_EXISTING_PRODUCT } from './review-row.js';
import { ReviewStatus } from './review-status.js';

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
}

export enum ReviewOrderField {
  CREATED_AT = 'CREATED_AT',
}

registerEnumType(ReviewOrderField, {
  name: 'ReviewOrderField',
  description: 'What reviews are ordered by.',
  valuesConfig: { CREATED_AT: { description: 'When they were written.' } },
});

export enum OrderDirection {
  ASC = 'ASC',
  DESC = 'DESC',
}

registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'The direction of an order.',
  valuesConfig: {
    ASC: { description: 'The least first: the oldest.' },
    DESC: { description: 'The greatest first: the newest.' },
  },
});

@InputType({ description: 'The order of a list of reviews.' })
export class ReviewOrder {
  @Field(() => ReviewOrderField, { description: 'What they are ordered by.' })
  field!: ReviewOrderField;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.DESC, description: 'In which direction.' })
  direction!: OrderDirection;
}

/** A condition on the table `reviews`, whose parameters are these values from $1 on. */
export interface ReviewCondition {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The condition that a filter means for this caller.
 * @throws BAD_USER_INPUT for malformed ids; FORBIDDEN or UNAUTHENTICATED for statuses that the caller may not list
 */
export function reviewCondition(filter: ReviewFilter | null | undefined, viewer: Viewer | null): ReviewCondition {
  const statuses = [...new Set(filter?.statuses ?? [ReviewStatus.PUBLISHED])].sort();
  if (statuses.some((status) => status !== ReviewStatus.PUBLISHED)) requireModerator(viewer);
  const conditions = [
    // As constants, so that the partial indexes are found.
    statuses.length === 0 ? 'false' : `status IN (${statuses.map((status) => `'${status}'`).join(', ')})`,
    OF_EXISTING_PRODUCT,
  ];
  const values: string[] = [];
  for (const [column, argument] of [
    ['product_id', 'productId'],
    ['author_id', 'authorId'],
  ] as const) {
    const id = filter?.[argument];
    if (id != null) conditions.push(`${column} = $${values.push(parseId(id, `filter.${argument}`))}::uuid`);
  }
  return { text: conditions.join(' AND '), values };
}

function requireModerator(viewer: Viewer | null): void {
  if (requireViewer(viewer).isAdmin) return;
  throw forbidden('Only an admin may list reviews that are not published. Your own is `review(id:)` in any status.');
}
