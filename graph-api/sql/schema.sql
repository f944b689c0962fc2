-- Generated from graph-api/sql/migrations by `npm run codegen`; do not edit.
-- The schema that all migrations make together: to be read here, and changed by a new migration.

CREATE TABLE authors (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  issuer text COLLATE "C",
  subject text COLLATE "C",
  display_name text,
  erasure text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT authors_pkey PRIMARY KEY (id),
  CONSTRAINT authors_issuer_subject_key UNIQUE (issuer, subject),
  CONSTRAINT authors_display_name_length CHECK (char_length(display_name) >= 1 AND char_length(display_name) <= 200),
  CONSTRAINT authors_erasure_known CHECK (erasure = ANY (ARRAY['ANONYMIZE'::text, 'DELETE'::text])),
  CONSTRAINT authors_identity CHECK (num_nulls(issuer, subject) =
CASE
    WHEN erasure IS NULL THEN 0
    ELSE 2
END),
  CONSTRAINT authors_subject_length CHECK (char_length(subject) >= 1 AND char_length(subject) <= 255)
);

CREATE INDEX authors_erasure_idx ON authors USING btree (id) WHERE erasure IS NOT NULL;

CREATE TABLE idempotency_keys (
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  input_hash bytea NOT NULL,
  outcome text NOT NULL,
  result_id uuid,
  rating_version integer,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (issuer, subject, key),
  CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) >= 1 AND char_length(key) <= 255)
);

CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys USING btree (created_at);

CREATE TABLE outbox (
  "position" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  id uuid NOT NULL,
  aggregatetype text DEFAULT 'product'::text NOT NULL,
  aggregateid uuid NOT NULL,
  type text NOT NULL,
  payload json NOT NULL,
  seq integer NOT NULL,
  traceparent text,
  created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY ("position")
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_analyze_scale_factor=0, autovacuum_analyze_threshold=50000);

CREATE TABLE product_rating_days (
  product_id uuid NOT NULL,
  day date NOT NULL,
  stars_1 integer NOT NULL,
  stars_2 integer NOT NULL,
  stars_3 integer NOT NULL,
  stars_4 integer NOT NULL,
  stars_5 integer NOT NULL,
  CONSTRAINT product_rating_days_pkey PRIMARY KEY (product_id, day),
  CONSTRAINT product_rating_days_product_id_fkey FOREIGN KEY (product_id) REFERENCES product_ratings(product_id) ON DELETE CASCADE
);

CREATE TABLE product_ratings (
  product_id uuid NOT NULL,
  seq integer DEFAULT 0 NOT NULL,
  last_event_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
  moved_at timestamp with time zone,
  stars_1 integer DEFAULT 0 NOT NULL,
  stars_2 integer DEFAULT 0 NOT NULL,
  stars_3 integer DEFAULT 0 NOT NULL,
  stars_4 integer DEFAULT 0 NOT NULL,
  stars_5 integer DEFAULT 0 NOT NULL,
  review_count integer GENERATED ALWAYS AS (((((stars_1 + stars_2) + stars_3) + stars_4) + stars_5)) STORED NOT NULL,
  average double precision GENERATED ALWAYS AS (weighted_rating((((((stars_1 + stars_2) + stars_3) + stars_4) + stars_5))::bigint, (((((stars_1 + (2 * stars_2)) + (3 * stars_3)) + (4 * stars_4)) + (5 * stars_5)))::bigint, (0)::double precision, (0)::double precision)) STORED NOT NULL,
  weighted double precision DEFAULT 0 NOT NULL,
  CONSTRAINT product_ratings_pkey PRIMARY KEY (product_id),
  CONSTRAINT product_ratings_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id) ON DELETE CASCADE
);

CREATE INDEX product_ratings_average_idx ON product_ratings USING btree (average, product_id);

CREATE INDEX product_ratings_review_count_idx ON product_ratings USING btree (review_count, product_id);

CREATE INDEX product_ratings_weighted_idx ON product_ratings USING btree (weighted, product_id);

CREATE TABLE products (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  external_id text COLLATE "C",
  name text NOT NULL,
  name_key text COLLATE "C" GENERATED ALWAYS AS ("left"(fold_text(name), 200)) STORED NOT NULL,
  description text,
  price_amount numeric(14,4) NOT NULL,
  price_currency text NOT NULL,
  version integer DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  search tsvector GENERATED ALWAYS AS (strip(to_tsvector('simple'::regconfig, "left"(fold_text(((name || ' '::text) || COALESCE(description, ''::text))), 20000)))) STORED NOT NULL,
  deleted_at timestamp with time zone,
  CONSTRAINT products_pkey PRIMARY KEY (id),
  CONSTRAINT products_external_id_key UNIQUE (external_id),
  CONSTRAINT products_description_length CHECK (char_length(description) <= 10000),
  CONSTRAINT products_external_id_length CHECK (char_length(external_id) >= 1 AND char_length(external_id) <= 200),
  CONSTRAINT products_name_length CHECK (char_length(name) >= 1 AND char_length(name) <= 200),
  CONSTRAINT products_price_amount_range CHECK (price_amount >= 0::numeric),
  CONSTRAINT products_price_currency_code CHECK (price_currency ~ '^[A-Z]{3}$'::text)
);

CREATE INDEX products_created_at_id_idx ON products USING btree (created_at, id);

CREATE INDEX products_deleted_idx ON products USING btree (id) WHERE deleted_at IS NOT NULL;

CREATE INDEX products_name_key_id_idx ON products USING btree (name_key, id);

CREATE INDEX products_price_idx ON products USING btree (price_currency, price_amount, id);

CREATE INDEX products_search_idx ON products USING gin (search);

CREATE TRIGGER products_capture_delete BEFORE DELETE ON products FOR EACH ROW EXECUTE FUNCTION capture_product_delete();

CREATE TRIGGER products_capture_deletion_mark BEFORE UPDATE OF deleted_at ON products FOR EACH ROW WHEN (old.deleted_at IS DISTINCT FROM new.deleted_at) EXECUTE FUNCTION capture_product_deletion_mark();

CREATE TRIGGER products_create_product_rating AFTER INSERT ON products REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION create_product_rating();

CREATE TRIGGER products_create_review_stream AFTER INSERT ON products REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION create_review_stream();

CREATE TABLE review_decisions (
  review_id uuid NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  moderator_id uuid,
  from_status text NOT NULL,
  to_status text NOT NULL,
  reason text,
  decided_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT review_decisions_pkey PRIMARY KEY (review_id, id),
  CONSTRAINT review_decisions_moderator_id_fkey FOREIGN KEY (moderator_id) REFERENCES authors(id) ON DELETE SET NULL,
  CONSTRAINT review_decisions_review_id_fkey FOREIGN KEY (review_id) REFERENCES reviews(id) ON DELETE CASCADE,
  CONSTRAINT review_decisions_from_status_known CHECK (from_status = ANY (ARRAY['PENDING'::text, 'PUBLISHED'::text, 'REJECTED'::text])),
  CONSTRAINT review_decisions_reason_length CHECK (char_length(reason) >= 1 AND char_length(reason) <= 1000),
  CONSTRAINT review_decisions_transition CHECK ((to_status = ANY (ARRAY['PUBLISHED'::text, 'REJECTED'::text])) AND to_status <> from_status)
);

