-- What others than its author add to a review: the merchant's reply, a verified purchase, helpful votes. None of it is a rating
-- event, and none of it locks a product.

-- One helpful vote a voter and review.
CREATE TABLE review_votes (
  review_id uuid        NOT NULL,
  voter_id  uuid        NOT NULL,
  voted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT review_votes_pkey PRIMARY KEY (review_id, voter_id),
  CONSTRAINT review_votes_review_id_fkey FOREIGN KEY (review_id) REFERENCES reviews (id) ON DELETE CASCADE,
  CONSTRAINT review_votes_voter_id_fkey FOREIGN KEY (voter_id) REFERENCES authors (id)
);

-- What the erasure of a voter looks for.
CREATE INDEX review_votes_voter_id_idx ON review_votes (voter_id);

-- How many votes each review has. Not a column of reviews: a vote would lock the review against its author's edit, which may wait for
-- a locked product, and write all its indexes anew; and the aggregate of rating_aggregates reads an index alone for as long as few
-- rows were updated. Every review has a row, so that the order by votes is an index; one that was loaded with triggers off
-- gets it with its first vote.
CREATE TABLE review_vote_counts (
  review_id     uuid    NOT NULL,
  -- The review's, which never changes; not named as there, so that both tables can be read together.
  of_product_id uuid    NOT NULL,
  helpful_count integer NOT NULL DEFAULT 0,
  CONSTRAINT review_vote_counts_pkey PRIMARY KEY (review_id),
  CONSTRAINT review_vote_counts_helpful_count_range CHECK (helpful_count >= 0)
);

-- The most helpful reviews of a product, and of all.
CREATE INDEX review_vote_counts_product_idx ON review_vote_counts (of_product_id, helpful_count, review_id);
CREATE INDEX review_vote_counts_idx ON review_vote_counts (helpful_count, review_id);

CREATE FUNCTION start_vote_counts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO review_vote_counts (review_id, of_product_id) SELECT id, product_id FROM new_rows;
  RETURN NULL;
END $$;

CREATE TRIGGER reviews_start_vote_counts AFTER INSERT ON reviews
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION start_vote_counts();

CREATE FUNCTION end_vote_counts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM review_vote_counts c USING old_rows o WHERE c.review_id = o.id;
  RETURN NULL;
END $$;

CREATE TRIGGER reviews_end_vote_counts AFTER DELETE ON reviews
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION end_vote_counts();

-- The counts follow the votes, whoever changes these, and are locked in the order of the reviews' ids.
CREATE FUNCTION count_new_votes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO review_vote_counts AS c (review_id, of_product_id, helpful_count)
  SELECT r.id, r.product_id, n.votes
    FROM (SELECT review_id, count(*) AS votes FROM new_rows GROUP BY review_id) n
    JOIN reviews r ON r.id = n.review_id
   ORDER BY r.id
  ON CONFLICT (review_id) DO UPDATE SET helpful_count = c.helpful_count + EXCLUDED.helpful_count;
  RETURN NULL;
END $$;

CREATE TRIGGER review_votes_count_new AFTER INSERT ON review_votes
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_new_votes();

CREATE FUNCTION count_removed_votes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
END $$;

CREATE TRIGGER review_votes_count_removed AFTER DELETE ON review_votes
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_removed_votes();

CREATE FUNCTION refuse_vote_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION '% of review_votes is refused, since helpful_count would not follow: use INSERT and DELETE', TG_OP
    USING ERRCODE = 'feature_not_supported';
END $$;

CREATE TRIGGER review_votes_refuse_change BEFORE UPDATE OR TRUNCATE ON review_votes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_vote_change();

-- A helpful vote of a caller, or taking it back; either twice is as good as once. A review that is not public, or none, is NOT_FOUND;
-- the caller's own is OWN_REVIEW. Lock order: voter, vote, count; neither the review nor its product is locked against changes.
CREATE FUNCTION mark_review_helpful(
  p_id uuid, p_new_voter_id uuid, p_issuer text, p_subject text, p_display_name text, p_helpful boolean,
  p_valid_until_ms double precision,
  OUT outcome text, OUT review reviews, OUT helpful_count integer
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- The merchant's reply to a review of any status; null takes it back. The same body again changes nothing.
CREATE FUNCTION reply_to_review(
  p_id uuid, p_new_author_id uuid, p_issuer text, p_subject text, p_display_name text, p_body text,
  p_valid_until_ms double precision,
  OUT outcome text, OUT review reviews
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- Whether the author of a review bought the product, as an admin says.
CREATE FUNCTION set_verified_purchase(
  p_id uuid, p_verified boolean, p_valid_until_ms double precision, OUT outcome text, OUT review reviews
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM require_in_time(p_valid_until_ms);
  UPDATE reviews r SET verified_purchase = p_verified
   WHERE r.id = p_id AND r.verified_purchase <> p_verified
     AND EXISTS (SELECT FROM products p WHERE p.id = r.product_id AND p.deleted_at IS NULL);
  SELECT r.* INTO review
    FROM reviews r JOIN products p ON p.id = r.product_id AND p.deleted_at IS NULL
   WHERE r.id = p_id;
  outcome := CASE WHEN review.id IS NULL THEN 'NOT_FOUND' ELSE 'DONE' END;
END $$;

-- Begins the erasure of an author: nobody has this identity any more, whoever comes with it is a new author, and the name is gone.
-- What the author leaves behind is removed by remove_erased_author, piece by piece. Answers how many reviews lose their author or
-- are deleted, as p_reviews says; null where there is no such author. Creations in flight, which keep their author, are waited for.
CREATE FUNCTION erase_author(p_id uuid, p_reviews text, p_valid_until_ms double precision) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;

-- Removes up to p_limit of what an author who is being erased has left behind, and in the end the author: votes, reviews, and the
-- name beside decisions and replies. One kind a transaction, by id, so that two erasures wait for each other and do not deadlock.
-- A locked review or product holds up nobody else: it is skipped, and waited for alone where nothing else is left.
-- Null stands for any author at whom nobody else is working. Answers whether there may be more to do.
CREATE FUNCTION remove_erased_author(p_id uuid, p_limit integer) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;
