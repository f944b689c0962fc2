import { Field, ObjectType, type ClassType } from 'type-graphql';

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

/** An item of a page and its position in the list. */
export interface PageEdge<Item> {
  readonly cursor: string;
  readonly node: Item;
}

/** One page of a keyset-paginated list, the source object of a Relay connection. */
export interface Page<Item> {
  readonly edges: ReadonlyArray<PageEdge<Item>>;
  readonly pageInfo: PageInfo;
}

/** The edge type of a list: `edgeType(Product, 'Product')` is `ProductEdge`. */
export function edgeType<Item extends object>(item: ClassType<Item>, name: string) {
  @ObjectType(`${name}Edge`, {
    description: `A ${name.toLowerCase()} at its position in a list.`,
    simpleResolvers: true,
  })
  class Edge {
    @Field(() => String, { description: 'Give it as `after` or `before` to page on from here. Opaque.' })
    cursor!: string;

    @Field(() => item, { description: `The ${name.toLowerCase()}.` })
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
    @Field(() => [edge], { description: 'The page, with cursors.' })
    edges!: Array<PageEdge<Item>>;

    @Field(() => [item], { description: 'The page, without cursors.' })
    get nodes(): Item[] {
      return this.edges.map(({ node }) => node);
    }

    @Field(() => PageInfo, { description: 'Where the page stands in the list.' })
    pageInfo!: PageInfo;
  }
  Object.defineProperty(Connection, 'name', { value: `${name}ConnectionBase` });
  return Connection;
}
