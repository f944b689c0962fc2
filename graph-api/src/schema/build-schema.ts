import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { ProductConnectionResolver, ProductResolver } from '../resolvers/product.resolver.js';
import { ProductRatingResolver } from '../resolvers/product-rating.resolver.js';
import {
  CreateReviewPayloadResolver,
  DeleteReviewPayloadResolver,
  ReviewConnectionResolver,
  ReviewResolver,
  UpdateReviewPayloadResolver,
} from '../resolvers/review.resolver.js';

/** The public schema. Inputs are validated by the commands, whose findings are userErrors. */
export function buildGraphQLSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: [
      ProductResolver,
      ProductConnectionResolver,
      ProductRatingResolver,
      ReviewResolver,
      CreateReviewPayloadResolver,
      UpdateReviewPayloadResolver,
      DeleteReviewPayloadResolver,
      ReviewConnectionResolver,
    ],
    validate: false,
  });
}
