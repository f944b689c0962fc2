-- What the worker sees of reviews: grant its role SELECT on the view and EXECUTE on the function, and what 0007 names.

-- The rating of a product as its reviews have it. One statement on this view is one consistent snapshot: exactly the changes
-- 1..last_seq, of which last_event_id is the last. The lateral aggregate reads only the products asked for (a join to a grouped subquery reads the whole table),
-- and the planner drops it where no count is selected. A product that was loaded with triggers off has no stream; its
-- last_seq is 0, with counts that no change explains. A look-up for each column of the stream: a join to it, or EXISTS, reads all
-- of review_streams for 20 products of 1,000.
CREATE VIEW rating_aggregates AS
SELECT p.id AS product_id,
       coalesce((SELECT s.last_seq FROM review_streams s WHERE s.product_id = p.id), 0) AS last_seq,
       coalesce((SELECT s.last_event_id FROM review_streams s WHERE s.product_id = p.id),
                '00000000-0000-0000-0000-000000000000') AS last_event_id,
       r.stars_1, r.stars_2, r.stars_3, r.stars_4, r.stars_5,
       (SELECT true FROM review_streams s WHERE s.product_id = p.id) IS NOT NULL AS has_stream
  FROM products p
  LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE rating = 1) AS stars_1,
           count(*) FILTER (WHERE rating = 2) AS stars_2,
           count(*) FILTER (WHERE rating = 3) AS stars_3,
           count(*) FILTER (WHERE rating = 4) AS stars_4,
           count(*) FILTER (WHERE rating = 5) AS stars_5
      FROM reviews
     WHERE reviews.product_id = p.id AND status = 'PUBLISHED'
  ) r ON true
 WHERE p.deleted_at IS NULL;

-- Raises a product's last sequence number to at least the given one and answers what holds now, null where there is no such
-- product. Where PostgreSQL was put back to an older backup, its later events are still in Kafka and Redis; once its
-- sequence number is past theirs they are duplicates (docs/rating-protocol.md says when). The advance gets an id of its own, as
-- if it were an event: no other advance to the same sequence number is taken for this one. A sequence number that is high enough
-- takes no lock. It runs with its owner's rights, so that the worker's role needs none on the table.
CREATE FUNCTION advance_review_sequence(product_id uuid, at_least integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
END $$;

REVOKE ALL ON FUNCTION advance_review_sequence(uuid, integer) FROM PUBLIC;
