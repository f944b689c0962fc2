// Generated from graph-api/src by `npm run codegen`; do not edit.

/** The most code points of a text, by input type and field; more is `TOO_LONG`. `maxlength` of HTML counts UTF-16 units. */
export const MAX_TEXT_LENGTHS = {
  "CreateProductInput": {
    "externalId": 200,
    "name": 200,
    "description": 10000
  },
  "CreateReviewInput": {
    "title": 200,
    "body": 10000
  },
  "ModerateReviewInput": {
    "reason": 1000
  },
  "ReplyToReviewInput": {
    "body": 10000
  },
  "UpdateProductInput": {
    "externalId": 200,
    "name": 200,
    "description": 10000
  },
  "UpdateReviewInput": {
    "title": 200,
    "body": 10000
  }
} as const;

/** The least and the greatest rating; others are `OUT_OF_RANGE`. */
export const STARS = {
  "min": 1,
  "max": 5
} as const;

/** The size of a page that asks for none, and the greatest that may be asked for. */
export const PAGE_SIZE = {
  "default": 20,
  "max": 100
} as const;

/** What the parts of an operation cost ("Cost" in docs/api.md), the size that a list without an argument for it counts with, and what an operation may cost unless the service is configured otherwise. */
export const COST = {
  "field": 1,
  "longText": 50,
  "list": 50,
  "mutation": 500,
  "introspection": 1000,
  "plainListSize": 5,
  "max": 50000
} as const;
