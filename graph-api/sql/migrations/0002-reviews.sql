CREATE TABLE authors (
  id           uuid        NOT NULL DEFAULT gen_random_uuid(),
  -- Both null once the author is being erased: whoever comes with them then is a new author.
  issuer       text COLLATE "C",
  subject      text COLLATE "C",
  display_name text,
  -- What becomes of the reviews of an author who is being erased (erase_author).
  erasure      text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT authors_pkey PRIMARY KEY (id),
  CONSTRAINT authors_issuer_subject_key UNIQUE (issuer, subject),
  CONSTRAINT authors_subject_length CHECK (char_length(subject) BETWEEN 1 AND 255),
  CONSTRAINT authors_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 200),
  CONSTRAINT authors_erasure_known CHECK (erasure IN ('ANONYMIZE', 'DELETE')),
  CONSTRAINT authors_identity CHECK (num_nulls(issuer, subject) = CASE WHEN erasure IS NULL THEN 0 ELSE 2 END)
);

-- What remove_erased_authors looks for.
CREATE INDEX authors_erasure_idx ON authors (id) WHERE erasure IS NOT NULL;

CREATE TABLE reviews (
  id          uuid        NOT NULL DEFAULT gen_random_uuid(),
  product_id  uuid        NOT NULL,
  author_id   uuid,
  external_id text COLLATE "C",
  rating      smallint    NOT NULL,
  title       text,
  body        text,
  status      text        NOT NULL DEFAULT 'PUBLISHED',
  -- Why it was rejected.
  moderation_reason text,
  -- What others add to a review, which no event concerns; helpful votes stand in tables of their own (0008).
  verified_purchase boolean NOT NULL DEFAULT false,
  reply_body  text,
  replied_at  timestamptz,
  -- Null once the replying admin's data was erased.
  reply_author_id uuid,
  -- version and updated_at are its author's: what others do leaves both as they are.
  version     integer     NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reviews_pkey PRIMARY KEY (id),
  CONSTRAINT reviews_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id),
  CONSTRAINT reviews_author_id_fkey FOREIGN KEY (author_id) REFERENCES authors (id),
  CONSTRAINT reviews_reply_author_id_fkey FOREIGN KEY (reply_author_id) REFERENCES authors (id),
  CONSTRAINT reviews_author_id_product_id_key UNIQUE (author_id, product_id),
  CONSTRAINT reviews_external_id_key UNIQUE (external_id),
  CONSTRAINT reviews_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 200),
  CONSTRAINT reviews_rating_range CHECK (rating BETWEEN 1 AND 5),
  CONSTRAINT reviews_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
  CONSTRAINT reviews_body_length CHECK (char_length(body) BETWEEN 1 AND 10000),
  CONSTRAINT reviews_status_known CHECK (status IN ('PENDING', 'PUBLISHED', 'REJECTED')),
  CONSTRAINT reviews_moderation_reason_length CHECK (char_length(moderation_reason) BETWEEN 1 AND 1000),
  CONSTRAINT reviews_reply_body_length CHECK (char_length(reply_body) BETWEEN 1 AND 10000),
  CONSTRAINT reviews_reply_whole CHECK (
    (reply_body IS NULL) = (replied_at IS NULL) AND (reply_body IS NOT NULL OR reply_author_id IS NULL))
);

-- A product's reviews, page by page, one index an order (REVIEW_ORDERS); the first is also what its deletion looks for.
CREATE INDEX reviews_product_id_created_at_id_idx ON reviews (product_id, created_at, id);
CREATE INDEX reviews_product_id_rating_id_idx ON reviews (product_id, rating, id);

-- The reviews of all products in the same orders, and of those the moderators' queue, which is short beside the table, and what is
-- not public.
CREATE INDEX reviews_created_at_id_idx ON reviews (created_at, id);
CREATE INDEX reviews_rating_id_idx ON reviews (rating, id);
CREATE INDEX reviews_pending_idx ON reviews (created_at, id) WHERE status = 'PENDING';
CREATE INDEX reviews_hidden_idx ON reviews (created_at, id) WHERE status <> 'PUBLISHED';

-- An author's reviews, page by page.
CREATE INDEX reviews_author_id_created_at_id_idx ON reviews (author_id, created_at, id);

-- The aggregate of rating_aggregates reads this index alone, as long as the visibility map is fresh: with 5 % of the rows
-- updated and not yet vacuumed it costs five times as much, hence the early autovacuum.
CREATE INDEX reviews_counted_idx ON reviews (product_id, rating) WHERE status = 'PUBLISHED';
ALTER TABLE reviews SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- What the erasure of an admin looks for.
CREATE INDEX reviews_reply_author_id_idx ON reviews (reply_author_id) WHERE reply_author_id IS NOT NULL;
