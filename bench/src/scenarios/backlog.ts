import { formatNumber } from '../report/figure.js';
import { insertReviews } from '../environment/catalogue.js';
import type { World } from '../environment/world.js';

/** What the reviews of a backlog are about: many products, or a single one. */
export type BacklogKind = 'spread' | 'hot';

/** Fills the outbox with the events of `events` new reviews of products number 1 to `products`, or of number 1 alone. */
export async function fillOutbox(
  world: World,
  kind: BacklogKind,
  { events, products }: { readonly events: number; readonly products: number },
  progress: (text: string) => void,
): Promise<void> {
  progress(`inserting ${formatNumber(events)} reviews of ${kind === 'hot' ? 'one product' : `${products} products`}`);
  await insertReviews(world, events, { from: 1, to: kind === 'hot' ? 1 : products });
}