CREATE INDEX review_decisions_moderator_id_idx ON review_decisions USING btree (moderator_id);

CREATE TABLE review_streams (
  product_id uuid NOT NULL,
  last_seq integer DEFAULT 0 NOT NULL,
  last_event_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
  closed boolean DEFAULT false NOT NULL,
  dirty boolean DEFAULT false NOT NULL,
  moved_at timestamp with time zone,
  CONSTRAINT review_streams_pkey PRIMARY KEY (product_id),
  CONSTRAINT review_streams_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id)
) WITH (fillfactor=50);

CREATE INDEX review_streams_dirty_idx ON review_streams USING btree (dirty, product_id) WHERE dirty;

CREATE TABLE review_vote_counts (
  review_id uuid NOT NULL,
  of_product_id uuid NOT NULL,
  helpful_count integer DEFAULT 0 NOT NULL,
  CONSTRAINT review_vote_counts_pkey PRIMARY KEY (review_id),
  CONSTRAINT review_vote_counts_helpful_count_range CHECK (helpful_count >= 0)
);

CREATE INDEX review_vote_counts_idx ON review_vote_counts USING btree (helpful_count, review_id);

CREATE INDEX review_vote_counts_product_idx ON review_vote_counts USING btree (of_product_id, helpful_count, review_id);

CREATE TABLE review_votes (
  review_id uuid NOT NULL,
  voter_id uuid NOT NULL,
  voted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT review_votes_pkey PRIMARY KEY (review_id, voter_id),
  CONSTRAINT review_votes_review_id_fkey FOREIGN KEY (review_id) REFERENCES reviews(id) ON DELETE CASCADE,
  CONSTRAINT review_votes_voter_id_fkey FOREIGN KEY (voter_id) REFERENCES authors(id)
);

CREATE INDEX review_votes_voter_id_idx ON review_votes USING btree (voter_id);

CREATE TRIGGER review_votes_count_new AFTER INSERT ON review_votes REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_new_votes();

CREATE TRIGGER review_votes_count_removed AFTER DELETE ON review_votes REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_removed_votes();

CREATE TRIGGER review_votes_refuse_change BEFORE UPDATE OR TRUNCATE ON review_votes FOR EACH STATEMENT EXECUTE FUNCTION refuse_vote_change();

CREATE TABLE reviews (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  product_id uuid NOT NULL,
  author_id uuid,
  external_id text COLLATE "C",
  rating smallint NOT NULL,
  title text,
  body text,
  status text DEFAULT 'PUBLISHED'::text NOT NULL,
  moderation_reason text,
  verified_purchase boolean DEFAULT false NOT NULL,
  reply_body text,
  replied_at timestamp with time zone,
  reply_author_id uuid,
  version integer DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT reviews_pkey PRIMARY KEY (id),
  CONSTRAINT reviews_author_id_product_id_key UNIQUE (author_id, product_id),
  CONSTRAINT reviews_external_id_key UNIQUE (external_id),
  CONSTRAINT reviews_author_id_fkey FOREIGN KEY (author_id) REFERENCES authors(id),
  CONSTRAINT reviews_product_id_fkey FOREIGN KEY (product_id) REFERENCES products(id),
  CONSTRAINT reviews_reply_author_id_fkey FOREIGN KEY (reply_author_id) REFERENCES authors(id),
  CONSTRAINT reviews_body_length CHECK (char_length(body) >= 1 AND char_length(body) <= 10000),
  CONSTRAINT reviews_external_id_length CHECK (char_length(external_id) >= 1 AND char_length(external_id) <= 200),
  CONSTRAINT reviews_moderation_reason_length CHECK (char_length(moderation_reason) >= 1 AND char_length(moderation_reason) <= 1000),
  CONSTRAINT reviews_rating_range CHECK (rating >= 1 AND rating <= 5),
  CONSTRAINT reviews_reply_body_length CHECK (char_length(reply_body) >= 1 AND char_length(reply_body) <= 10000),
  CONSTRAINT reviews_reply_whole CHECK ((reply_body IS NULL) = (replied_at IS NULL) AND (reply_body IS NOT NULL OR reply_author_id IS NULL)),
  CONSTRAINT reviews_status_known CHECK (status = ANY (ARRAY['PENDING'::text, 'PUBLISHED'::text, 'REJECTED'::text])),
  CONSTRAINT reviews_title_length CHECK (char_length(title) >= 1 AND char_length(title) <= 200)
) WITH (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_insert_scale_factor=0.02);

CREATE INDEX reviews_author_id_created_at_id_idx ON reviews USING btree (author_id, created_at, id);

CREATE INDEX reviews_counted_idx ON reviews USING btree (product_id, rating) WHERE status = 'PUBLISHED'::text;

CREATE INDEX reviews_created_at_id_idx ON reviews USING btree (created_at, id);

CREATE INDEX reviews_hidden_idx ON reviews USING btree (created_at, id) WHERE status <> 'PUBLISHED'::text;

CREATE INDEX reviews_pending_idx ON reviews USING btree (created_at, id) WHERE status = 'PENDING'::text;

CREATE INDEX reviews_product_id_created_at_id_idx ON reviews USING btree (product_id, created_at, id);

CREATE INDEX reviews_product_id_rating_id_idx ON reviews USING btree (product_id, rating, id);

CREATE INDEX reviews_rating_id_idx ON reviews USING btree (rating, id);

CREATE INDEX reviews_reply_author_id_idx ON reviews USING btree (reply_author_id) WHERE reply_author_id IS NOT NULL;

CREATE TRIGGER reviews_capture_delete AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION capture_review_delete();

CREATE TRIGGER reviews_capture_insert AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION capture_review_insert();

CREATE TRIGGER reviews_capture_update AFTER UPDATE ON reviews REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION capture_review_update();

CREATE TRIGGER reviews_end_vote_counts AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION end_vote_counts();

CREATE TRIGGER reviews_identity_immutable BEFORE UPDATE OF id, product_id ON reviews FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id OR old.product_id IS DISTINCT FROM new.product_id) EXECUTE FUNCTION refuse_review_identity_change();

CREATE TRIGGER reviews_refuse_truncate BEFORE TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE TRIGGER reviews_start_vote_counts AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION start_vote_counts();

CREATE VIEW persisted_ratings AS
 SELECT p.id AS product_id,
    r.seq,
    r.last_event_id,
    r.stars_1,
    r.stars_2,
    r.stars_3,
    r.stars_4,
    r.stars_5,
    r.review_count,
    r.average,
    r.weighted,
    COALESCE(s.dirty, false) AS dirty,
    COALESCE(r.seq = COALESCE(s.last_seq, 0) AND r.last_event_id = COALESCE(s.last_event_id, '00000000-0000-0000-0000-000000000000'::uuid), false) AS is_current
   FROM products p
     LEFT JOIN product_ratings r ON r.product_id = p.id
     LEFT JOIN review_streams s ON s.product_id = p.id
  WHERE p.deleted_at IS NULL;

