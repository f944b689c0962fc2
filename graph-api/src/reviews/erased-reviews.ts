import { registerEnumType } from 'type-graphql';

export enum ErasedReviews {
  ANONYMIZE = 'ANONYMIZE',
  DELETE = 'DELETE',
}

registerEnumType(ErasedReviews, {
  name: 'ErasedReviews',
  description: 'What becomes of the reviews of an author whose data is erased.',
  valuesConfig: {
    ANONYMIZE: { description: 'They stay and count, without an author; nobody can edit them any more.' },
    DELETE: { description: 'They are deleted, and leave the ratings.' },
  },
});
