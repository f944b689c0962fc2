-- Decisions of moderators: who, when, from which status to which, and why. They go with their review. Only `moderate_review` writes
-- them; what a person in psql does to reviews.status is captured for the rating, and is no decision.
CREATE TABLE review_decisions (
  review_id    uuid        NOT NULL,
  -- Of one review in the order of its decisions, since it is taken while the review is locked.
  id           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  -- Null once the moderator's data was erased.
  moderator_id uuid,
  from_status  text        NOT NULL,
  to_status    text        NOT NULL,
  reason       text,
  decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT review_decisions_pkey PRIMARY KEY (review_id, id),
  CONSTRAINT review_decisions_review_id_fkey FOREIGN KEY (review_id) REFERENCES reviews (id) ON DELETE CASCADE,
  CONSTRAINT review_decisions_moderator_id_fkey FOREIGN KEY (moderator_id) REFERENCES authors (id) ON DELETE SET NULL,
  CONSTRAINT review_decisions_from_status_known CHECK (from_status IN ('PENDING', 'PUBLISHED', 'REJECTED')),
  CONSTRAINT review_decisions_transition CHECK (to_status IN ('PUBLISHED', 'REJECTED') AND to_status <> from_status),
  CONSTRAINT review_decisions_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000)
);

-- What the erasure of a moderator looks for.
CREATE INDEX review_decisions_moderator_id_idx ON review_decisions (moderator_id);

-- A moderator's decision about a review: published or rejected, from any other status. It answers as `update_review` does, and
-- INVALID_TRANSITION with the review where the review has the status already, or the new one is none that is decided.
-- The author's change and the decision exclude each other by the review's lock; p_expected_version refuses to decide about a text
-- that the moderator has not read. The lock order is that of 0005: the moderator is an author.
CREATE FUNCTION moderate_review(
  p_id uuid, p_moderator_id uuid, p_issuer text, p_subject text, p_display_name text, p_expected_version integer,
  p_status text, p_reason text, p_with_product boolean, p_valid_until_ms double precision,
  OUT outcome text, OUT rating_version integer, OUT review reviews, OUT author_name text, OUT product products,
  OUT rating rating_aggregates
) LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
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
END $$;
