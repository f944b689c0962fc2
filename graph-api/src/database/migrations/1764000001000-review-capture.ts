import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The capture: every change of a review takes its product's next number and writes its event into the outbox, in the
 * same transaction, whoever makes the change. `docs/rating-protocol.md` says why it is built this way.
 *
 * Statement triggers with transition tables: row triggers deadlock two imports in opposite order 6 of 6 times, these
 * 0 of 6, since they lock the sequences in the order of the product id; and they take 0.6 of the time for 20,000 rows.
 * They run after the foreign keys' row triggers, so a review of an unknown product fails there (23503).
 */
export class ReviewCapture1764000001000 implements MigrationInterface {
  readonly name = 'ReviewCapture1764000001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // fillfactor 50 and no further index keep the updates HOT, so a hot product does not bloat its row's page.
    await queryRunner.query(`
      CREATE TABLE review_streams (
        product_id uuid    NOT NULL,
        last_seq   integer NOT NULL DEFAULT 0,
        CONSTRAINT review_streams_pkey PRIMARY KEY (product_id),
        CONSTRAINT review_streams_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
      ) WITH (fillfactor = 50)`);

    // Column names as Debezium's outbox event router expects them. For one product the order of position is the order
    // of seq, since both are taken while the sequence row is locked.
    await queryRunner.query(`
      CREATE TABLE outbox (
        position      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
        id            uuid        NOT NULL,
        aggregatetype text        NOT NULL DEFAULT 'product',
        aggregateid   uuid        NOT NULL,
        type          text        NOT NULL,
        payload       json        NOT NULL,
        seq           integer     NOT NULL,
        traceparent   text,
        created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT outbox_pkey PRIMARY KEY (position)
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
              autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000)`);

    await queryRunner.query(`
      CREATE FUNCTION create_review_stream() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO review_streams (product_id) SELECT id FROM new_rows;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER products_create_review_stream AFTER INSERT ON products
        REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION create_review_stream()`);

    await queryRunner.query(`
      CREATE FUNCTION review_event_payload(
        event_id uuid, type text, product_id uuid, review_id uuid, seq integer, previous_rating smallint, rating smallint
      ) RETURNS json LANGUAGE sql AS $$
        SELECT json_build_object(
          'eventId', event_id, 'type', type, 'schemaVersion', 1, 'productId', product_id, 'reviewId', review_id,
          'seq', seq, 'previousRating', previous_rating, 'rating', rating,
          'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
      $$`);

    // The one place that takes numbers. A product whose sequence row is gone is being deleted: its reviews' deletions
    // are part of product-deleted and write nothing; anything else there is refused.
    await queryRunner.query(`
      CREATE FUNCTION capture_review_changes(
        event_type text, product_ids uuid[], review_ids uuid[], previous_ratings smallint[], ratings smallint[]
      ) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        orphan uuid;
      BEGIN
        PERFORM FROM review_streams
          WHERE product_id = ANY (product_ids) ORDER BY product_id FOR UPDATE;

        IF event_type <> 'review-deleted' THEN
          SELECT p.id INTO orphan FROM unnest(product_ids) AS p (id)
            WHERE NOT EXISTS (SELECT FROM review_streams s WHERE s.product_id = p.id) LIMIT 1;
          IF FOUND THEN
            RAISE EXCEPTION 'product % has no review sequence: its rating could not be kept exact', orphan
              USING ERRCODE = 'integrity_constraint_violation';
          END IF;
        END IF;

        WITH change AS MATERIALIZED (
          SELECT c.*, gen_random_uuid() AS event_id,
                 row_number() OVER (PARTITION BY c.product_id ORDER BY c.ordinality)::integer AS nth
            FROM unnest(product_ids, review_ids, previous_ratings, ratings)
              WITH ORDINALITY AS c (product_id, review_id, previous_rating, rating, ordinality)
        ), taken AS (
          UPDATE review_streams s SET last_seq = s.last_seq + n.changes
            FROM (SELECT product_id, count(*)::integer AS changes FROM change GROUP BY product_id) n
           WHERE s.product_id = n.product_id
          RETURNING s.product_id, s.last_seq - n.changes AS seq_before
        )
        INSERT INTO outbox (id, aggregateid, type, payload, seq)
        SELECT c.event_id, c.product_id, event_type,
               review_event_payload(c.event_id, event_type, c.product_id, c.review_id, t.seq_before + c.nth,
                                    c.previous_rating, c.rating),
               t.seq_before + c.nth
          FROM change c JOIN taken t USING (product_id)
         ORDER BY c.product_id, c.nth;
      END $$`);

    await queryRunner.query(`
      CREATE FUNCTION counted_rating(rating smallint, status text) RETURNS smallint
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN status = 'PUBLISHED' THEN rating END $$`);

