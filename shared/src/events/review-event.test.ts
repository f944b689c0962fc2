import { MAX_SEQUENCE, parseReviewEvent } from './review-event.js';

const PRODUCT = '0198a000-0000-7000-8000-000000000001';
const EVENT = {
  eventId: '0198a000-0000-7000-8000-00000000000e',
  type: 'review-created',
  schemaVersion: 1,
  productId: PRODUCT,
  reviewId: '0198a000-0000-7000-8000-00000000000a',
  seq: 1,
  previousRating: null,
  rating: 5,
  occurredAt: '2026-05-01T10:00:00.123456Z',
};
const DELETION = { ...EVENT, type: 'product-deleted', reviewId: null, previousRating: null, rating: null };

function parse(fields: unknown, key: string | null = PRODUCT): ReturnType<typeof parseReviewEvent> {
  return parseReviewEvent(key === null ? null : Buffer.from(key), Buffer.from(JSON.stringify(fields)));
}

describe('what keeps the contract', () => {
  test.each([
    ['a creation', EVENT],
    ['an edit', { ...EVENT, type: 'review-updated', seq: 2, previousRating: 4 }],
    ['an edit of the text of what does not count', { ...EVENT, type: 'review-updated', rating: null }],
    ['a deletion', { ...EVENT, type: 'review-deleted', previousRating: 5, rating: null }],
    ["a product's deletion", DELETION],
    ['the highest number', { ...EVENT, seq: MAX_SEQUENCE }],
    ['a time without fractions', { ...EVENT, occurredAt: '2026-05-01T10:00:00Z' }],
  ])('%s is accepted as it is', (_, event) => {
    expect(parse(event)).toEqual({ ok: true, event });
  });

  test('fields of a newer producer are left out', () => {
    expect(parse({ ...EVENT, weight: 2 })).toEqual({ ok: true, event: EVENT });
  });
});

describe('what breaks the contract', () => {
  test.each([
    ['a null value', null],
    ['an empty value', ''],
    ['not JSON', '{"type":'],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
    ['a number', '42'],
    ['null', 'null'],
    ['a string', '"review-created"'],
    ['an array', '[]'],
  ])('%s is rejected', (_, value) => {
    const result = parseReviewEvent(Buffer.from(PRODUCT), value === null ? null : Buffer.from(value));
    expect(result).toEqual({ ok: false, reason: expect.stringContaining('value') });
  });

  const id = 'not-a-uuid';
  test.each<[string, unknown, string]>([
    ['an unknown type', { ...EVENT, type: 'review-voted' }, 'type'],
    ['a type of Object.prototype', { ...EVENT, type: 'constructor' }, 'type'],
    ['no type', { ...EVENT, type: undefined }, 'type'],
    ['a newer version', { ...EVENT, schemaVersion: 2 }, 'schemaVersion'],
    ['the version as text', { ...EVENT, schemaVersion: '1' }, 'schemaVersion'],
    ['no version', { ...EVENT, schemaVersion: undefined }, 'schemaVersion'],
    ['a bad event id', { ...EVENT, eventId: id }, 'eventId'],
    ['a bad review id', { ...EVENT, reviewId: id }, 'reviewId'],
    ['no review id', { ...EVENT, reviewId: null }, 'reviewId'],
    ['a product id in capitals', { ...EVENT, productId: PRODUCT.toUpperCase() }, 'productId'],
    ['a product id as object', { ...EVENT, productId: { toString: PRODUCT } }, 'productId'],
    ['seq 0', { ...EVENT, seq: 0 }, 'seq'],
    ['a negative seq', { ...EVENT, seq: -1 }, 'seq'],
    ['a fractional seq', { ...EVENT, seq: 1.5 }, 'seq'],
    ['a seq above 2^31 - 1', { ...EVENT, seq: MAX_SEQUENCE + 1 }, 'seq'],
    ['a seq as text', { ...EVENT, seq: '1' }, 'seq'],
    ['no seq', { ...EVENT, seq: undefined }, 'seq'],
    ['rating 0', { ...EVENT, rating: 0 }, 'rating'],
    ['rating 6', { ...EVENT, rating: 6 }, 'rating'],
    ['rating 4.5', { ...EVENT, rating: 4.5 }, 'rating'],
    ['rating as text', { ...EVENT, rating: '5' }, 'rating'],
    ['rating true', { ...EVENT, rating: true }, 'rating'],
    ['no rating', { ...EVENT, rating: undefined }, 'rating'],
    ['previous rating 0', { ...EVENT, previousRating: 0 }, 'previousRating'],
    ['no previous rating', { ...EVENT, previousRating: undefined }, 'previousRating'],
    ['a local time', { ...EVENT, occurredAt: '2026-05-01T10:00:00+02:00' }, 'occurredAt'],
    ['a day that does not exist', { ...EVENT, occurredAt: '2026-13-01T10:00:00Z' }, 'occurredAt'],
    ['a time in milliseconds', { ...EVENT, occurredAt: 1 }, 'occurredAt'],
    ["a product's deletion with a rating", { ...DELETION, previousRating: 5 }, 'product-deleted'],
    ["a product's deletion with a review", { ...DELETION, reviewId: EVENT.reviewId }, 'product-deleted'],
  ])('%s is rejected', (_, fields, field) => {
    expect(parse(fields)).toEqual({ ok: false, reason: expect.stringContaining(field) });
  });

  test.each([
    ['another', '0198a000-0000-7000-8000-0000000000ff'],
    ['no', null],
    ['an empty', ''],
  ])('%s key is rejected', (_, key) => {
    expect(parse(EVENT, key)).toEqual({ ok: false, reason: 'the key is not the productId' });
  });

  test('a rating of 1e400 is rejected', () => {
    const value = JSON.stringify(EVENT).replace('"rating":5', '"rating":1e400');
    expect(parseReviewEvent(Buffer.from(PRODUCT), Buffer.from(value)).ok).toBe(false);
  });

  test('deep nesting is rejected, not thrown', () => {
    const value = Buffer.from('['.repeat(200_000));
    expect(parseReviewEvent(Buffer.from(PRODUCT), value).ok).toBe(false);
  });
});
