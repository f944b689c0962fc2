-- The capture: every change of a review takes its product's next sequence number and writes its event into the outbox, in
-- the same transaction, whoever makes the change. docs/rating-protocol.md is the contract, docs/adr/0002 the reason.
--
-- Statement triggers with transition tables: row triggers deadlock two imports in opposite order 6 of 6 times, these 0 of
-- 6, since they lock the streams in the order of the product id; and they take 0.6 of the time for 20,000 rows. Their names
-- sort after RI_ConstraintTrigger…, so a review of an unknown product fails at its foreign key (23503).
--
-- Not captured is what triggers do not see: rows loaded with triggers off or in a session of the role `replica`, as logical
-- replication and some loaders do (docs/rating-protocol.md, C10).
--
-- Every function takes the search path that it was created with: the schema of the migrations. Whoever fires a trigger may
-- have another one, or none, as pg_restore.

-- The stream of a product's events: the sequence number and the id of its last event (the nil UUID before the first one), and
-- whether that was product-deleted. fillfactor 50 and no index on what every change writes keep the updates HOT, so a hot product
-- does not bloat its row's page: only the first change after its rating was persisted touches an index (0007).
CREATE TABLE review_streams (
  product_id    uuid    NOT NULL,
  last_seq      integer NOT NULL DEFAULT 0,
  last_event_id uuid    NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  closed        boolean NOT NULL DEFAULT false,
  -- Whether it has gone on since the rating was persisted.
  dirty         boolean NOT NULL DEFAULT false,
  -- When the rating moved last, which an edited text does not do.
  moved_at      timestamptz,
  CONSTRAINT review_streams_pkey PRIMARY KEY (product_id),
  CONSTRAINT review_streams_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
) WITH (fillfactor = 50);

-- Column names as Debezium's outbox event router expects them. For one product the order of position is the order of seq,
-- since both are taken while the stream's row is locked.
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
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- Nobody may see a change that a crash still takes back: its event would be published, and its sequence number used again.
-- Whatever the role or a loader has set, the transaction waits for the disk.
CREATE FUNCTION commit_durably() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END $$;

CREATE FUNCTION create_review_stream() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM commit_durably();
  INSERT INTO review_streams (product_id) SELECT id FROM new_rows;
  RETURN NULL;
END $$;

CREATE TRIGGER products_create_review_stream AFTER INSERT ON products
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION create_review_stream();

