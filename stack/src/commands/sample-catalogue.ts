import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRatingsClient, type RatingsClient } from '@exact-ratings/client';
import { progressLine, seconds } from '../progress.js';
import type { System } from '../system.js';

interface SampleProduct {
  readonly name: string;
  readonly amount: string;
  readonly currencyCode: string;
  /** How well it is liked: the most frequent rating. */
  readonly usual: number;
}

const product = (name: string, amount: string, currencyCode: string, usual: number): SampleProduct => ({
  name,
  amount,
  currencyCode,
  usual,
});

const PRODUCTS: readonly SampleProduct[] = [
  product('Gooseneck kettle', '49.90', 'EUR', 5),
  product('Burr coffee grinder', '129.00', 'EUR', 4),
  product('Cast-iron skillet', '39.95', 'EUR', 5),
  product('Bread knife', '24.50', 'EUR', 4),
  product('Digital kitchen scale', '19.99', 'EUR', 4),
  product('Silicone spatula set', '14.90', 'EUR', 3),
  product('Enamel roasting tin', '34.00', 'EUR', 4),
  product('Salad spinner', '22.95', 'EUR', 2),
  product('Ceramic teapot', '4200', 'JPY', 5),
  product('Bento box', '2800', 'JPY', 4),
  product('Bamboo steamer', '3500', 'JPY', 4),
  product('Rice cooker', '18900', 'JPY', 5),
  product('Espresso cups, set of four', '28.00', 'EUR', 4),
  product('Linen apron', '32.00', 'EUR', 4),
  product('Mandoline slicer', '27.90', 'EUR', 2),
  product('Pepper mill', '44.00', 'EUR', 5),
  product('Instant-read thermometer', '18.750', 'KWD', 4),
  product('Copper saucepan', '42.500', 'KWD', 5),
  product('Date syrup press', '9.250', 'KWD', 3),
  product('Wooden spoon', '4.50', 'USD', 4),
  product('Pizza stone', '36.00', 'USD', 3),
  product('Immersion blender', '59.00', 'USD', 4),
  product('Garlic press', '16.00', 'USD', 2),
  product('Sourdough basket', '21.00', 'USD', 5),
  product('Stackable glass jars', '29.00', 'USD', 4),
  product('Herb scissors', '12.00', 'GBP', 3),
  product('Milk frother', '25.00', 'GBP', 4),
  product('Carbon-steel wok', '41.00', 'GBP', 5),
  product('Marble mortar', '38.00', 'GBP', 4),
  product('Whistling kettle', '33.00', 'GBP', 1),
];

const AUTHORS = [
  'Amina', 'Bao', 'Chiara', 'Dmitri', 'Elif', 'Femi', 'Greta', 'Hiro', 'Ines', 'Jonas', 'Keiko', 'Liam', 'Mira', 'Noor',
  'Omar', 'Priya', 'Quentin', 'Rosa', 'Samir', 'Tuva', 'Uma', 'Viktor', 'Wanjiru', 'Ximena', 'Yusuf', 'Zofia',
]; // prettier-ignore

const WORDS: Record<number, readonly string[]> = {
  1: ['Broke within a week.', 'Would not buy again.'],
  2: ['Disappointing for the price.', 'Works, but only just.'],
  3: ['Does what it should, no more.', 'Fine.'],
  4: ['Good, with small flaws.', 'Use it every day.'],
  5: ['Could not cook without it.', 'Exactly right.', 'A present that was loved.'],
};

const CONCURRENCY = 8;

/**
 * Writes a catalogue to look at through the API, once for a stack: an empty database gets it, one that holds products is
 * left alone, and a start that was interrupted is completed.
 */
export async function writeSampleCatalogue(system: System, onProgress: (line: string) => void): Promise<void> {
  const admin = createRatingsClient({
    url: system.graphqlUrl,
    token: await system.token({ subject: 'sample-admin', name: 'Sample admin', admin: true }),
  });
  const unfinished = join(system.stack.directory, 'sample-catalogue.unfinished');
  const { products } = await admin.Products({ first: 1 });
  if (products.nodes.length > 0 && !existsSync(unfinished)) {
    onProgress(progressLine('Catalogue', 'is there already'));
    return;
  }

  await writeFile(unfinished, '');
  const began = Date.now();
  const authors = await Promise.all(
    AUTHORS.map(async (name) =>
      createRatingsClient({
        url: system.graphqlUrl,
        token: await system.token({ subject: `sample-${name.toLowerCase()}`, name }),
      }),
    ),
  );
  let reviews = 0;
  await inParallel(PRODUCTS.entries(), async ([index, sample]) => {
    const productId = await ensureProduct(admin, `sample-${String(index + 1).padStart(2, '0')}`, sample);
    for (const [rating, author] of sampleReviews(index, sample.usual, authors)) {
      const words = WORDS[rating]!;
      await author.CreateReview({ input: { productId, rating, body: words[reviews % words.length]! } });
      reviews += 1;
    }
  });
  await rm(unfinished);
  onProgress(
    progressLine(
      'Catalogue',
      `${reviews} reviews of ${PRODUCTS.length} products written (${seconds(Date.now() - began)})`,
    ),
  );
}

async function ensureProduct(admin: RatingsClient, externalId: string, sample: SampleProduct): Promise<string> {
  const { name, amount, currencyCode } = sample;
  const { createProduct } = await admin.CreateProduct({
    input: { externalId, name, price: { amount, currencyCode } },
  });
  if (createProduct.product) return createProduct.product.id;
  const { productByExternalId } = await admin.ProductByExternalId({ externalId });
  if (productByExternalId) return productByExternalId.id;
  throw new Error(`${name} could not be created: ${createProduct.userErrors.map(({ message }) => message).join('; ')}`);
}

/** Between 5 and 20 reviews, most of them with the usual rating, the rest around it; the same at every start. */
function* sampleReviews(
  index: number,
  usual: number,
  authors: readonly RatingsClient[],
): Generator<[rating: number, author: RatingsClient]> {
  const count = 5 + ((index * 7) % 16);
  for (let i = 0; i < count; i += 1) {
    const off = [0, 0, 0, -1, 1, 0, -2][(i * 3 + index) % 7]!;
    yield [Math.min(5, Math.max(1, usual + off)), authors[(index * 5 + i) % authors.length]!];
  }
}

async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}
