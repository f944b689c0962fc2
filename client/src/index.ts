export { createRatingsClient, type Document, type RatingsClient, type RatingsClientOptions } from './client.js';
export { ApiError, TransportError, type ResponseError } from './errors.js';
export type * from './generated/sdk.js';
export { COST, MAX_TEXT_LENGTHS, PAGE_SIZE, STARS } from './generated/limits.js';
