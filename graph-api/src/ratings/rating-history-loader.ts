import { starCounts } from '@exact-ratings/shared/rating/rating-state.js';
import DataLoader from 'dataloader';
import type { Database } from '../database/database.js';
import { oncePerOperation, type RequestedFields } from '../graphql/requested-fields.js';
import { keysetPages, keysetSelection, type ChildKeysetRow } from '../pagination/keyset.js';
import { readList } from '../pagination/list-request.js';
import { OrderDirection } from '../pagination/order.js';
import type { Page } from '../pagination/page.js';
import { pageKey, type PageRequest } from '../pagination/page-arguments.js';
import { RatingOnDay } from './rating-on-day.js';

/** The list of a product's days, newest first; what its cursors are good for. */
export const RATING_HISTORY = {
  kind: 'rating-history',
  order: { name: 'DAY', column: 'day', type: 'date', beside: { join: '', id: 'product_id' } },
  direction: OrderDirection.DESC,
  filter: '',
} as const;

const DAYS_OF_PRODUCTS = {
  ...RATING_HISTORY,
  table: 'product_rating_days',
  condition: { text: 'true', values: [], isIndexed: true },
};

const COLUMNS = ['product_id AS id', `to_char(day, 'YYYY-MM-DD') AS day_text`];
const STARS = ['stars_1', 'stars_2', 'stars_3', 'stars_4', 'stars_5'] as const;
const SELECTION = oncePerOperation((fields) => keysetSelection(fields, 'RatingHistory', [...COLUMNS, ...STARS]));

type DayRow = ChildKeysetRow & Readonly<Record<(typeof STARS)[number], number>> & { readonly day_text: string };

/** Pages of products' days: one statement for all products that ask for the same page in one tick. */
export class RatingHistoryLoader {
  private readonly pages = new Map<string, DataLoader<string, Page<RatingOnDay>>>();

  constructor(
    private readonly database: Database,
    private readonly fields: RequestedFields,
  ) {}

  load(productId: string, page: PageRequest): Promise<Page<RatingOnDay>> {
    const key = pageKey(page);
    const loader = this.pages.get(key) ?? new DataLoader((productIds) => this.read(productIds, page));
    this.pages.set(key, loader);
    return loader.load(productId);
  }

  private async read(productIds: readonly string[], page: PageRequest): Promise<Array<Page<RatingOnDay>>> {
    const parents = { column: 'product_id', ids: productIds };
    const rows = await readList<DayRow>(this.database, DAYS_OF_PRODUCTS, SELECTION(this.fields), page, parents);
    const pages = keysetPages(rows, page, RATING_HISTORY, toDay);
    return productIds.map((productId) => pages.get(productId)!);
  }
}

function toDay(row: DayRow): RatingOnDay {
  return RatingOnDay.of(row.day_text, starCounts(STARS.map((column) => row[column])));
}
