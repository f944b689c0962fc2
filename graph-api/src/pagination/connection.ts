import { Field, ObjectType, type ClassType } from 'type-graphql';
import type { Page, PageEdge } from './page.js';

@ObjectType({ description: 'Where a page stands in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether something follows the last edge.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether something precedes the first edge.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'The cursor of the first edge; null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'The cursor of the last edge; null on an empty page.' })
  endCursor!: string | null;
}

/**
 * The edge type of a list: `edgeType(Product, 'Product')` is `ProductEdge`.
 * @param what an item in words, where it is not the name
 */
export function edgeType<Item extends object>(item: ClassType<Item>, name: string, what = name.toLowerCase()) {
  @ObjectType(`${name}Edge`, {
    description: `A ${what} at its position in a list.`,
    simpleResolvers: true,
  })
  class Edge {
    @Field(() => String, { description: 'Give it as `after` or `before` to page on from here. Opaque.' })
    cursor!: string;

    @Field(() => item, { description: `The ${what}.` })
    node!: Item;
  }
  return Edge;
}

/** The fields of a list's connection type, to be extended by a class of that name: `ProductConnection`. */
export function connectionType<Item extends object>(
  item: ClassType<Item>,
  edge: ClassType<PageEdge<Item>>,
  name: string,
) {
  @ObjectType()
  abstract class Connection {
    constructor(readonly page: Page<Item>) {}

    @Field(() => [edge], { simple: true, description: 'The page, with cursors.' })
    get edges(): Array<PageEdge<Item>> {
      return this.page.edges;
    }

    @Field(() => [item], { simple: true, description: 'The page, without cursors.' })
    get nodes(): readonly Item[] {
      return this.page.nodes;
    }

    @Field(() => PageInfo, { simple: true, description: 'Where the page stands in the list.' })
    get pageInfo(): PageInfo {
      return this.page.pageInfo;
    }
  }
  Object.defineProperty(Connection, 'name', { value: `${name}ConnectionBase` });
  return Connection;
}
