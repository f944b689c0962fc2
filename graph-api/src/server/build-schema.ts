import 'reflect-metadata';
import { assertObjectType, type GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { CreateProductResolver } from '../products/mutations/create-product.js';
import { DeleteProductResolver } from '../products/mutations/delete-product.js';
import { UpdateProductResolver } from '../products/mutations/update-product.js';
import { ProductListResolver } from '../products/product-list.js';
import { ProductResolver } from '../products/product.resolver.js';
import { READ_AHEAD } from '../ratings/read-ahead.js';
import { ProductRatingResolver } from '../ratings/product-rating.resolver.js';
import { ViewerResolver, ViewerReviewResolver } from '../reviews/viewer.resolver.js';
import { RatingHistoryResolver } from '../ratings/rating-history.js';
import { NodeResolver } from '../reviews/node.resolver.js';
import { CreateReviewResolver } from '../reviews/mutations/create-review.js';
import { DeleteReviewResolver } from '../reviews/mutations/delete-review.js';
import { EraseAuthorResolver } from '../reviews/mutations/erase-author.js';
import { MarkReviewHelpfulResolver } from '../reviews/mutations/mark-review-helpful.js';
import { ModerateReviewResolver } from '../reviews/mutations/moderate-review.js';
import { ReplyToReviewResolver } from '../reviews/mutations/reply-to-review.js';
import { SetVerifiedPurchaseResolver } from '../reviews/mutations/set-verified-purchase.js';
import { UpdateReviewResolver } from '../reviews/mutations/update-review.js';
import { HelpfulVotesResolver } from '../reviews/helpful-votes.resolver.js';
import { ReviewDecisionResolver, ReviewDecisionsResolver } from '../reviews/review-decision.resolver.js';
import { ProductReviewsResolver, ReviewConnectionResolver } from '../reviews/review-list.js';
import { ReviewReplyResolver } from '../reviews/review-reply.resolver.js';
import { ReviewResolver } from '../reviews/review.resolver.js';

/**
 * The public schema: the sum of the subjects. type-graphql's own validation is off: mutations call `validateInput`, so
 * that problems become `userErrors` instead of top-level errors.
 */
export function buildGraphQLSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ProductResolver,
      ProductListResolver,
      CreateProductResolver,
      UpdateProductResolver,
      DeleteProductResolver,
      ProductRatingResolver,
      RatingHistoryResolver,
      ProductReviewsResolver,
      ReviewConnectionResolver,
      ReviewResolver,
      NodeResolver,
      ViewerResolver,
      ViewerReviewResolver,
      CreateReviewResolver,
      UpdateReviewResolver,
      DeleteReviewResolver,
      ModerateReviewResolver,
      EraseAuthorResolver,
      MarkReviewHelpfulResolver,
      ReplyToReviewResolver,
      SetVerifiedPurchaseResolver,
      HelpfulVotesResolver,
      ReviewReplyResolver,
      ReviewDecisionsResolver,
      ReviewDecisionResolver,
    ],
    validate: false,
  });
  // type-graphql has no place for them.
  schema.getQueryType()!.description = 'Everything that can be read. Reading needs no token.';
  schema.getMutationType()!.description = 'Everything that can be changed. Each needs a token.';
  return schema;
}

/** The schema with the fields that are read ahead as plain properties: a resolver for each costs more than the rest of a page. */
export function buildReadAheadSchema(): GraphQLSchema {
  const schema = buildGraphQLSchema();
  const fields = assertObjectType(schema.getType('Product')).getFields();
  for (const name of READ_AHEAD) delete fields[name]!.resolve;
  return schema;
}