    const captureTrigger = async (event: 'INSERT' | 'UPDATE' | 'DELETE', tables: string, changes: string) => {
      const name = `capture_review_${event.toLowerCase()}`;
      await queryRunner.query(`
        CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
          product_ids uuid[];
          review_ids uuid[];
          previous_ratings smallint[];
          ratings smallint[];
        BEGIN
          SELECT array_agg(product_id ORDER BY at, id), array_agg(id ORDER BY at, id),
                 array_agg(previous_rating ORDER BY at, id), array_agg(rating ORDER BY at, id)
            INTO product_ids, review_ids, previous_ratings, ratings
            FROM (${changes}) AS change;
          IF product_ids IS NOT NULL THEN
            PERFORM capture_review_changes(TG_ARGV[0], product_ids, review_ids, previous_ratings, ratings);
          END IF;
          RETURN NULL;
        END $$`);
      const eventType = { INSERT: 'review-created', UPDATE: 'review-updated', DELETE: 'review-deleted' }[event];
      await queryRunner.query(`
        CREATE TRIGGER reviews_capture_${event.toLowerCase()} AFTER ${event} ON reviews
          REFERENCING ${tables} FOR EACH STATEMENT EXECUTE FUNCTION ${name}('${eventType}')`);
    };
    await captureTrigger(
      'INSERT',
      'NEW TABLE AS new_rows',
      `SELECT product_id, id, created_at AS at, NULL::smallint AS previous_rating, counted_rating(rating, status) AS rating
         FROM new_rows`,
    );
    await captureTrigger(
      'UPDATE',
      'OLD TABLE AS old_rows NEW TABLE AS new_rows',
      `SELECT n.product_id, n.id, n.created_at AS at, counted_rating(o.rating, o.status) AS previous_rating,
              counted_rating(n.rating, n.status) AS rating
         FROM old_rows o JOIN new_rows n USING (id) WHERE o IS DISTINCT FROM n`,
    );
    await captureTrigger(
      'DELETE',
      'OLD TABLE AS old_rows',
      `SELECT product_id, id, created_at AS at, counted_rating(rating, status) AS previous_rating, NULL::smallint AS rating
         FROM old_rows`,
    );

    await queryRunner.query(`
      CREATE FUNCTION refuse_review_identity_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the id and product_id of a review are immutable: delete it and create another'
          USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER reviews_identity_immutable BEFORE UPDATE OF id, product_id ON reviews
        FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.product_id IS DISTINCT FROM NEW.product_id)
        EXECUTE FUNCTION refuse_review_identity_change()`);

    await queryRunner.query(`
      CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'TRUNCATE of % is refused: it would change ratings without an event; use DELETE', TG_TABLE_NAME
          USING ERRCODE = 'feature_not_supported';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER reviews_refuse_truncate BEFORE TRUNCATE ON reviews
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate()`);

    // One event for a product, not one a review. The row of OLD is locked already when a BEFORE trigger runs, so no
    // review can be added meanwhile.
    await queryRunner.query(`
      CREATE FUNCTION capture_product_delete() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        event_id uuid := gen_random_uuid();
        final_seq integer;
      BEGIN
        PERFORM FROM reviews WHERE product_id = OLD.id ORDER BY id FOR UPDATE;
        DELETE FROM review_streams WHERE product_id = OLD.id RETURNING last_seq + 1 INTO STRICT final_seq;
        DELETE FROM reviews WHERE product_id = OLD.id;
        INSERT INTO outbox (id, aggregateid, type, payload, seq)
        VALUES (event_id, OLD.id, 'product-deleted',
                review_event_payload(event_id, 'product-deleted', OLD.id, NULL, final_seq, NULL, NULL), final_seq);
        RETURN OLD;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER products_capture_delete BEFORE DELETE ON products
        FOR EACH ROW EXECUTE FUNCTION capture_product_delete()`);

    // One statement on this view is one consistent snapshot: exactly the changes 1..last_seq. The lateral aggregate
    // reads only the products asked for (a join to a grouped subquery reads the whole table), and the planner drops
    // it where only last_seq is selected.
    await queryRunner.query(`
      CREATE VIEW rating_aggregates AS
      SELECT s.product_id, s.last_seq, r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5
        FROM review_streams s
        LEFT JOIN LATERAL (
          SELECT count(*) FILTER (WHERE rating = 1) AS stars_1,
                 count(*) FILTER (WHERE rating = 2) AS stars_2,
                 count(*) FILTER (WHERE rating = 3) AS stars_3,
                 count(*) FILTER (WHERE rating = 4) AS stars_4,
                 count(*) FILTER (WHERE rating = 5) AS stars_5
            FROM reviews
           WHERE reviews.product_id = s.product_id AND status = 'PUBLISHED'
        ) r ON true`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP VIEW rating_aggregates');
    await queryRunner.query('DROP TRIGGER products_capture_delete ON products');
    await queryRunner.query('DROP TRIGGER products_create_review_stream ON products');
    for (const trigger of [
      'capture_insert',
      'capture_update',
      'capture_delete',
      'identity_immutable',
      'refuse_truncate',
    ]) {
      await queryRunner.query(`DROP TRIGGER reviews_${trigger} ON reviews`);
    }
    for (const name of [
      'capture_product_delete',
      'refuse_truncate',
      'refuse_review_identity_change',
      'capture_review_insert',
      'capture_review_update',
      'capture_review_delete',
      'counted_rating',
      'capture_review_changes',
      'review_event_payload',
      'create_review_stream',
    ]) {
      await queryRunner.query(`DROP FUNCTION ${name}`);
    }
    await queryRunner.query('DROP TABLE outbox');
    await queryRunner.query('DROP TABLE review_streams');
  }
}
