-- Ratings as lists are ordered and filtered by them: a row for each product, persisted by the worker from rating_aggregates some
-- time after its reviews have changed, and a row for each day on which it moved. docs/adr/0038 says why they are kept here and
-- where their numbers come from. What is shown of a product comes from elsewhere, and is fresh.

-- The weighted rating is the Bayesian average: (weight * mean + sum of ratings) / (weight + count), as if every product had
-- `weight` more reviews of `mean` stars. 0 where nothing counts, as an average. `weightedRating` of the services computes the same
-- double by the same operations in the same order.
CREATE FUNCTION weighted_rating(
  count bigint, sum bigint, prior_mean double precision, prior_weight double precision
) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN count = 0 THEN 0 ELSE (prior_weight * prior_mean + sum) / (prior_weight + count) END
$$;

-- The shortest text that reads back equal, whatever extra_float_digits a role has: positions in an order are such texts.
CREATE FUNCTION exact_text(value double precision) RETURNS text LANGUAGE sql IMMUTABLE SET extra_float_digits = 1 AS $$
  SELECT value::text
$$;

-- seq and last_event_id say which changes the counts hold, as in review_streams.
CREATE TABLE product_ratings (
  product_id    uuid    NOT NULL,
  seq           integer NOT NULL DEFAULT 0,
  last_event_id uuid    NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  moved_at      timestamptz,
  stars_1       integer NOT NULL DEFAULT 0,
  stars_2       integer NOT NULL DEFAULT 0,
  stars_3       integer NOT NULL DEFAULT 0,
  stars_4       integer NOT NULL DEFAULT 0,
  stars_5       integer NOT NULL DEFAULT 0,
  review_count  integer NOT NULL GENERATED ALWAYS AS (stars_1 + stars_2 + stars_3 + stars_4 + stars_5) STORED,
  -- The weighted rating without a prior. 0 where nothing counts: a product without reviews is below all others.
  average       double precision NOT NULL GENERATED ALWAYS AS (weighted_rating(
    stars_1 + stars_2 + stars_3 + stars_4 + stars_5, stars_1 + 2 * stars_2 + 3 * stars_3 + 4 * stars_4 + 5 * stars_5, 0, 0
  )) STORED,
  weighted      double precision NOT NULL DEFAULT 0,
  CONSTRAINT product_ratings_pkey PRIMARY KEY (product_id),
  CONSTRAINT product_ratings_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id) ON DELETE CASCADE
);

-- Keyset pages in the three orders, up and down; the id breaks ties.
CREATE INDEX product_ratings_average_idx ON product_ratings (average, product_id);
CREATE INDEX product_ratings_weighted_idx ON product_ratings (weighted, product_id);
CREATE INDEX product_ratings_review_count_idx ON product_ratings (review_count, product_id);

-- A product's rating at the end of each day, UTC, on which it moved. Later days leave it as it is.
CREATE TABLE product_rating_days (
  product_id uuid    NOT NULL,
  day        date    NOT NULL,
  stars_1    integer NOT NULL,
  stars_2    integer NOT NULL,
  stars_3    integer NOT NULL,
  stars_4    integer NOT NULL,
  stars_5    integer NOT NULL,
  CONSTRAINT product_rating_days_pkey PRIMARY KEY (product_id, day),
  CONSTRAINT product_rating_days_product_id_fkey FOREIGN KEY (product_id) REFERENCES product_ratings (product_id) ON DELETE CASCADE
);

-- The products whose ratings are to be persisted: as large as what has changed since, however many products there are. Its first
-- column is always true; it gives the index an order that the primary key does not have (dirty_products).
CREATE INDEX review_streams_dirty_idx ON review_streams (dirty, product_id) WHERE dirty;

-- Every product has its row from the start, so that no order by rating loses one.
CREATE FUNCTION create_product_rating() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO product_ratings (product_id) SELECT id FROM new_rows;
  RETURN NULL;
END $$;

CREATE TRIGGER products_create_product_rating AFTER INSERT ON products
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION create_product_rating();

-- Persisted ratings beside the streams that they follow, for the worker; the columns of product_ratings are null where a product
-- that was loaded with triggers off has no row. Where a row is not dirty, is_current must be true.
CREATE VIEW persisted_ratings AS
SELECT p.id AS product_id, r.seq, r.last_event_id, r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5,
       r.review_count, r.average, r.weighted,
       coalesce(s.dirty, false) AS dirty,
       coalesce(r.seq = coalesce(s.last_seq, 0)
         AND r.last_event_id = coalesce(s.last_event_id, '00000000-0000-0000-0000-000000000000'), false) AS is_current
  FROM products p
  LEFT JOIN product_ratings r ON r.product_id = p.id
  LEFT JOIN review_streams s ON s.product_id = p.id
 WHERE p.deleted_at IS NULL;

-- The next dirty products in the order of their ids. A function, and an order that only review_streams_dirty_idx has: what the
-- planner remembers of the share of dirty rows is soon wrong, and it would walk the primary key to the end for the first few.
CREATE FUNCTION dirty_products(p_after uuid, p_limit integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
  SELECT product_id FROM review_streams
   WHERE dirty AND (dirty, product_id) > (true, p_after) ORDER BY dirty, product_id LIMIT p_limit
$$;

-- One call at a time writes product_ratings, so a call begins to count after all that the calls before it have written.
CREATE FUNCTION lock_product_ratings() RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(6120733450918274650)
$$;

-- Persists the ratings of these products, or with p_only_dirty of those among them that are dirty. Answers of how many, and how many
-- have moved since they were persisted last.
--
-- A product that changes meanwhile stays dirty: the flag is taken back only where the stream still ends with the event that was
-- counted. Streams that somebody writes are not waited for; they are dirty again anyway.
CREATE FUNCTION persist_product_ratings(
  p_product_ids uuid[], p_prior_mean double precision, p_prior_weight double precision, p_only_dirty boolean,
  OUT persisted integer, OUT moved integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- Computes the weighted ratings of the next products anew, for a prior that has changed. Answers the last product looked at, null
-- past the end, and how many had another weighted rating.
CREATE FUNCTION reweigh_product_ratings(
  p_after uuid, p_limit integer, p_prior_mean double precision, p_prior_weight double precision,
  OUT last_id uuid, OUT reweighed integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

REVOKE ALL ON FUNCTION dirty_products(uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION persist_product_ratings(uuid[], double precision, double precision, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION reweigh_product_ratings(uuid, integer, double precision, double precision) FROM PUBLIC;