CREATE VIEW rating_aggregates AS
 SELECT p.id AS product_id,
    COALESCE(( SELECT s.last_seq
           FROM review_streams s
          WHERE s.product_id = p.id), 0) AS last_seq,
    COALESCE(( SELECT s.last_event_id
           FROM review_streams s
          WHERE s.product_id = p.id), '00000000-0000-0000-0000-000000000000'::uuid) AS last_event_id,
    r.stars_1,
    r.stars_2,
    r.stars_3,
    r.stars_4,
    r.stars_5,
    (( SELECT true
           FROM review_streams s
          WHERE s.product_id = p.id)) IS NOT NULL AS has_stream
   FROM products p
     LEFT JOIN LATERAL ( SELECT count(*) FILTER (WHERE reviews.rating = 1) AS stars_1,
            count(*) FILTER (WHERE reviews.rating = 2) AS stars_2,
            count(*) FILTER (WHERE reviews.rating = 3) AS stars_3,
            count(*) FILTER (WHERE reviews.rating = 4) AS stars_4,
            count(*) FILTER (WHERE reviews.rating = 5) AS stars_5
           FROM reviews
          WHERE reviews.product_id = p.id AND reviews.status = 'PUBLISHED'::text) r ON true
  WHERE p.deleted_at IS NULL;

