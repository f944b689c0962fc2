-- A text as it is compared with others in searches and in the order of names: without case, accents (NFKD, then without combining
-- marks) and typographic punctuation. It is the same on every server, whatever its locale, glibc or ICU, so that indexes outlive their upgrades.
CREATE FUNCTION fold_text(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
  -- ASCII alone: a hundredth of the time.
  WHEN octet_length(value) = char_length(value) THEN lower(value COLLATE "C")
  ELSE normalize(
    lower(translate(
      regexp_replace(
        regexp_replace(normalize(value COLLATE "C", NFKD), '[\u0300-\u036f]', '', 'g'),
        '[\u00a1-\u00bf\u2000-\u206f\u3001-\u303f]', ' ', 'g'),
      'ØøŁłĐđĦħıΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЄЂЉЊЋЏ',
      'oollddhhiαβγδεζηθικλμνξοπρστυφχψωσабвгдежзиклмнопрстуфхцчшщъыьэюяієђљњћџ')),
    NFC)
END;

-- What a caller searches for; null, which no product matches, where it names nothing that must occur. The operators are those of
-- websearch_to_tsquery but for phrases, whose words must all occur: with positions the index could not answer alone.
CREATE FUNCTION search_query(value text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT CASE WHEN querytree(query) NOT IN ('', 'T') THEN query END
    FROM (SELECT replace(websearch_to_tsquery('pg_catalog.simple', fold_text(value))::text, ' <-> ', ' & ')::tsquery) AS parsed (query));

-- Column defaults let a person insert by hand; the API makes its own UUIDv7 ids.
CREATE TABLE products (
  id             uuid        NOT NULL DEFAULT gen_random_uuid(),
  -- COLLATE "C": a unique index on text under any other collation breaks when the system's glibc or ICU changes its order.
  external_id    text COLLATE "C",
  name           text        NOT NULL,
  -- What products are ordered by NAME by. 200 characters fit in an index; folding may make more of them.
  name_key       text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(fold_text(name), 200)) STORED,
  description    text,
  price_amount   numeric(14, 4) NOT NULL,
  price_currency text        NOT NULL,
  version        integer     NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  -- Words without positions (search_query). No longer text than that: folding may make 18 characters of one.
  search         tsvector    NOT NULL GENERATED ALWAYS AS (
    strip(to_tsvector('pg_catalog.simple', left(fold_text(name || ' ' || coalesce(description, '')), 20000)))) STORED,
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

-- Keyset pages, one index an order (PRODUCT_ORDERS), read in both directions; the id breaks ties.
CREATE INDEX products_created_at_id_idx ON products (created_at, id);
CREATE INDEX products_name_key_id_idx ON products (name_key, id);
CREATE INDEX products_price_idx ON products (price_currency, price_amount, id);

CREATE INDEX products_search_idx ON products USING gin (search);

-- What remove_deleted_products looks for.
CREATE INDEX products_deleted_idx ON products (id) WHERE deleted_at IS NOT NULL;
