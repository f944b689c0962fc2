import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { parseEach, parseId } from '../graphql/ids.js';
import { Node } from '../graphql/node.js';
import type { ReviewsContext } from './context.js';
import type { AnyNode } from './node-loader.js';

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description:
      'Whatever has this id: a product, a review that the caller may see, or an author. Null where there is none.',
  })
  node(
    @Arg('id', () => ID, { description: 'The id of anything.' }) id: string,
    @Ctx() { reviews }: ReviewsContext,
  ): Promise<AnyNode | null> {
    return reviews.nodes.load(parseId(id, 'id'));
  }

  @Query(() => [Node], {
    nullable: 'items',
    description: 'Whatever has these ids, in their order, null where there is none.',
  })
  nodes(
    @Arg('ids', () => [ID], { description: 'At most 100 ids of anything.' }) ids: string[],
    @Ctx() { reviews }: ReviewsContext,
  ): Promise<Array<AnyNode | null>> {
    return Promise.all(parseEach(ids, 'ids', parseId).map((id) => reviews.nodes.load(id)));
  }
}
