import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { UserError, UserErrorCode, USER_ERRORS } from '../../graphql/user-error.js';
import type { ReviewsContext } from '../context.js';
import { ErasedReviews } from '../erased-reviews.js';

@InputType({ description: 'The author whose data is erased.' })
export class EraseAuthorInput {
  @Field(() => ID, { description: 'The author.' })
  id!: string;

  @Field(() => ErasedReviews, { description: 'What becomes of their reviews.' })
  reviews!: ErasedReviews;
}

@ObjectType({ description: 'Who was erased, or why nobody was.', simpleResolvers: true })
export class EraseAuthorPayload {
  @Field(() => ID, { nullable: true, description: 'The author that is gone.' })
  erasedAuthorId!: string | null;

  @Field(() => Int, { nullable: true, description: 'How many reviews have no author any more, or are deleted.' })
  affectedReviewCount!: number | null;

  @Field(() => [UserError], USER_ERRORS)
  userErrors!: UserError[];
}

@Resolver()
export class EraseAuthorResolver {
  @Mutation(() => EraseAuthorPayload, {
    description:
      "Erases a person's data: name and identity at once, and with them their votes, their reviews as asked, and their name beside decisions and replies. Of an author with some thousand reviews and votes the last are gone within seconds after the answer. The same person is a new author afterwards. Admins only.",
  })
  async eraseAuthor(
    @Arg('input', () => EraseAuthorInput, { description: 'The author.' }) { id, reviews: fate }: EraseAuthorInput,
    @Ctx() { viewer, authorErasure, reviews, lifetime }: ReviewsContext,
  ): Promise<EraseAuthorPayload> {
    requireAdmin(viewer);
    const erasedAuthorId = parseId(id, 'input.id');
    const affectedReviewCount = await authorErasure.erase(erasedAuthorId, fate, lifetime);
    reviews.clearAll();
    if (affectedReviewCount !== null) return { erasedAuthorId, affectedReviewCount, userErrors: [] };
    const message = 'there is no author with this id';
    const userErrors = [{ code: UserErrorCode.NOT_FOUND, message, field: ['input', 'id'] }];
    return { erasedAuthorId: null, affectedReviewCount, userErrors };
  }
}
