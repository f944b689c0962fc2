import { registerEnumType } from 'type-graphql';

export enum ReviewStatus {
  PENDING = 'PENDING',
  PUBLISHED = 'PUBLISHED',
  REJECTED = 'REJECTED',
}

registerEnumType(ReviewStatus, {
  name: 'ReviewStatus',
  description: 'Who sees a review. Only published ones count in ratings.',
  valuesConfig: {
    PENDING: { description: 'Its author and admins: nobody has decided about it yet.' },
    PUBLISHED: { description: 'Everyone.' },
    REJECTED: { description: 'Its author and admins: it was decided not to publish it.' },
  },
});

/** The condition under which everyone sees a review. */
export const PUBLIC_REVIEW = `status = '${ReviewStatus.PUBLISHED}'`;

/** The condition under which the author $2 (issuer), $3 (subject) sees a review; with nulls the same as everyone. */
export const VISIBLE_REVIEW = `(${PUBLIC_REVIEW} OR EXISTS (
  SELECT FROM authors a WHERE a.id = reviews.author_id AND a.issuer = $2 AND a.subject = $3))`;
