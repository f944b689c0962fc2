import { SAMPLE_PRODUCTS, SPECIAL_CASES, type SampleProduct } from './sample-products.js';

/** A review of the sample catalogue, as a row. */
export interface SampleReview {
  /** Of the product. */
  readonly externalId: string;
  /** The `sub` of its author; null where the author was erased. */
  readonly author: string | null;
  readonly rating: number;
  readonly title: string | null;
  readonly body: string | null;
  readonly status: 'PENDING' | 'PUBLISHED' | 'REJECTED';
  /** When it was written, as a part of the time since its product was created: 0 to 1. */
  readonly age: number;
  readonly edited: boolean;
  readonly verified: boolean;
  /** The merchant's. */
  readonly reply: string | null;
  /** How many found it helpful. */
  readonly votes: number;
}

export interface SampleAuthor {
  readonly subject: string;
  readonly displayName: string | null;
}

const NAMES = [
  'Amina', 'Bao', 'Chiara', 'Dmitri', 'Elif', 'Femi', 'Greta', 'Hiro', 'Ines', 'Jonas', 'Keiko', 'Liam', 'Mira', 'Noor',
  'Omar', 'Priya', 'Quentin', 'Rosa', 'Samir', 'Tuva', 'Uma', 'Viktor', 'Wanjiru', 'Ximena', 'Yusuf', 'Zofia',
]; // prettier-ignore

/** Enough authors for a product with 300 reviews; some have no name in their tokens. The first 26 have one word as theirs. */
export const SAMPLE_AUTHORS: readonly SampleAuthor[] = Array.from({ length: NAMES.length * 12 }, (_, i) => {
  const name = NAMES[i % NAMES.length]!;
  const round = Math.floor(i / NAMES.length);
  const subject = round === 0 ? name.toLowerCase() : `${name.toLowerCase()}-${round}`;
  if (i % 31 === 30) return { subject, displayName: null };
  return { subject, displayName: round === 0 ? name : `${name} ${String.fromCharCode(64 + round)}.` };
});

const WORDS: Record<number, readonly string[]> = {
  1: ['Broke within a week.', 'Would not buy again.'],
  2: ['Disappointing for the price.', 'Works, but only just.'],
  3: ['Does what it should, no more.', 'Fine.'],
  4: ['Good, with small flaws.', 'Use it every day.'],
  5: ['Could not cook without it.', 'Exactly right.', 'A present that was loved.'],
};

const TITLES: Record<number, string> = {
  1: 'Avoid',
  2: 'Expected more',
  3: 'All right',
  4: 'Good 👍',
  5: 'Just right',
};

const REPLIES: Record<number, string> = {
  1: 'That should not happen. Please write to us, and we will replace it.',
  2: 'Thank you for telling us what is missing.\n\nThe next batch will be better.',
  5: 'Thank you! 😊',
};

const LONG_BODY = Array.from(
  { length: 12 },
  (_, month) =>
    `Month ${month + 1}. Still in use nearly every day, for onions, herbs, bread in a pinch, and once for a parcel. ` +
    'The edge has kept; I hone it on Sundays and have put it on a stone twice. The handle has become darker and smoother, ' +
    'which I like, and the sheath has taken on the smell of the drawer, which I do not.',
).join('\n\n');

/** The `externalId` of a product, by its place in `SAMPLE_PRODUCTS`. */
export function sampleExternalId(index: number): string {
  const number = index - SPECIAL_CASES + 1;
  return number > 0 ? `sample-${String(number).padStart(2, '0')}` : `sample-case-${index + 1}`;
}

/** All reviews of the catalogue, the same at every start. */
export function sampleReviews(): SampleReview[] {
  return SAMPLE_PRODUCTS.flatMap((product, index) => reviewsOf(product, index));
}

/** Most counted reviews have the usual rating, the rest are around it. Those that are not public come last. */
function reviewsOf(product: SampleProduct, index: number): SampleReview[] {
  const place = index - SPECIAL_CASES;
  const count = product.reviews ?? 5 + ((place * 7) % 16);
  const statuses = [...Array.from({ length: count }, () => 'PUBLISHED' as const), ...(product.hidden ?? [])];
  return statuses.map((status, i) => {
    const off = [0, 0, 0, -1, 1, 0, -2][(i * 3 + place + 7) % 7]!;
    const rating = Math.min(5, Math.max(1, product.usual + off));
    const words = WORDS[rating]!;
    const isLong = i === count - 3 && count > 100;
    return {
      externalId: sampleExternalId(index),
      author: i % 11 === 6 ? null : SAMPLE_AUTHORS[(index * 5 + i) % SAMPLE_AUTHORS.length]!.subject,
      rating,
      title: i % 3 === 1 ? TITLES[rating]! : null,
      body: isLong ? LONG_BODY : i % 4 === 3 ? null : words[(index + i) % words.length]!,
      status,
      age: (i + 1) / (statuses.length + 1),
      edited: i % 8 === 5,
      verified: i % 3 !== 0,
      reply: status === 'PUBLISHED' && i % 4 === 2 ? (REPLIES[rating] ?? null) : null,
      // Most reviews have none, and the long one has most.
      votes: status !== 'PUBLISHED' ? 0 : isLong ? 97 : (i * 7) % 5 === 0 ? (i * 3) % 13 : 0,
    };
  });
}
