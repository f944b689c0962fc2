-- What a caller does to a review, each as one function: one round trip, and the product's stream is locked for no longer
-- than the server needs (a transaction of several round trips held it 2.8 times as long on a hot product). `last_seq` is
-- read after the change, while its row is still locked: it is the sequence number of this very change.
--
-- Lock order everywhere: author, product, review, stream. Whoever waits for a lock gives up after two seconds (55P03, which
-- callers may try again), so that one locked product does not take all connections of a pool.

-- The author of a token; the display name follows the token. The row stays locked as a foreign key locks it, so that an
-- author who is being erased is either found and kept until the caller commits, or made anew.
CREATE FUNCTION upsert_author(p_id uuid, p_issuer text, p_subject text, p_display_name text) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  found_id uuid;
  found_name text;
BEGIN
  SELECT id, display_name INTO found_id, found_name
    FROM authors WHERE issuer = p_issuer AND subject = p_subject FOR KEY SHARE;
  IF found_id IS NULL OR found_name <> p_display_name THEN
    INSERT INTO authors (id, issuer, subject, display_name)
    VALUES (p_id, p_issuer, p_subject, p_display_name)
    ON CONFLICT (issuer, subject) DO UPDATE SET display_name = EXCLUDED.display_name, updated_at = now()
    RETURNING id INTO found_id;
  END IF;
  RETURN found_id;
END $$;

CREATE FUNCTION create_review(
  p_id uuid, p_product_id uuid, p_author_id uuid, p_issuer text, p_subject text, p_display_name text,
  p_rating smallint, p_title text, p_body text,
  OUT outcome text, OUT review_id uuid, OUT product_id uuid, OUT rating_version integer
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  author uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM products WHERE id = p_product_id AND deleted_at IS NULL) THEN
    outcome := 'NOT_FOUND';
    RETURN;
  END IF;
  author := upsert_author(p_author_id, p_issuer, p_subject, p_display_name);
  INSERT INTO reviews (id, product_id, author_id, rating, title, body)
  VALUES (p_id, p_product_id, author, p_rating, p_title, p_body)
  ON CONFLICT ON CONSTRAINT reviews_author_id_product_id_key DO NOTHING;
  outcome := CASE WHEN FOUND THEN 'CREATED' ELSE 'ALREADY_REVIEWED' END;
  IF outcome = 'CREATED' THEN
    review_id := p_id;
    product_id := p_product_id;
    SELECT s.last_seq INTO STRICT rating_version FROM review_streams s WHERE s.product_id = p_product_id;
  END IF;
END $$;

-- A review that is not public does not exist for others than its author.
-- Absent is not null: p_set_title and p_set_body say whether the caller named the field. p_rating null = absent.
CREATE FUNCTION update_review(
  p_id uuid, p_issuer text, p_subject text, p_display_name text, p_expected_version integer,
  p_rating smallint, p_set_title boolean, p_title text, p_set_body boolean, p_body text,
  OUT outcome text, OUT review_id uuid, OUT product_id uuid, OUT rating_version integer
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  author uuid;
  review reviews%ROWTYPE;
BEGIN
  SELECT id INTO author FROM authors WHERE issuer = p_issuer AND subject = p_subject;
  IF author IS NOT NULL THEN
    UPDATE authors SET display_name = p_display_name, updated_at = now()
     WHERE id = author AND display_name <> p_display_name;
  END IF;

  UPDATE reviews r
     SET rating = coalesce(p_rating, r.rating),
         title = CASE WHEN p_set_title THEN p_title ELSE r.title END,
         body = CASE WHEN p_set_body THEN p_body ELSE r.body END,
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
  IF outcome IN ('UPDATED', 'UNCHANGED') THEN
    review_id := review.id;
    product_id := review.product_id;
    SELECT s.last_seq INTO rating_version FROM review_streams s WHERE s.product_id = review.product_id;
  END IF;
END $$;

CREATE FUNCTION delete_review(
  p_id uuid, p_issuer text, p_subject text, p_is_admin boolean,
  OUT outcome text, OUT review_id uuid, OUT product_id uuid, OUT rating_version integer
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
BEGIN
  DELETE FROM reviews r
   WHERE r.id = p_id
     AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL)
     AND (p_is_admin OR EXISTS (
           SELECT FROM authors a WHERE a.id = r.author_id AND a.issuer = p_issuer AND a.subject = p_subject))
  RETURNING r.id, r.product_id INTO review_id, product_id;
  IF FOUND THEN
    outcome := 'DELETED';
    SELECT s.last_seq INTO STRICT rating_version
      FROM review_streams s WHERE s.product_id = delete_review.product_id;
  ELSE
    outcome := CASE
      WHEN EXISTS (SELECT FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
                    WHERE r.id = p_id AND r.status = 'PUBLISHED') THEN 'FORBIDDEN'
      ELSE 'NOT_FOUND'
    END;
  END IF;
END $$;

-- Deletes a product; answers whether it was there. With very many reviews (a million take minutes) it is only marked, which
-- closes its stream and takes it out of everything that is read; remove_deleted_products then removes it piece by piece.
CREATE FUNCTION delete_product(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  at_once CONSTANT integer := 1000;
  reviews_locked integer;
BEGIN
  PERFORM FROM products WHERE id = p_id AND deleted_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM FROM reviews WHERE product_id = p_id ORDER BY id LIMIT at_once + 1 FOR UPDATE;
  GET DIAGNOSTICS reviews_locked = ROW_COUNT;
  IF reviews_locked <= at_once THEN
    DELETE FROM products WHERE id = p_id;
  ELSE
    UPDATE products SET deleted_at = now() WHERE id = p_id;
  END IF;
  RETURN true;
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
