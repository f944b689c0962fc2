import type pg from 'pg';

/** Lets a test say of which products PostgreSQL cannot count the reviews. */
export interface UncountableProducts {
  /** From now on counting these takes a minute: longer than any statement's time limit in a test. */
  setSlow(productIds: readonly string[]): Promise<void>;
  /** From now on counting these is an error of their own. */
  setUnreadable(productIds: readonly string[]): Promise<void>;
  /** Makes all of them countable again. */
  clear(): Promise<void>;
}

/** Replaces the view of the test's database by one that obeys; reading sequence numbers alone stays as fast as it is. */
export async function createUncountableProducts(pool: pg.Pool): Promise<UncountableProducts> {
  // Called stable, so that the planner leaves the function out where no counts are selected.
  await pool.query(`
    CREATE TABLE uncountable_products (product_id uuid PRIMARY KEY, how text);
    CREATE FUNCTION hinder(id uuid) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
    DECLARE what text := (SELECT how FROM uncountable_products WHERE product_id = id);
    BEGIN
      IF what = 'slow' THEN PERFORM pg_sleep(60); END IF;
      IF what = 'unreadable' THEN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001'; END IF;
      RETURN 0;
    END $$;
    ALTER VIEW rating_aggregates RENAME TO plain_aggregates;
    CREATE VIEW rating_aggregates AS
    SELECT product_id, last_seq, last_event_id, stars_1 + hinder(product_id) AS stars_1, stars_2, stars_3, stars_4, stars_5,
           has_stream
      FROM plain_aggregates;`);
  const set = async (how: string, productIds: readonly string[]): Promise<void> => {
    await pool.query('INSERT INTO uncountable_products SELECT unnest($1::uuid[]), $2', [productIds, how]);
  };
  return {
    setSlow: (productIds) => set('slow', productIds),
    setUnreadable: (productIds) => set('unreadable', productIds),
    clear: async () => {
      await pool.query('DELETE FROM uncountable_products');
    },
  };
}
