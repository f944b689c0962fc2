import type { DataSource } from 'typeorm';
import { violatedConstraint, retryOnDeadlock } from '../database/postgres-errors.js';
import type { Database, PgQuery } from '../database/database.js';
import type { Lifetime } from '../database/lifetime.js';
import type { Viewer } from '../auth/viewer.js';
import { hashInput } from '../graphql/idempotency-key.js';
import { newId } from '../graphql/ids.js';
import type { ListCounts } from '../pagination/list-counts.js';
import { moneyOf, type Money } from './money.js';
import type { Product } from './product.js';
import { ProductEntity } from './product.entity.js';
import { productOfRecord, productRecordColumns } from './product-record.js';
import type { ProductRefusal } from './product-refusal.js';
import { EXISTING_PRODUCT, PRODUCT_COLUMNS, productOf, type ProductRow } from './product-row.js';

const CREATE_PRODUCT = {
  name: 'create_product',
  text: `SELECT outcome, ${productRecordColumns('product')} FROM create_product($1, $2, $3, $4, $5, $6, $7)`,
};

/** The same under a key. */
const CREATE_PRODUCT_ONCE = {
  name: 'create_product_once',
  text: `SELECT outcome, ${productRecordColumns('product')}
           FROM create_product_once($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
};

/** A valid new product. */
export interface NewProduct {
  readonly externalId?: string | null;
  readonly name: string;
  readonly description?: string | null;
  readonly price: Money;
}

/** Valid changes of a product: an absent field stays as it is, null clears what may be null. */
export interface ProductChanges {
  readonly expectedVersion?: number | null;
  readonly externalId?: string | null;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly price?: Money | null;
}

export type ProductResult =
  /** The product as it is now. */
  | { readonly status: 'DONE' | 'VERSION_CONFLICT'; readonly product: Product }
  /** The repetition of a creation, whose product was deleted since. */
  | { readonly status: 'GONE' }
  | { readonly status: Exclude<ProductRefusal, 'VERSION_CONFLICT'> };

/** What `delete_product` answers. */
type DeletionOutcome = 'DELETED' | Extract<ProductRefusal, 'NOT_FOUND' | 'VERSION_CONFLICT'>;

/** What changes products; each method is one transaction. Inputs are validated by the caller. */
export class ProductCommands {
  private readonly dataSource: DataSource;

  constructor(
    private readonly database: Database,
    /** The lengths of lists of products, which must show what was changed here. */
    private readonly productCounts: ListCounts,
    /** Called after a commit that wrote an event. */
    private readonly eventsCommitted: () => void,
    /** Called after a product was deleted, whose reviews may still have to be removed. */
    private readonly productDeleted: () => void,
  ) {
    this.dataSource = database.dataSource;
  }

  /** Sent again under the same key, it is answered what was decided. */
  async create(
    { issuer, subject }: Viewer,
    input: NewProduct,
    idempotencyKey: string | null,
    lifetime: Lifetime,
  ): Promise<ProductResult> {
    const { externalId = null, name, description = null, price } = input;
    const { amount, currencyCode } = moneyOf(price.amount, price.currencyCode);
    const stored = [externalId, name, description, amount, currencyCode];
    const [row] = await this.change((validUntilMs) => {
      const values = [newId(), ...stored, validUntilMs];
      if (idempotencyKey === null) return { ...CREATE_PRODUCT, values };
      const keyValues = [issuer, subject, idempotencyKey, hashInput('createProduct', stored)];
      return { ...CREATE_PRODUCT_ONCE, values: [...values, ...keyValues] };
    }, lifetime);
    const outcome = row!['outcome'] as 'CREATED' | 'EXTERNAL_ID_TAKEN' | 'KEY_REUSED';
    if (outcome !== 'CREATED') return { status: outcome };
    this.productCounts.invalidate();
    const product = productOfRecord('product', row!);
    return product === null ? { status: 'GONE' } : { status: 'DONE', product };
  }

  /** Only the fields that the input has; nothing is written where they all have these values already. */
  async update(id: string, input: ProductChanges, lifetime: Lifetime): Promise<ProductResult> {
    const changes = {
      ...(input.externalId === undefined ? {} : { externalId: input.externalId }),
      ...(input.name == null ? {} : { name: input.name }),
      ...(input.description === undefined ? {} : { description: input.description }),
      ...(input.price == null ? {} : { priceAmount: input.price.amount, priceCurrency: input.price.currencyCode }),
    };
    const parameters = { id, expectedVersion: input.expectedVersion ?? null, ...changes };
    const fields = Object.keys(changes);
    if (fields.length === 0) return this.unchanged(id, input.expectedVersion ?? null);
    const metadata = this.dataSource.getMetadata(ProductEntity);
    const columns = fields.map((field) => metadata.findColumnWithPropertyName(field)!.databaseName);
    const isDifferent = `(${columns.join(', ')}) IS DISTINCT FROM (:${fields.join(', :')})`;

    return refuseTakenExternalId(async () => {
      const [row] = (await retryOnDeadlock(() =>
        this.change((validUntilMs) => {
          const [text, values] = this.dataSource
            .createQueryBuilder()
            .update(ProductEntity)
            .set({ ...changes, version: () => 'version + 1', updatedAt: () => 'now()' })
            .where(
              `id = :id AND ${EXISTING_PRODUCT} AND (:expectedVersion::integer IS NULL OR version = :expectedVersion) AND ${isDifferent} AND require_in_time(:validUntilMs)`,
              { ...parameters, validUntilMs },
            )
            .returning(PRODUCT_COLUMNS)
            .getQueryAndParameters();
          return { text, values };
        }, lifetime),
      )) as unknown as ProductRow[];
      if (row === undefined) return this.unchanged(id, input.expectedVersion ?? null);
      this.productCounts.invalidate();
      return { status: 'DONE', product: productOf(row) };
    });
  }

  /** The product goes with its reviews, however many (delete_product); the triggers write one event. */
  async delete(id: string, expectedVersion: number | null, lifetime: Lifetime): Promise<DeletionOutcome> {
    const statement = { name: 'delete_product', text: 'SELECT delete_product($1, $2, $3) AS outcome' };
    const [row] = await retryOnDeadlock(() =>
      this.change((validUntilMs) => ({ ...statement, values: [id, expectedVersion, validUntilMs] }), lifetime),
    );
    const outcome = row!['outcome'] as DeletionOutcome;
    if (outcome !== 'DELETED') return outcome;
    this.productCounts.invalidate();
    this.eventsCommitted();
    this.productDeleted();
    return outcome;
  }

  /**
   * TypeORM makes statements and does not run them: its own `execute` gives a connection whose statement timed out back to its
   * pool, where it makes the next callers time out as well.
   */
  private async change(
    statementUntil: (validUntilMs: number) => PgQuery,
    lifetime: Lifetime,
  ): Promise<Array<Record<string, unknown>>> {
    const { rows } = await this.database.change(lifetime, statementUntil);
    return rows as Array<Record<string, unknown>>;
  }

  private async unchanged(id: string, expectedVersion: number | null): Promise<ProductResult> {
    const [row] = await this.database.rows<ProductRow>(
      { name: 'product_by_id', text: `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = $1 AND ${EXISTING_PRODUCT}` },
      [id],
    );
    if (row === undefined) return { status: 'NOT_FOUND' };
    if (expectedVersion !== null && row.version !== expectedVersion)
      return { status: 'VERSION_CONFLICT', product: productOf(row) };
    return { status: 'DONE', product: productOf(row) };
  }
}

async function refuseTakenExternalId(command: () => Promise<ProductResult>): Promise<ProductResult> {
  try {
    return await command();
  } catch (error) {
    if (violatedConstraint(error) === 'products_external_id_key') return { status: 'EXTERNAL_ID_TAKEN' };
    throw error;
  }
}
