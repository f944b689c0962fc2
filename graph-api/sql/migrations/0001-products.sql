-- Column defaults let a person insert by hand; the API makes its own UUIDv7 ids.
CREATE TABLE products (
  id             uuid        NOT NULL DEFAULT gen_random_uuid(),
  -- COLLATE "C": a unique index on text under any other collation breaks when the system's glibc or ICU changes its order.
  external_id    text COLLATE "C",
  name           text        NOT NULL,
  description    text,
  price_amount   numeric(14, 4) NOT NULL,
  price_currency text        NOT NULL,
  version        integer     NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  -- The product is deleted, and its reviews are still being removed (delete_product).
  deleted_at     timestamptz,
  CONSTRAINT products_pkey PRIMARY KEY (id),
  CONSTRAINT products_external_id_key UNIQUE (external_id),
  CONSTRAINT products_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 200),
  CONSTRAINT products_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT products_description_length CHECK (char_length(description) <= 10000),
  CONSTRAINT products_price_amount_range CHECK (price_amount >= 0),
  CONSTRAINT products_price_currency_code CHECK (price_currency ~ '^[A-Z]{3}$')
);

-- Keyset pages, newest first or last; the id breaks ties.
CREATE INDEX products_created_at_id_idx ON products (created_at, id);

-- What remove_deleted_products looks for.
CREATE INDEX products_deleted_idx ON products (id) WHERE deleted_at IS NOT NULL;
