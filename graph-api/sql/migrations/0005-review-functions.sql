-- What callers do to reviews, each as one function: one round trip, and the product's stream is locked for no longer than
-- the server needs (a transaction of several round trips held it 2.8 times as long on a hot product). They answer all that
-- a payload shows. The rating is counted after the change, while the stream is locked, so it holds exactly the changes up
-- to its last_seq, this one included.
--
-- Lock order everywhere: idempotency key (0009), author, product, existing review, stream. A new review is inserted once its stream is locked, so
-- that nobody waits for it. Whoever waits for a lock gives up after two seconds (55P03, which callers may try again), so
-- that one locked product does not take all connections of a pool.

-- Every function is told until when its caller can be taken to wait, as ms since the epoch by the clock of this server. A statement
-- that arrives later, from a process that was frozen or through a network that stood still, changes nothing (docs/adr/0034).
CREATE FUNCTION require_in_time(p_valid_until_ms double precision) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  now_ms CONSTANT double precision := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  IF now_ms > p_valid_until_ms THEN
    RAISE EXCEPTION 'the change came too late: nobody may wait for it any more' USING ERRCODE = 'TL001', DETAIL = now_ms;
  END IF;
  RETURN true;
END $$;

-- Many new reviews as one transaction (group commit, docs/adr/0024); the arrays hold one review at each index, and the answer one
-- row for each, by `nth` from 1, with the outcome that the review would have alone:
--   CREATED           also where the review with this id is stored already: it was sent a second time
--   ALREADY_REVIEWED  with the author's review of this product
--   NOT_FOUND         no such product
--   BUSY              the product or the author is locked, or the product was deleted just now, and nothing was done
-- and one row without `nth` for each product of a created review that asks for it: the product and its rating.
--
-- One locked product or author holds up nobody else: what is locked is BUSY, unless the caller waits. Only a caller who brings
-- reviews of a single product should wait for the product, and only one who brings a single review for the author.
--
-- p_purchases is what the author has bought: `true` for everything, or an array of ids and external ids of products.
--
-- Each created review has its own sequence number: capture numbers the new reviews of a product by created_at, id.
--
-- Every statement looks rows up by their keys. The planner is told so, since a plan that was made while the tables were
-- small would read them whole ever after.
CREATE FUNCTION create_reviews(
  p_ids uuid[], p_product_ids uuid[], p_author_ids uuid[], p_issuers text[], p_subjects text[], p_display_names text[],
  p_ratings smallint[], p_titles text[], p_bodies text[], p_purchases jsonb[], p_with_product boolean[], p_status text,
  p_wait_for_products boolean, p_wait_for_authors boolean, p_valid_until_ms double precision
) RETURNS TABLE (
  nth integer, outcome text, rating_version integer, review reviews, author_name text, product products,
  rating rating_aggregates
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s'
  SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
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
END $$;

-- The id of the author with this identity, who is made where there is none and whose name follows the token. The row stays
-- locked as a foreign key locks it until the caller commits: an author who is being erased is waited for, and is then a new one.
CREATE FUNCTION hold_author(p_new_id uuid, p_issuer text, p_subject text, p_display_name text) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
END $$;

-- A review that is not public does not exist for others than its author.
-- Absent is not null: p_set_title and p_set_body say whether the caller named the field. p_rating null = absent.
-- p_status is the status that a changed review gets; null leaves the one that it has.
CREATE FUNCTION update_review(
  p_id uuid, p_issuer text, p_subject text, p_display_name text, p_expected_version integer,
  p_rating smallint, p_set_title boolean, p_title text, p_set_body boolean, p_body text,
  p_status text, p_with_product boolean, p_valid_until_ms double precision,
  OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products,
  OUT rating rating_aggregates
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

CREATE FUNCTION delete_review(
  p_id uuid, p_issuer text, p_subject text, p_is_admin boolean, p_expected_version integer,
  p_with_product boolean, p_valid_until_ms double precision,
  OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products,
  OUT rating rating_aggregates
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- A new product, or EXTERNAL_ID_TAKEN.
CREATE FUNCTION create_product(
  p_id uuid, p_external_id text, p_name text, p_description text, p_price_amount numeric, p_price_currency text,
  p_valid_until_ms double precision,
  OUT outcome text, OUT product products
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  INSERT INTO products AS p (id, external_id, name, description, price_amount, price_currency)
  VALUES (p_id, p_external_id, p_name, p_description, p_price_amount, p_price_currency)
  ON CONFLICT (external_id) DO NOTHING
  RETURNING p.* INTO product;
  outcome := CASE WHEN FOUND THEN 'CREATED' ELSE 'EXTERNAL_ID_TAKEN' END;
END $$;

-- Deletes a product; answers DELETED, NOT_FOUND or VERSION_CONFLICT. With very many reviews (a million take minutes) it is only marked, which
-- closes its stream and takes it out of everything that is read; remove_deleted_products then removes it piece by piece.
CREATE FUNCTION delete_product(p_id uuid, p_expected_version integer, p_valid_until_ms double precision) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- Removes at most p_limit reviews of a product that is marked as deleted, and the product with the last of them. Answers
-- whether there was anything to do. One call at a time works, the others have nothing to do.
CREATE FUNCTION remove_deleted_products(p_limit integer) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
END $$;
