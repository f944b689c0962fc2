import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { requireAdmin } from '../auth/viewer.js';
import { Author } from './author.js';
import type { ReviewsContext } from './context.js';
import { ReviewReply } from './review-reply.js';

@Resolver(() => ReviewReply)
export class ReviewReplyResolver {
  @FieldResolver(() => Author, {
    nullable: true,
    description: "Who wrote it for the merchant; null once that person's data was erased. Admins only.",
  })
  async author(@Root() { authorId }: ReviewReply, @Ctx() { viewer, reviews }: ReviewsContext): Promise<Author | null> {
    requireAdmin(viewer);
    return authorId === null ? null : reviews.authors.load(authorId);
  }
}
