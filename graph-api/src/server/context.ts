import type { Viewer } from '../auth/viewer.js';
import { NO_FIELDS, type RequestedFields } from '../graphql/requested-fields.js';
import type { Product } from '../products/product.js';
import { Database, type PgQuery } from '../database/database.js';
import type { ListCounts } from '../pagination/list-counts.js';
import type { ProductsContext } from '../products/context.js';
import type { ProductCommands } from '../products/product-commands.js';
import { ProductLoaders } from '../products/product-loaders.js';
import type { RatingPrior } from '@exact-ratings/shared/rating/rating-prior-config.js';
import type { RatingsContext } from '../ratings/context.js';
import type { OwnWrites } from '../ratings/own-writes.js';
import { RatingHistoryLoader } from '../ratings/rating-history-loader.js';
import { RatingLoader } from '../ratings/rating-loader.js';
import type { RatingReader } from '../ratings/rating-reader.js';
import type { ReviewsContext } from '../reviews/context.js';
import type { AuthorErasure } from '../reviews/author-erasure.js';
import type { ReviewAnnotations } from '../reviews/review-annotations.js';
import type { ReviewCommands } from '../reviews/review-commands.js';
import { ReviewLoaders } from '../reviews/review-loaders.js';
import type { OperationCost } from './limits/operation-cost.js';
import type { CallerLimits } from './rate-limits/rate-limits.js';
import type { RequestLifetime } from './request-lifetime.js';

/** What all requests share. */
export interface ProcessContext {
  readonly database: Database;
  readonly ratingReader: RatingReader;
  readonly ownWrites: OwnWrites;
  readonly reviewAnnotations: ReviewAnnotations;
  readonly productCounts: ListCounts;
  readonly ratingPrior: RatingPrior;
  readonly productCommands: ProductCommands;
  readonly reviewCommands: ReviewCommands;
  readonly authorErasure: AuthorErasure;
  readonly reviewCounts: ListCounts;
}

/** The database of one request: begins no statement once the request is over or nobody waits for it any more. */
class RequestDatabase extends Database {
  constructor(
    private readonly shared: Database,
    private readonly lifetime: RequestLifetime,
  ) {
    super(shared.dataSource, shared.writes, shared.shortReads);
  }

  override query(query: PgQuery): Promise<{ rows: unknown[] }> {
    this.lifetime.throwIfEnded();
    return this.shared.query(query);
  }

  protected override shortRead(query: PgQuery): Promise<{ rows: unknown[] }> {
    this.lifetime.throwIfEnded();
    return super.shortRead(query);
  }
}

/** What a request makes when it is asked for: most ask for little of it. */
class RequestParts {
  /** What the operation asks for, once it is known. */
  fields = NO_FIELDS;
  /** What it costs, once that is known. */
  cost?: OperationCost;
  private madeProducts?: ProductLoaders;
  private madeRatings?: RatingLoader;
  private madeRatingHistory?: RatingHistoryLoader;
  private madeReviews?: ReviewLoaders;

  constructor(
    readonly shared: ProcessContext,
    private readonly database: Database,
    private readonly viewer: Viewer | null,
  ) {}

  get products(): ProductLoaders {
    return (this.madeProducts ??= new ProductLoaders(
      this.database,
      this.shared.productCounts,
      this.fields,
      (products) => this.prepareRatings(products),
    ));
  }

  get ratings(): RatingLoader {
    return (this.madeRatings ??= new RatingLoader(this.shared.ratingReader, this.shared.ownWrites, this.viewer));
  }

  get ratingHistory(): RatingHistoryLoader {
    return (this.madeRatingHistory ??= new RatingHistoryLoader(this.database, this.fields));
  }

  get reviews(): ReviewLoaders {
    return (this.madeReviews ??= new ReviewLoaders(
      this.database,
      this.fields,
      this.viewer,
      this.shared.reviewCounts,
      (products) => this.products.add(products),
    ));
  }

  private prepareRatings(products: readonly Product[]): Promise<void> | undefined {
    if (!this.fields.has('Product', 'averageRating', 'reviewCount', 'rating')) return undefined;
    return this.ratings.prepare(products);
  }
}

/**
 * What one GraphQL request works with: the sum of what the subjects need, with the ports of the lower subjects fulfilled by the
 * upper ones. Apollo Server copies a context's own properties, so what is made late stands in `parts`.
 */
export class RequestContext implements ProductsContext, RatingsContext, ReviewsContext {
  private readonly parts: RequestParts;
  readonly productDeleted = (productId: string): void => {
    this.ratings.clear(productId);
    this.reviews.clearAll();
  };
  readonly requireRating = (productId: string | null | Promise<string | null>, version: number): void => {
    this.ratings.require(productId, version);
  };

  constructor(
    shared: ProcessContext,
    readonly viewer: Viewer | null,
    /** What a caller quotes, and the log finds. */
    readonly requestId: string,
    readonly lifetime: RequestLifetime,
    /** Whether the caller asked what the operation costs. */
    private readonly reportsCost: boolean,
    /** What the caller may ask for; null for all that the service can do. */
    readonly limits: CallerLimits | null,
  ) {
    this.parts = new RequestParts(shared, new RequestDatabase(shared.database, lifetime), viewer);
  }

  /** To be called once the operation is known, before anything is read for it. */
  setRequestedFields(fields: RequestedFields): void {
    this.parts.fields = fields;
  }

  /** To be called once the operation is known. */
  setCost(cost: OperationCost): void {
    this.parts.cost = cost;
  }

  /** What the operation costs, for callers who have asked to be told. */
  get reportedCost(): OperationCost | undefined {
    return this.reportsCost ? this.parts.cost : undefined;
  }

  get products(): ProductLoaders {
    return this.parts.products;
  }

  get ratings(): RatingLoader {
    return this.parts.ratings;
  }

  get ratingHistory(): RatingHistoryLoader {
    return this.parts.ratingHistory;
  }

  get ratingPrior(): RatingPrior {
    return this.parts.shared.ratingPrior;
  }

  get reviews(): ReviewLoaders {
    return this.parts.reviews;
  }

  get productCommands(): ProductCommands {
    return this.parts.shared.productCommands;
  }

  get reviewCommands(): ReviewCommands {
    return this.parts.shared.reviewCommands;
  }

  get reviewAnnotations(): ReviewAnnotations {
    return this.parts.shared.reviewAnnotations;
  }

  get authorErasure(): AuthorErasure {
    return this.parts.shared.authorErasure;
  }
}