CREATE OR REPLACE FUNCTION public.advance_review_sequence(product_id uuid, at_least integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  reached integer;
BEGIN
  UPDATE review_streams s SET last_seq = at_least, last_event_id = gen_random_uuid(), dirty = true
   WHERE s.product_id = advance_review_sequence.product_id AND s.last_seq < at_least AND NOT s.closed
  RETURNING s.last_seq INTO reached;
  IF NOT FOUND THEN
    -- A product that was loaded with triggers off gets its stream.
    INSERT INTO review_streams AS s (product_id, last_seq, last_event_id, dirty)
    SELECT p.id, at_least, gen_random_uuid(), true FROM products p
     WHERE p.id = advance_review_sequence.product_id AND p.deleted_at IS NULL
       AND NOT EXISTS (SELECT FROM review_streams e WHERE e.product_id = p.id)
    ON CONFLICT ON CONSTRAINT review_streams_pkey DO UPDATE
       SET last_seq = EXCLUDED.last_seq, last_event_id = EXCLUDED.last_event_id, dirty = true
     WHERE s.last_seq < EXCLUDED.last_seq
    RETURNING s.last_seq INTO reached;
  END IF;
  IF reached IS NULL THEN
    SELECT s.last_seq INTO reached FROM review_streams s
     WHERE s.product_id = advance_review_sequence.product_id AND NOT s.closed;
  END IF;
  RETURN reached;
END $function$;

REVOKE ALL ON FUNCTION advance_review_sequence(uuid,integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.capture_product_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.deleted_at IS NULL THEN
    PERFORM FROM reviews WHERE product_id = OLD.id ORDER BY id FOR UPDATE;
    PERFORM close_review_stream(OLD.id);
  END IF;
  DELETE FROM reviews WHERE product_id = OLD.id;
  DELETE FROM review_streams WHERE product_id = OLD.id;
  RETURN OLD;
END $function$;

CREATE OR REPLACE FUNCTION public.capture_product_deletion_mark()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  IF OLD.deleted_at IS NOT NULL THEN
    RAISE EXCEPTION 'product % is deleted, which cannot be undone', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM close_review_stream(OLD.id);
  -- Another product may have it from now on.
  NEW.external_id := NULL;
  RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.capture_review_changes(event_type text, product_ids uuid[], review_ids uuid[], previous_ratings smallint[], ratings smallint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET enable_hashjoin TO 'on'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.capture_review_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.capture_review_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.capture_review_update()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.close_review_stream(deleted_product_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.commit_durably()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.count_new_votes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  INSERT INTO review_vote_counts AS c (review_id, of_product_id, helpful_count)
  SELECT r.id, r.product_id, n.votes
    FROM (SELECT review_id, count(*) AS votes FROM new_rows GROUP BY review_id) n
    JOIN reviews r ON r.id = n.review_id
   ORDER BY r.id
  ON CONFLICT (review_id) DO UPDATE SET helpful_count = c.helpful_count + EXCLUDED.helpful_count;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.count_removed_votes()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  -- As for each review that is deleted, whose votes its foreign key removes.
  IF NOT EXISTS (SELECT FROM old_rows) THEN
    RETURN NULL;
  END IF;
  PERFORM FROM review_vote_counts
    WHERE review_id IN (SELECT review_id FROM old_rows) ORDER BY review_id FOR NO KEY UPDATE;
  UPDATE review_vote_counts c SET helpful_count = c.helpful_count - o.votes
    FROM (SELECT review_id, count(*) AS votes FROM old_rows GROUP BY review_id) o
   WHERE c.review_id = o.review_id;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.counted_rating(rating smallint, status text)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ SELECT CASE WHEN status = 'PUBLISHED' THEN rating END $function$;

CREATE OR REPLACE FUNCTION public.create_product(p_id uuid, p_external_id text, p_name text, p_description text, p_price_amount numeric, p_price_currency text, p_valid_until_ms double precision, OUT outcome text, OUT product products)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  INSERT INTO products AS p (id, external_id, name, description, price_amount, price_currency)
  VALUES (p_id, p_external_id, p_name, p_description, p_price_amount, p_price_currency)
  ON CONFLICT (external_id) DO NOTHING
  RETURNING p.* INTO product;
  outcome := CASE WHEN FOUND THEN 'CREATED' ELSE 'EXTERNAL_ID_TAKEN' END;
END $function$;

CREATE OR REPLACE FUNCTION public.create_product_once(p_id uuid, p_external_id text, p_name text, p_description text, p_price_amount numeric, p_price_currency text, p_valid_until_ms double precision, p_issuer text, p_subject text, p_key text, p_input_hash bytea, OUT outcome text, OUT product products)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  decided idempotency_keys;
  made record;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  PERFORM lock_idempotency_key(p_issuer, p_subject, p_key, true);
  SELECT k.* INTO decided
    FROM idempotency_keys k WHERE k.issuer = p_issuer AND k.subject = p_subject AND k.key = p_key;
  IF FOUND THEN
    outcome := CASE WHEN decided.input_hash = p_input_hash THEN decided.outcome ELSE 'KEY_REUSED' END;
    IF outcome = 'CREATED' THEN
      SELECT p.* INTO product FROM products p WHERE p.id = decided.result_id AND p.deleted_at IS NULL;
    END IF;
    RETURN;
  END IF;
  SELECT c.outcome, c.product INTO made
    FROM create_product(p_id, p_external_id, p_name, p_description, p_price_amount, p_price_currency, p_valid_until_ms) c;
  outcome := made.outcome;
  product := made.product;
  INSERT INTO idempotency_keys (issuer, subject, key, input_hash, outcome, result_id)
  VALUES (p_issuer, p_subject, p_key, p_input_hash, outcome, product.id);
END $function$;

CREATE OR REPLACE FUNCTION public.create_product_rating()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  INSERT INTO product_ratings (product_id) SELECT id FROM new_rows;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.create_review_stream()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM commit_durably();
  INSERT INTO review_streams (product_id) SELECT id FROM new_rows;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.create_reviews(p_ids uuid[], p_product_ids uuid[], p_author_ids uuid[], p_issuers text[], p_subjects text[], p_display_names text[], p_ratings smallint[], p_titles text[], p_bodies text[], p_purchases jsonb[], p_with_product boolean[], p_status text, p_wait_for_products boolean, p_wait_for_authors boolean, p_valid_until_ms double precision)
 RETURNS TABLE(nth integer, outcome text, rating_version integer, review reviews, author_name text, product products, rating rating_aggregates)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
  products_known uuid[];
  products_free uuid[];
  authors_held uuid[];
  authors_written uuid[];
  reviews_created uuid[];
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  SELECT array_agg(p.id) INTO products_known
    FROM products p WHERE p.id = ANY (p_product_ids) AND p.deleted_at IS NULL;

  -- The display name follows the token. The rows stay locked as a foreign key locks them, so that an author who is being
  -- erased is either found and kept until the caller commits, or made anew.
  IF p_wait_for_authors THEN
    PERFORM FROM authors a JOIN unnest(p_issuers, p_subjects) n (issuer, subject) USING (issuer, subject)
      FOR KEY SHARE OF a;
  END IF;
  SELECT array_agg(l.id) INTO authors_held
    FROM (SELECT a.id FROM authors a JOIN unnest(p_issuers, p_subjects) n (issuer, subject) USING (issuer, subject)
             FOR KEY SHARE OF a SKIP LOCKED) l;
  WITH written AS (
    INSERT INTO authors AS a (id, issuer, subject, display_name)
    SELECT DISTINCT ON (n.issuer, n.subject) n.author_id, n.issuer, n.subject, n.display_name
      FROM unnest(p_author_ids, p_product_ids, p_issuers, p_subjects, p_display_names)
             WITH ORDINALITY n (author_id, product_id, issuer, subject, display_name, nth)
      LEFT JOIN authors e USING (issuer, subject)
     WHERE n.product_id = ANY (products_known)
       AND (e.id IS NULL OR e.display_name IS DISTINCT FROM n.display_name AND e.id = ANY (authors_held))
     ORDER BY n.issuer, n.subject, n.nth DESC
    ON CONFLICT (issuer, subject) DO UPDATE SET display_name = EXCLUDED.display_name, updated_at = now()
    RETURNING a.id
  )
  SELECT array_agg(w.id) INTO authors_written FROM written w;
  authors_held := authors_held || authors_written;

  IF p_wait_for_products THEN
    PERFORM FROM products p WHERE p.id = ANY (products_known) ORDER BY p.id FOR KEY SHARE;
    -- A product that was loaded with triggers off gets its stream.
    INSERT INTO review_streams (product_id)
    SELECT p.id FROM products p
     WHERE p.id = ANY (products_known) AND p.deleted_at IS NULL
       AND NOT EXISTS (SELECT FROM review_streams s WHERE s.product_id = p.id)
     ORDER BY p.id
    ON CONFLICT DO NOTHING;
    PERFORM FROM review_streams s WHERE s.product_id = ANY (products_known) ORDER BY s.product_id FOR UPDATE;
    SELECT array_agg(p.id) INTO products_known
      FROM products p WHERE p.id = ANY (products_known) AND p.deleted_at IS NULL;
  END IF;
  SELECT array_agg(l.id) INTO products_free
    FROM (SELECT p.id FROM products p WHERE p.id = ANY (products_known) FOR KEY SHARE SKIP LOCKED) l;
  SELECT array_agg(l.product_id) INTO products_free
    FROM (SELECT s.product_id FROM review_streams s
           WHERE s.product_id = ANY (products_free) AND NOT s.closed FOR UPDATE SKIP LOCKED) l;

  -- A review that is there already is not waited for, also while it is being changed: its changer may wait for the stream.
  WITH inserted AS (
    INSERT INTO reviews AS i (id, product_id, author_id, rating, title, body, status, verified_purchase)
    SELECT n.id, n.product_id, a.id, n.rating, n.title, n.body, p_status,
           n.purchases IS NOT NULL AND (n.purchases = 'true' OR EXISTS (
             SELECT FROM products p
              WHERE p.id = n.product_id AND (n.purchases ? p.id::text OR n.purchases ? p.external_id)))
      FROM unnest(p_ids, p_product_ids, p_issuers, p_subjects, p_ratings, p_titles, p_bodies, p_purchases)
             WITH ORDINALITY n (id, product_id, issuer, subject, rating, title, body, purchases, nth)
      JOIN authors a USING (issuer, subject)
     WHERE n.product_id = ANY (products_free) AND a.id = ANY (authors_held)
       AND NOT EXISTS (SELECT FROM reviews r WHERE r.author_id = a.id AND r.product_id = n.product_id)
     ORDER BY n.nth
    ON CONFLICT DO NOTHING
    RETURNING i.id
  )
  SELECT array_agg(i.id) INTO reviews_created FROM inserted i;

  RETURN QUERY
  SELECT n.nth::integer,
         CASE
           WHEN (n.product_id = ANY (products_known)) IS NOT TRUE THEN 'NOT_FOUND'
           WHEN r.id = n.id THEN 'CREATED'
           WHEN r.id IS NOT NULL THEN 'ALREADY_REVIEWED'
           ELSE 'BUSY'
         END,
         s.last_seq - (CASE WHEN r.id = ANY (reviews_created) THEN
           count(*) FILTER (WHERE r.id = ANY (reviews_created) AND r.id = n.id)
             OVER (PARTITION BY n.product_id ORDER BY r.id DESC) - 1 ELSE 0 END)::integer,
         r, a.display_name, NULL::products, NULL::rating_aggregates
    FROM unnest(p_ids, p_product_ids, p_issuers, p_subjects)
           WITH ORDINALITY n (id, product_id, issuer, subject, nth)
    LEFT JOIN authors a USING (issuer, subject)
    LEFT JOIN reviews r ON r.author_id = a.id AND r.product_id = n.product_id
    LEFT JOIN review_streams s ON s.product_id = n.product_id;

  RETURN QUERY
  SELECT NULL::integer, NULL::text, NULL::integer, NULL::reviews, NULL::text, p, g
    FROM (SELECT DISTINCT r.product_id
            FROM unnest(p_ids, p_with_product) n (id, with_product) JOIN reviews r ON r.id = n.id
           WHERE n.with_product) asked
    JOIN products p ON p.id = asked.product_id
    JOIN rating_aggregates g ON g.product_id = asked.product_id;
END $function$;

CREATE OR REPLACE FUNCTION public.create_reviews_once(p_ids uuid[], p_product_ids uuid[], p_author_ids uuid[], p_issuers text[], p_subjects text[], p_display_names text[], p_ratings smallint[], p_titles text[], p_bodies text[], p_purchases jsonb[], p_with_product boolean[], p_status text, p_wait_for_products boolean, p_wait_for_authors boolean, p_valid_until_ms double precision, p_keys text[], p_input_hashes bytea[])
 RETURNS TABLE(nth integer, outcome text, rating_version integer, review reviews, author_name text, product products, rating rating_aggregates)
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
  -- By their places: reviews whose key is locked for us, and those that are to be created.
  held integer[];
  running integer[];
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  SELECT array_agg(n.nth::integer) INTO held
    FROM unnest(p_issuers, p_subjects, p_keys) WITH ORDINALITY n (issuer, subject, key, nth)
   WHERE n.key IS NOT NULL AND lock_idempotency_key(n.issuer, n.subject, n.key, p_wait_for_authors);
  SELECT array_agg(n.nth::integer ORDER BY n.nth) INTO running
    FROM (SELECT u.*, row_number() OVER (PARTITION BY u.issuer, u.subject, u.key ORDER BY u.nth) AS repetition
            FROM unnest(p_issuers, p_subjects, p_keys) WITH ORDINALITY u (issuer, subject, key, nth)) n
   WHERE n.key IS NULL
      OR n.nth = ANY (held) AND n.repetition = 1
         AND NOT EXISTS (SELECT FROM idempotency_keys k
                          WHERE k.issuer = n.issuer AND k.subject = n.subject AND k.key = n.key);

  RETURN QUERY
  WITH brought AS (
    SELECT n.*, bool_or(n.with_product) OVER (PARTITION BY n.product_id) AS show_product
      FROM unnest(p_ids, p_product_ids, p_author_ids, p_issuers, p_subjects, p_display_names, p_ratings, p_titles, p_bodies,
                  p_purchases, p_with_product, p_keys, p_input_hashes)
             WITH ORDINALITY n (id, product_id, author_id, issuer, subject, display_name, rating, title, body, purchases, with_product,
                                key, input_hash, nth)
  ), made AS MATERIALIZED (
    SELECT running[c.nth] AS nth, c.outcome, c.rating_version, c.review, c.author_name, c.product, c.rating
      FROM (SELECT array_agg(b.id ORDER BY b.nth) AS ids, array_agg(b.product_id ORDER BY b.nth) AS product_ids,
                   array_agg(b.author_id ORDER BY b.nth) AS author_ids, array_agg(b.issuer ORDER BY b.nth) AS issuers,
                   array_agg(b.subject ORDER BY b.nth) AS subjects, array_agg(b.display_name ORDER BY b.nth) AS names,
                   array_agg(b.rating ORDER BY b.nth) AS ratings, array_agg(b.title ORDER BY b.nth) AS titles,
                   array_agg(b.body ORDER BY b.nth) AS bodies, array_agg(b.purchases ORDER BY b.nth) AS purchases,
                   array_agg(b.show_product ORDER BY b.nth) AS with_product
              FROM brought b WHERE b.nth = ANY (running)) a
     CROSS JOIN LATERAL create_reviews(
       a.ids, a.product_ids, a.author_ids, a.issuers, a.subjects, a.names, a.ratings, a.titles, a.bodies, a.purchases, a.with_product,
       p_status, p_wait_for_products, p_wait_for_authors, p_valid_until_ms) c
  ), decided AS (
    INSERT INTO idempotency_keys AS k (issuer, subject, key, input_hash, outcome, result_id, rating_version)
    SELECT b.issuer, b.subject, b.key, b.input_hash, m.outcome, (m.review).id, m.rating_version
      FROM made m JOIN brought b ON b.nth = m.nth
     WHERE b.key IS NOT NULL AND m.outcome <> 'BUSY'
    RETURNING k.*
  ), repeated AS MATERIALIZED (
    SELECT b.*, coalesce(d.result_id, k.result_id) AS result_id,
           coalesce(d.rating_version, k.rating_version) AS rating_version,
           CASE
             WHEN d.key IS NULL AND k.key IS NULL THEN 'BUSY'
             WHEN coalesce(d.input_hash, k.input_hash) <> b.input_hash THEN 'KEY_REUSED'
             ELSE coalesce(d.outcome, k.outcome)
           END AS outcome
      FROM brought b
      LEFT JOIN decided d ON d.issuer = b.issuer AND d.subject = b.subject AND d.key = b.key
      LEFT JOIN idempotency_keys k ON k.issuer = b.issuer AND k.subject = b.subject AND k.key = b.key
     WHERE b.key IS NOT NULL AND b.nth <> ALL (coalesce(running, '{}'))
  )
  SELECT m.nth, m.outcome, m.rating_version, m.review, m.author_name, m.product, m.rating FROM made m
  UNION ALL
  -- What was created in this transaction is not in the snapshot of this statement.
  SELECT e.nth::integer, e.outcome, e.rating_version,
         coalesce((SELECT m.review FROM made m WHERE (m.review).id = e.result_id LIMIT 1), r),
         CASE WHEN a.id IS NULL THEN e.display_name ELSE a.display_name END, NULL::products, NULL::rating_aggregates
    FROM repeated e
    LEFT JOIN reviews r ON r.id = e.result_id AND e.outcome <> 'KEY_REUSED'
         AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL)
    LEFT JOIN authors a ON a.id = r.author_id
  UNION ALL
  SELECT NULL::integer, NULL::text, NULL::integer, NULL::reviews, NULL::text, p, g
    FROM (SELECT DISTINCT e.product_id FROM repeated e WHERE e.with_product AND e.outcome = 'CREATED') asked
    JOIN products p ON p.id = asked.product_id AND p.deleted_at IS NULL
    JOIN rating_aggregates g ON g.product_id = asked.product_id
   WHERE NOT EXISTS (SELECT FROM made m WHERE (m.product).id = asked.product_id);
END $function$;

CREATE OR REPLACE FUNCTION public.delete_product(p_id uuid, p_expected_version integer, p_valid_until_ms double precision)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  at_once CONSTANT integer := 1000;
  present_version integer;
  reviews_locked integer;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  SELECT version INTO present_version FROM products WHERE id = p_id AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'NOT_FOUND';
  END IF;
  IF present_version <> p_expected_version THEN
    RETURN 'VERSION_CONFLICT';
  END IF;
  PERFORM FROM reviews WHERE product_id = p_id ORDER BY id LIMIT at_once + 1 FOR UPDATE;
  GET DIAGNOSTICS reviews_locked = ROW_COUNT;
  IF reviews_locked <= at_once THEN
    DELETE FROM products WHERE id = p_id;
  ELSE
    UPDATE products SET deleted_at = now() WHERE id = p_id;
  END IF;
  RETURN 'DELETED';
END $function$;

CREATE OR REPLACE FUNCTION public.delete_review(p_id uuid, p_issuer text, p_subject text, p_is_admin boolean, p_expected_version integer, p_with_product boolean, p_valid_until_ms double precision, OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products, OUT rating rating_aggregates)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  is_own boolean;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  DELETE FROM reviews r
   WHERE r.id = p_id
     AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL)
     AND (p_is_admin OR EXISTS (
           SELECT FROM authors a WHERE a.id = r.author_id AND a.issuer = p_issuer AND a.subject = p_subject))
     AND (p_expected_version IS NULL OR r.version = p_expected_version)
  RETURNING r.* INTO review;
  IF FOUND THEN
    outcome := 'DELETED';
    SELECT s.last_seq INTO STRICT rating_version FROM review_streams s WHERE s.product_id = review.product_id;
    IF p_with_product THEN
      SELECT p.* INTO product FROM products p WHERE p.id = review.product_id;
      SELECT g.* INTO rating FROM rating_aggregates g WHERE g.product_id = review.product_id;
    END IF;
  ELSE
    SELECT r.* INTO review
      FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
     WHERE r.id = p_id;
    SELECT a.display_name, a.issuer = p_issuer AND a.subject = p_subject INTO author_name, is_own
      FROM authors a WHERE a.id = review.author_id;
    outcome := CASE
      WHEN review.id IS NULL THEN 'NOT_FOUND'
      WHEN p_is_admin OR is_own THEN 'VERSION_CONFLICT'
      WHEN review.status = 'PUBLISHED' THEN 'FORBIDDEN'
      ELSE 'NOT_FOUND'
    END;
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.dirty_products(p_after uuid, p_limit integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
AS $function$
  SELECT product_id FROM review_streams
   WHERE dirty AND (dirty, product_id) > (true, p_after) ORDER BY dirty, product_id LIMIT p_limit
$function$;

REVOKE ALL ON FUNCTION dirty_products(uuid,integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.end_vote_counts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  DELETE FROM review_vote_counts c USING old_rows o WHERE c.review_id = o.id;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.erase_author(p_id uuid, p_reviews text, p_valid_until_ms double precision)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  erased authors;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  SELECT * INTO erased FROM authors WHERE id = p_id AND erasure IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  DELETE FROM idempotency_keys WHERE issuer = erased.issuer AND subject = erased.subject;
  UPDATE authors SET issuer = NULL, subject = NULL, display_name = NULL, erasure = p_reviews, updated_at = now()
   WHERE id = p_id;
  RETURN (SELECT count(*) FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
           WHERE r.author_id = p_id);
END $function$;

CREATE OR REPLACE FUNCTION public.exact_text(value double precision)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET extra_float_digits TO '1'
AS $function$
  SELECT value::text
$function$;

CREATE OR REPLACE FUNCTION public.fold_text(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN (octet_length(value) = char_length(value)) THEN lower((value COLLATE "C")) ELSE NORMALIZE(lower(translate(regexp_replace(regexp_replace(NORMALIZE((value COLLATE "C"), NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), '[\u00a1-\u00bf\u2000-\u206f\u3001-\u303f]'::text, ' '::text, 'g'::text), 'ØøŁłĐđĦħıΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЄЂЉЊЋЏ'::text, 'oollddhhiαβγδεζηθικλμνξοπρστυφχψωσабвгдежзиклмнопрстуфхцчшщъыьэюяієђљњћџ'::text)), NFC) END;

CREATE OR REPLACE FUNCTION public.hold_author(p_new_id uuid, p_issuer text, p_subject text, p_display_name text)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  held uuid;
BEGIN
  UPDATE authors SET display_name = p_display_name, updated_at = now()
   WHERE issuer = p_issuer AND subject = p_subject AND display_name IS DISTINCT FROM p_display_name;
  SELECT id INTO held FROM authors WHERE issuer = p_issuer AND subject = p_subject FOR KEY SHARE;
  IF NOT FOUND THEN
    INSERT INTO authors AS a (id, issuer, subject, display_name)
    VALUES (p_new_id, p_issuer, p_subject, p_display_name)
    ON CONFLICT (issuer, subject) DO UPDATE SET display_name = EXCLUDED.display_name, updated_at = now()
    RETURNING a.id INTO held;
  END IF;
  RETURN held;
END $function$;

CREATE OR REPLACE FUNCTION public.lock_idempotency_key(p_issuer text, p_subject text, p_key text, p_wait boolean)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  -- An arbitrary constant; locks of two numbers are apart from those of one.
  key_locks CONSTANT integer := 1913546077;
  key_lock CONSTANT integer := hashtext(concat_ws(chr(1), p_issuer, p_subject, p_key));
BEGIN
  IF p_wait THEN
    PERFORM pg_advisory_xact_lock(key_locks, key_lock);
    RETURN true;
  END IF;
  RETURN pg_try_advisory_xact_lock(key_locks, key_lock);
END $function$;

CREATE OR REPLACE FUNCTION public.lock_product_ratings()
 RETURNS void
 LANGUAGE sql
AS $function$
  SELECT pg_advisory_xact_lock(6120733450918274650)
$function$;

CREATE OR REPLACE FUNCTION public.mark_review_helpful(p_id uuid, p_new_voter_id uuid, p_issuer text, p_subject text, p_display_name text, p_helpful boolean, p_valid_until_ms double precision, OUT outcome text, OUT review reviews, OUT helpful_count integer)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  voter uuid;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  SELECT r.* INTO review
    FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
   WHERE r.id = p_id;
  SELECT a.id INTO voter FROM authors a WHERE a.issuer = p_issuer AND a.subject = p_subject;
  outcome := CASE
    WHEN review.id IS NULL THEN 'NOT_FOUND'
    WHEN review.author_id = voter THEN 'OWN_REVIEW'
    WHEN review.status <> 'PUBLISHED' THEN 'NOT_FOUND'
    ELSE 'DONE'
  END;
  IF outcome = 'DONE' AND p_helpful THEN
    voter := hold_author(p_new_voter_id, p_issuer, p_subject, p_display_name);
    INSERT INTO review_votes (review_id, voter_id) VALUES (p_id, voter) ON CONFLICT DO NOTHING;
  ELSIF outcome = 'DONE' THEN
    DELETE FROM review_votes v WHERE v.review_id = p_id AND v.voter_id = voter;
  END IF;
  SELECT c.helpful_count INTO helpful_count FROM review_vote_counts c WHERE c.review_id = p_id;
END $function$;

CREATE OR REPLACE FUNCTION public.moderate_review(p_id uuid, p_moderator_id uuid, p_issuer text, p_subject text, p_display_name text, p_expected_version integer, p_status text, p_reason text, p_with_product boolean, p_valid_until_ms double precision, OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products, OUT rating rating_aggregates)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  moderator uuid;
  previous_status text;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  moderator := hold_author(p_moderator_id, p_issuer, p_subject, p_display_name);
  SELECT r.* INTO review
    FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
   WHERE r.id = p_id
     FOR NO KEY UPDATE OF r;
  IF NOT FOUND THEN
    outcome := 'NOT_FOUND';
    RETURN;
  END IF;
  SELECT a.display_name INTO author_name FROM authors a WHERE a.id = review.author_id;
  IF review.version <> p_expected_version THEN
    outcome := 'VERSION_CONFLICT';
    RETURN;
  END IF;
  IF p_status NOT IN ('PUBLISHED', 'REJECTED') OR p_status = review.status THEN
    outcome := 'INVALID_TRANSITION';
    RETURN;
  END IF;

  previous_status := review.status;
  UPDATE reviews r
     SET status = p_status, moderation_reason = CASE WHEN p_status = 'REJECTED' THEN p_reason END
   WHERE r.id = p_id
  RETURNING r.* INTO review;
  INSERT INTO review_decisions (review_id, moderator_id, from_status, to_status, reason)
  VALUES (p_id, moderator, previous_status, p_status, p_reason);

  outcome := 'MODERATED';
  SELECT s.last_seq INTO STRICT rating_version FROM review_streams s WHERE s.product_id = review.product_id;
  IF p_with_product THEN
    SELECT p.* INTO product FROM products p WHERE p.id = review.product_id;
    SELECT g.* INTO rating FROM rating_aggregates g WHERE g.product_id = review.product_id;
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.persist_product_ratings(p_product_ids uuid[], p_prior_mean double precision, p_prior_weight double precision, p_only_dirty boolean, OUT persisted integer, OUT moved integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  ids uuid[] := p_product_ids;
BEGIN
  PERFORM lock_product_ratings();
  IF p_only_dirty THEN
    SELECT array_agg(s.product_id) INTO ids FROM review_streams s WHERE s.product_id = ANY (p_product_ids) AND s.dirty;
  END IF;
  -- For products that were loaded with triggers off.
  INSERT INTO product_ratings (product_id)
  SELECT l.id FROM (
    SELECT p.id FROM products p
     WHERE p.id = ANY (ids) AND p.deleted_at IS NULL
       AND NOT EXISTS (SELECT FROM product_ratings r WHERE r.product_id = p.id)
       FOR KEY SHARE OF p SKIP LOCKED) l
  ON CONFLICT DO NOTHING;

  WITH counted AS MATERIALIZED (
    SELECT a.*,
           (a.stars_1, a.stars_2, a.stars_3, a.stars_4, a.stars_5)
             IS DISTINCT FROM (r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5) AS moves,
           weighted_rating(a.stars_1 + a.stars_2 + a.stars_3 + a.stars_4 + a.stars_5,
             a.stars_1 + 2 * a.stars_2 + 3 * a.stars_3 + 4 * a.stars_4 + 5 * a.stars_5, p_prior_mean, p_prior_weight) AS weighted,
           s.moved_at,
           -- That of the last change, at which the counts became what they are. What no change explains was found today.
           ((CASE WHEN s.moved_at > coalesce(r.moved_at, '-infinity') THEN s.moved_at ELSE clock_timestamp() END)
             AT TIME ZONE 'UTC')::date AS day
      FROM rating_aggregates a
      JOIN product_ratings r ON r.product_id = a.product_id
      LEFT JOIN review_streams s ON s.product_id = a.product_id
     WHERE a.product_id = ANY (ids)
  ), written AS (
    UPDATE product_ratings r
       SET seq = c.last_seq, last_event_id = c.last_event_id, moved_at = c.moved_at, weighted = c.weighted,
           stars_1 = c.stars_1, stars_2 = c.stars_2, stars_3 = c.stars_3, stars_4 = c.stars_4, stars_5 = c.stars_5
      FROM counted c
     WHERE r.product_id = c.product_id
       AND (c.moves OR (r.seq, r.last_event_id, r.weighted) IS DISTINCT FROM (c.last_seq, c.last_event_id, c.weighted))
    RETURNING r.product_id
  ), days AS (
    INSERT INTO product_rating_days AS d (product_id, day, stars_1, stars_2, stars_3, stars_4, stars_5)
    SELECT c.product_id, c.day, c.stars_1, c.stars_2, c.stars_3, c.stars_4, c.stars_5
      FROM counted c JOIN written w ON w.product_id = c.product_id
     WHERE c.moves
    ON CONFLICT (product_id, day) DO UPDATE
       SET stars_1 = EXCLUDED.stars_1, stars_2 = EXCLUDED.stars_2, stars_3 = EXCLUDED.stars_3, stars_4 = EXCLUDED.stars_4,
           stars_5 = EXCLUDED.stars_5
    RETURNING d.product_id
  )
  SELECT (SELECT count(*) FROM counted), (SELECT count(*) FROM days) INTO persisted, moved;

  WITH clean AS (
    SELECT s.product_id
      FROM review_streams s JOIN product_ratings r ON r.product_id = s.product_id
     WHERE s.product_id = ANY (ids) AND s.dirty AND s.last_seq = r.seq AND s.last_event_id = r.last_event_id
       FOR UPDATE OF s SKIP LOCKED
  )
  UPDATE review_streams s SET dirty = false FROM clean c WHERE s.product_id = c.product_id;
END $function$;

REVOKE ALL ON FUNCTION persist_product_ratings(uuid[],double precision,double precision,boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.refuse_review_identity_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  RAISE EXCEPTION 'the id and product_id of a review are immutable: delete it and create another'
    USING ERRCODE = 'integrity_constraint_violation';
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  RAISE EXCEPTION 'TRUNCATE of % is refused: it would change ratings without an event; use DELETE', TG_TABLE_NAME
    USING ERRCODE = 'feature_not_supported';
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_vote_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  RAISE EXCEPTION '% of review_votes is refused, since helpful_count would not follow: use INSERT and DELETE', TG_OP
    USING ERRCODE = 'feature_not_supported';
END $function$;

CREATE OR REPLACE FUNCTION public.remove_deleted_products(p_limit integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  cleanup_lock CONSTANT bigint := 7310579611430972517;
  marked uuid;
  removed integer;
BEGIN
  IF NOT pg_try_advisory_xact_lock(cleanup_lock) THEN
    RETURN false;
  END IF;
  SELECT id INTO marked FROM products WHERE deleted_at IS NOT NULL LIMIT 1;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM reviews WHERE id = ANY (ARRAY(SELECT id FROM reviews WHERE product_id = marked LIMIT p_limit));
  GET DIAGNOSTICS removed = ROW_COUNT;
  IF removed < p_limit THEN
    DELETE FROM products WHERE id = marked;
  END IF;
  RETURN true;
END $function$;

CREATE OR REPLACE FUNCTION public.remove_erased_author(p_id uuid, p_limit integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  author authors;
  candidates uuid[];
  products uuid[];
  free uuid[];
BEGIN
  IF p_id IS NULL THEN
    SELECT * INTO author FROM authors WHERE erasure IS NOT NULL LIMIT 1 FOR UPDATE SKIP LOCKED;
  ELSE
    SELECT * INTO author FROM authors WHERE id = p_id AND erasure IS NOT NULL FOR UPDATE;
  END IF;
  IF NOT FOUND THEN
    RETURN false;
  END IF;

  DELETE FROM review_votes
   WHERE voter_id = author.id AND review_id = ANY (ARRAY(
     SELECT review_id FROM review_votes WHERE voter_id = author.id ORDER BY review_id LIMIT p_limit));
  IF FOUND THEN
    RETURN true;
  END IF;

  SELECT array_agg(r.id), array_agg(r.product_id) INTO candidates, products
    FROM (SELECT id, product_id FROM reviews WHERE author_id = author.id ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) r;
  IF author.erasure = 'DELETE' THEN
    free := ARRAY(SELECT product_id FROM review_streams WHERE product_id = ANY (products) FOR UPDATE SKIP LOCKED);
    DELETE FROM reviews WHERE id = ANY (candidates) AND product_id = ANY (free);
    IF NOT FOUND THEN
      DELETE FROM reviews WHERE id = (SELECT id FROM reviews WHERE author_id = author.id ORDER BY id LIMIT 1);
    END IF;
  ELSE
    UPDATE reviews SET author_id = NULL WHERE id = ANY (candidates);
    IF NOT FOUND THEN
      UPDATE reviews SET author_id = NULL WHERE id = (SELECT id FROM reviews WHERE author_id = author.id ORDER BY id LIMIT 1);
    END IF;
  END IF;
  IF FOUND THEN
    RETURN true;
  END IF;

  UPDATE review_decisions SET moderator_id = NULL WHERE (review_id, id) IN (
    SELECT review_id, id FROM review_decisions WHERE moderator_id = author.id ORDER BY review_id, id LIMIT p_limit FOR UPDATE);
  IF FOUND THEN
    RETURN true;
  END IF;

  UPDATE reviews SET reply_author_id = NULL WHERE id = ANY (ARRAY(
    SELECT id FROM reviews WHERE reply_author_id = author.id ORDER BY id LIMIT p_limit FOR UPDATE));
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM authors WHERE id = author.id;
  RETURN p_id IS NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.remove_idempotency_keys(p_older_than_seconds integer, p_limit integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  cleanup_lock CONSTANT bigint := 5201837746120954311;
  removed integer;
BEGIN
  IF NOT pg_try_advisory_xact_lock(cleanup_lock) THEN
    RETURN false;
  END IF;
  DELETE FROM idempotency_keys WHERE (issuer, subject, key) IN (
    SELECT issuer, subject, key FROM idempotency_keys
     WHERE created_at < now() - make_interval(secs => p_older_than_seconds) ORDER BY created_at LIMIT p_limit);
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed = p_limit;
END $function$;

CREATE OR REPLACE FUNCTION public.reply_to_review(p_id uuid, p_new_author_id uuid, p_issuer text, p_subject text, p_display_name text, p_body text, p_valid_until_ms double precision, OUT outcome text, OUT review reviews)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  replier uuid;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  replier := hold_author(p_new_author_id, p_issuer, p_subject, p_display_name);
  UPDATE reviews r
     SET reply_body = p_body,
         replied_at = CASE WHEN p_body IS NOT NULL THEN clock_timestamp() END,
         reply_author_id = CASE WHEN p_body IS NOT NULL THEN replier END
   WHERE r.id = p_id AND r.reply_body IS DISTINCT FROM p_body
     AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL)
  RETURNING r.* INTO review;
  IF NOT FOUND THEN
    SELECT r.* INTO review
      FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
     WHERE r.id = p_id;
  END IF;
  outcome := CASE WHEN review.id IS NULL THEN 'NOT_FOUND' ELSE 'DONE' END;
END $function$;

CREATE OR REPLACE FUNCTION public.require_in_time(p_valid_until_ms double precision)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  now_ms CONSTANT double precision := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  IF now_ms > p_valid_until_ms THEN
    RAISE EXCEPTION 'the change came too late: nobody may wait for it any more' USING ERRCODE = 'TL001', DETAIL = now_ms;
  END IF;
  RETURN true;
END $function$;

CREATE OR REPLACE FUNCTION public.review_event_payload(event_id uuid, type text, product_id uuid, review_id uuid, seq integer, previous_rating smallint, rating smallint)
 RETURNS json
 LANGUAGE sql
AS $function$
  SELECT json_build_object(
    'eventId', event_id, 'type', type, 'schemaVersion', 1, 'productId', product_id, 'reviewId', review_id,
    'seq', seq, 'previousRating', previous_rating, 'rating', rating,
    'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
$function$;

CREATE OR REPLACE FUNCTION public.reweigh_product_ratings(p_after uuid, p_limit integer, p_prior_mean double precision, p_prior_weight double precision, OUT last_id uuid, OUT reweighed integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
BEGIN
  PERFORM lock_product_ratings();
  WITH page AS MATERIALIZED (
    SELECT r.product_id,
           weighted_rating(r.review_count, r.stars_1 + 2 * r.stars_2 + 3 * r.stars_3 + 4 * r.stars_4 + 5 * r.stars_5,
             p_prior_mean, p_prior_weight) AS weighted
      FROM product_ratings r WHERE r.product_id > p_after ORDER BY r.product_id LIMIT p_limit
  ), written AS (
    UPDATE product_ratings r SET weighted = p.weighted FROM page p
     WHERE r.product_id = p.product_id AND r.weighted IS DISTINCT FROM p.weighted
    RETURNING r.product_id
  )
  SELECT (SELECT p.product_id FROM page p ORDER BY p.product_id DESC LIMIT 1), (SELECT count(*) FROM written)
    INTO last_id, reweighed;
END $function$;

REVOKE ALL ON FUNCTION reweigh_product_ratings(uuid,integer,double precision,double precision) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.search_query(value text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT CASE WHEN (querytree(parsed.query) <> ALL (ARRAY[''::text, 'T'::text])) THEN parsed.query ELSE NULL::tsquery END AS "case" FROM (SELECT (replace((websearch_to_tsquery('simple'::regconfig, fold_text(search_query.value)))::text, ' <-> '::text, ' & '::text))::tsquery AS replace) parsed(query));

CREATE OR REPLACE FUNCTION public.set_verified_purchase(p_id uuid, p_verified boolean, p_valid_until_ms double precision, OUT outcome text, OUT review reviews)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  UPDATE reviews r SET verified_purchase = p_verified
   WHERE r.id = p_id AND r.verified_purchase <> p_verified
     AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL);
  SELECT r.* INTO review
    FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
   WHERE r.id = p_id;
  outcome := CASE WHEN review.id IS NULL THEN 'NOT_FOUND' ELSE 'DONE' END;
END $function$;

CREATE OR REPLACE FUNCTION public.start_vote_counts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  INSERT INTO review_vote_counts (review_id, of_product_id) SELECT id, product_id FROM new_rows;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.update_review(p_id uuid, p_issuer text, p_subject text, p_display_name text, p_expected_version integer, p_rating smallint, p_set_title boolean, p_title text, p_set_body boolean, p_body text, p_status text, p_with_product boolean, p_valid_until_ms double precision, OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products, OUT rating rating_aggregates)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  author uuid;
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  UPDATE authors SET display_name = p_display_name, updated_at = now()
   WHERE issuer = p_issuer AND subject = p_subject AND display_name IS DISTINCT FROM p_display_name;
  SELECT id INTO author FROM authors WHERE issuer = p_issuer AND subject = p_subject;

  UPDATE reviews r
     SET rating = coalesce(p_rating, r.rating),
         title = CASE WHEN p_set_title THEN p_title ELSE r.title END,
         body = CASE WHEN p_set_body THEN p_body ELSE r.body END,
         status = coalesce(p_status, r.status),
         moderation_reason = CASE WHEN p_status IS NULL THEN r.moderation_reason END,
         version = r.version + 1,
         updated_at = now()
   WHERE r.id = p_id AND r.author_id = author
     AND (p_expected_version IS NULL OR r.version = p_expected_version)
     AND (r.rating <> coalesce(p_rating, r.rating)
          OR (p_set_title AND r.title IS DISTINCT FROM p_title)
          OR (p_set_body AND r.body IS DISTINCT FROM p_body))
  RETURNING r.* INTO review;
  IF FOUND THEN
    outcome := 'UPDATED';
  ELSE
    SELECT r.* INTO review
      FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
     WHERE r.id = p_id;
    outcome := CASE
      WHEN NOT FOUND THEN 'NOT_FOUND'
      WHEN review.author_id IS DISTINCT FROM author OR author IS NULL THEN
        CASE WHEN review.status = 'PUBLISHED' THEN 'FORBIDDEN' ELSE 'NOT_FOUND' END
      WHEN review.version <> p_expected_version THEN 'VERSION_CONFLICT'
      ELSE 'UNCHANGED'
    END;
  END IF;
  author_name := p_display_name;
  IF outcome IN ('UPDATED', 'UNCHANGED') THEN
    SELECT s.last_seq INTO rating_version FROM review_streams s WHERE s.product_id = review.product_id;
    IF p_with_product THEN
      SELECT p.* INTO product FROM products p WHERE p.id = review.product_id;
      SELECT g.* INTO rating FROM rating_aggregates g WHERE g.product_id = review.product_id;
    END IF;
  END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.weighted_rating(count bigint, sum bigint, prior_mean double precision, prior_weight double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN count = 0 THEN 0 ELSE (prior_weight * prior_mean + sum) / (prior_weight + count) END
$function$;
