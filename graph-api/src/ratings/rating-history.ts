import { Args, Ctx, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql';
import { connectionType, edgeType } from '../pagination/connection.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import { Product } from '../products/product.js';
import type { RatingsContext } from './context.js';
import { RATING_HISTORY } from './rating-history-loader.js';
import { RatingOnDay } from './rating-on-day.js';

const RatingHistoryEdge = edgeType(RatingOnDay, 'RatingHistory', 'day');

@ObjectType({ description: "A page of a product's history." })
class RatingHistoryConnection extends connectionType(RatingOnDay, RatingHistoryEdge, 'RatingHistory') {}

@Resolver(() => Product)
export class RatingHistoryResolver {
  @FieldResolver(() => RatingHistoryConnection, {
    description:
      'Its rating day by day: the days on which it moved, newest first. Later changes, also of old reviews, belong to the day on which they are made. Beginning with the day from which on ratings were recorded.',
  })
  async ratingHistory(
    @Root() { id }: Product,
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { ratingHistory }: RatingsContext,
  ) {
    return new RatingHistoryConnection(await ratingHistory.load(id, parsePageArguments(page, RATING_HISTORY)));
  }
}
