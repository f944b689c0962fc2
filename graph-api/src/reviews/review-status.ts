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
    PENDING: { description: 'Its author: nobody has decided about it yet.' },
    PUBLISHED: { description: 'Everyone.' },
    REJECTED: { description: 'Its author: it was decided not to publish it.' },
  },
});

/** The condition under which everyone sees a review. */
export const PUBLIC_REVIEW = `status = '${ReviewStatus.PUBLISHED}'`;
