-- What was decided about a mutation whose caller named it by a key, so that the same caller may send it again: written in the
-- transaction of the change, and kept for a time. Of reviews and products there is the id alone: a repetition reads them as they
-- are by then (docs/adr/0035).
CREATE TABLE idempotency_keys (
  issuer         text COLLATE "C" NOT NULL,
  subject        text COLLATE "C" NOT NULL,
  key            text COLLATE "C" NOT NULL,
  -- SHA-256 of the mutation's name and of what it was to store.
  input_hash     bytea       NOT NULL,
  outcome        text        NOT NULL,
  -- The review or product that was created, or the review that stood in the way.
  result_id      uuid,
  rating_version integer,
  created_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (issuer, subject, key),
  CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255)
);

-- What remove_idempotency_keys looks for.
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- Locks a key until the transaction ends, against those who bring it at the same time. Of two keys with the same hash one waits.
CREATE FUNCTION lock_idempotency_key(p_issuer text, p_subject text, p_key text, p_wait boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
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
END $$;

-- create_reviews for reviews of which some have a key (null for the others), each with the hash of its input. Of those with the
-- same key, here or earlier, the first is created, or refused, and the others are answered what was decided about it; the review
-- is null where it was deleted since. Another input is KEY_REUSED. What somebody else is about to decide is BUSY, unless the
-- caller waits for authors, and so brings a single review. Keys are locked before all else.
CREATE FUNCTION create_reviews_once(
  p_ids uuid[], p_product_ids uuid[], p_author_ids uuid[], p_issuers text[], p_subjects text[], p_display_names text[],
  p_ratings smallint[], p_titles text[], p_bodies text[], p_purchases jsonb[], p_with_product boolean[], p_status text,
  p_wait_for_products boolean, p_wait_for_authors boolean, p_valid_until_ms double precision,
  p_keys text[], p_input_hashes bytea[]
) RETURNS TABLE (
  nth integer, outcome text, rating_version integer, review reviews, author_name text, product products,
  rating rating_aggregates
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s'
  SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
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
END $$;

-- create_product under a key: a product that is created already is answered as it is now, null where it was deleted since.
CREATE FUNCTION create_product_once(
  p_id uuid, p_external_id text, p_name text, p_description text, p_price_amount numeric, p_price_currency text,
  p_valid_until_ms double precision, p_issuer text, p_subject text, p_key text, p_input_hash bytea,
  OUT outcome text, OUT product products
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- Removes at most p_limit keys that are older. Answers whether there may be more. One call at a time works.
CREATE FUNCTION remove_idempotency_keys(p_older_than_seconds integer, p_limit integer) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
END $$;
