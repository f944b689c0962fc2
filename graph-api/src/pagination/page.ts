import type { PageInfo } from './connection.js';

/** An item of a page and its position in the list. */
export interface PageEdge<Item> {
  readonly cursor: string;
  readonly node: Item;
}

/** One page of a keyset-paginated list, the source object of a Relay connection. Cursors are made where they are asked for. */
export class Page<Item> {
  /**
   * @param cursorAt makes the cursor of the node with this index
   * @param ends whether the list goes on, where the page was read with bounds
   */
  constructor(
    readonly nodes: readonly Item[],
    private readonly cursorAt: (index: number) => string,
    private readonly ends: Pick<PageInfo, 'hasNextPage' | 'hasPreviousPage'>,
  ) {}

  get edges(): Array<PageEdge<Item>> {
    const { cursorAt } = this;
    return this.nodes.map((node, index) => ({
      node,
      get cursor() {
        return cursorAt(index);
      },
    }));
  }

  get pageInfo(): PageInfo {
    const { nodes, cursorAt } = this;
    return {
      ...this.ends,
      get startCursor() {
        return nodes.length === 0 ? null : cursorAt(0);
      },
      get endCursor() {
        return nodes.length === 0 ? null : cursorAt(nodes.length - 1);
      },
    };
  }
}