-- The event's payload, as docs/rating-protocol.md has it.
CREATE FUNCTION review_event_payload(
  event_id uuid, type text, product_id uuid, review_id uuid, seq integer, previous_rating smallint, rating smallint
) RETURNS json LANGUAGE sql AS $$
  SELECT json_build_object(
    'eventId', event_id, 'type', type, 'schemaVersion', 1, 'productId', product_id, 'reviewId', review_id,
    'seq', seq, 'previousRating', previous_rating, 'rating', rating,
    'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
$$;

-- The one place that takes sequence numbers; the arrays hold one change at each index. A product that was loaded with
-- triggers off gets its stream now. Where a stream is closed the product is deleted: the deletions of its reviews are part of
-- product-deleted and write nothing, anything else is refused as if the product were gone.
--
-- Changes are joined to their streams by hash, also where the caller has turned hash joins off (create_reviews): compared
-- each with each, 200 reviews took 233 µs each instead of 86.
CREATE FUNCTION capture_review_changes(
  event_type text, product_ids uuid[], review_ids uuid[], previous_ratings smallint[], ratings smallint[]
) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_hashjoin = on AS $$
DECLARE
  known integer;
  deleted uuid;
BEGIN
  PERFORM commit_durably();
  PERFORM FROM review_streams WHERE product_id = ANY (product_ids) ORDER BY product_id FOR UPDATE;
  GET DIAGNOSTICS known = ROW_COUNT;
  IF known < (SELECT count(DISTINCT id) FROM unnest(product_ids) AS p (id)) THEN
    INSERT INTO review_streams (product_id)
    SELECT DISTINCT id FROM unnest(product_ids) AS p (id) ORDER BY id
    ON CONFLICT DO NOTHING;
  END IF;

  IF event_type <> 'review-deleted' THEN
    SELECT product_id INTO deleted FROM review_streams WHERE product_id = ANY (product_ids) AND closed LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'product % is deleted', deleted
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'reviews_product_id_fkey', TABLE = 'reviews';
    END IF;
  END IF;

  WITH change AS MATERIALIZED (
    SELECT c.*, gen_random_uuid() AS event_id,
           row_number() OVER (PARTITION BY c.product_id ORDER BY c.ordinality)::integer AS nth,
           bool_or(c.previous_rating IS DISTINCT FROM c.rating) OVER (PARTITION BY c.product_id) AS moves
      FROM unnest(product_ids, review_ids, previous_ratings, ratings)
        WITH ORDINALITY AS c (product_id, review_id, previous_rating, rating, ordinality)
  ), taken AS (
    UPDATE review_streams s
       SET last_seq = s.last_seq + l.nth, last_event_id = l.event_id, dirty = true,
           moved_at = CASE WHEN l.moves THEN greatest(s.moved_at, clock_timestamp()) ELSE s.moved_at END
      FROM (SELECT DISTINCT ON (product_id) product_id, nth, event_id, moves FROM change ORDER BY product_id, nth DESC) l
     WHERE s.product_id = l.product_id AND NOT s.closed
    RETURNING s.product_id, s.last_seq - l.nth AS seq_before
  )
  INSERT INTO outbox (id, aggregateid, type, payload, seq)
  SELECT c.event_id, c.product_id, event_type,
         review_event_payload(c.event_id, event_type, c.product_id, c.review_id, t.seq_before + c.nth,
                              c.previous_rating, c.rating),
         t.seq_before + c.nth
    FROM change c JOIN taken t USING (product_id)
   ORDER BY c.product_id, c.nth;
END $$;

-- The rating that counts: null while the review is not published.
CREATE FUNCTION counted_rating(rating smallint, status text) RETURNS smallint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN status = 'PUBLISHED' THEN rating END $$;

CREATE FUNCTION capture_review_insert() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM capture_review_changes(
            'review-created',
            array_agg(n.product_id ORDER BY n.created_at, n.id),
            array_agg(n.id ORDER BY n.created_at, n.id),
            array_agg(NULL::smallint),
            array_agg(counted_rating(n.rating, n.status) ORDER BY n.created_at, n.id))
     FROM new_rows n
   HAVING count(*) > 0;
  RETURN NULL;
END $$;

CREATE TRIGGER reviews_capture_insert AFTER INSERT ON reviews
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION capture_review_insert();

-- Captured is what an author writes and a moderator decides. An update that changes none of that takes no number and locks no
-- stream: a reply, a verified purchase, an author who is taken away.
CREATE FUNCTION capture_review_update() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM capture_review_changes(
            'review-updated',
            array_agg(n.product_id ORDER BY n.created_at, n.id),
            array_agg(n.id ORDER BY n.created_at, n.id),
            array_agg(counted_rating(o.rating, o.status) ORDER BY n.created_at, n.id),
            array_agg(counted_rating(n.rating, n.status) ORDER BY n.created_at, n.id))
     FROM old_rows o JOIN new_rows n USING (id)
    WHERE (o.rating, o.status, o.title, o.body, o.version) IS DISTINCT FROM (n.rating, n.status, n.title, n.body, n.version)
   HAVING count(*) > 0;
  RETURN NULL;
END $$;

CREATE TRIGGER reviews_capture_update AFTER UPDATE ON reviews
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION capture_review_update();

CREATE FUNCTION capture_review_delete() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM capture_review_changes(
            'review-deleted',
            array_agg(o.product_id ORDER BY o.created_at, o.id),
            array_agg(o.id ORDER BY o.created_at, o.id),
            array_agg(counted_rating(o.rating, o.status) ORDER BY o.created_at, o.id),
            array_agg(NULL::smallint))
     FROM old_rows o
   HAVING count(*) > 0;
  RETURN NULL;
END $$;

CREATE TRIGGER reviews_capture_delete AFTER DELETE ON reviews
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION capture_review_delete();

CREATE FUNCTION refuse_review_identity_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION 'the id and product_id of a review are immutable: delete it and create another'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER reviews_identity_immutable BEFORE UPDATE OF id, product_id ON reviews
  FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.product_id IS DISTINCT FROM NEW.product_id)
  EXECUTE FUNCTION refuse_review_identity_change();

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE of % is refused: it would change ratings without an event; use DELETE', TG_TABLE_NAME
    USING ERRCODE = 'feature_not_supported';
END $$;

CREATE TRIGGER reviews_refuse_truncate BEFORE TRUNCATE ON reviews
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

-- One event for a product, not one a review: the last one of its stream.
CREATE FUNCTION close_review_stream(deleted_product_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  event_id uuid := gen_random_uuid();
  final_seq integer;
BEGIN
  PERFORM commit_durably();
  INSERT INTO review_streams AS s (product_id, last_seq, last_event_id, closed) VALUES (deleted_product_id, 1, event_id, true)
  ON CONFLICT (product_id) DO UPDATE SET last_seq = s.last_seq + 1, last_event_id = event_id, closed = true, dirty = false
  RETURNING last_seq INTO final_seq;
  INSERT INTO outbox (id, aggregateid, type, payload, seq)
  VALUES (event_id, deleted_product_id, 'product-deleted',
          review_event_payload(event_id, 'product-deleted', deleted_product_id, NULL, final_seq, NULL, NULL), final_seq);
END $$;

-- A product is deleted at once (DELETE), or its reviews are removed later (deleted_at, see delete_product): either way its
-- stream is closed in the transaction that deletes it. The row of OLD is locked already when a BEFORE trigger runs, and
-- reviews are locked before the stream, as everywhere.
CREATE FUNCTION capture_product_delete() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.deleted_at IS NULL THEN
    PERFORM FROM reviews WHERE product_id = OLD.id ORDER BY id FOR UPDATE;
    PERFORM close_review_stream(OLD.id);
  END IF;
  DELETE FROM reviews WHERE product_id = OLD.id;
  DELETE FROM review_streams WHERE product_id = OLD.id;
  RETURN OLD;
END $$;

CREATE TRIGGER products_capture_delete BEFORE DELETE ON products
  FOR EACH ROW EXECUTE FUNCTION capture_product_delete();

CREATE FUNCTION capture_product_deletion_mark() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.deleted_at IS NOT NULL THEN
    RAISE EXCEPTION 'product % is deleted, which cannot be undone', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM close_review_stream(OLD.id);
  -- Another product may have it from now on.
  NEW.external_id := NULL;
  RETURN NEW;
END $$;

CREATE TRIGGER products_capture_deletion_mark BEFORE UPDATE OF deleted_at ON products
  FOR EACH ROW WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
  EXECUTE FUNCTION capture_product_deletion_mark();
