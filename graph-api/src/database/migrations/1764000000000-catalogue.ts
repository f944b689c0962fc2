import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Products, authors and reviews. Column defaults let a person insert by hand; the API makes its own UUIDv7 ids. */
export class Catalogue1764000000000 implements MigrationInterface {
  readonly name = 'Catalogue1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE products (
        id             uuid        NOT NULL DEFAULT gen_random_uuid(),
        external_id    text,
        name           text        NOT NULL,
        description    text,
        price_amount   numeric(14, 4) NOT NULL,
        price_currency text        NOT NULL,
        version        integer     NOT NULL DEFAULT 1,
        created_at     timestamptz NOT NULL DEFAULT now(),
        updated_at     timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT products_pkey PRIMARY KEY (id),
        CONSTRAINT products_external_id_key UNIQUE (external_id),
        CONSTRAINT products_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 200),
        CONSTRAINT products_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
        CONSTRAINT products_description_length CHECK (char_length(description) <= 10000),
        CONSTRAINT products_price_amount_range CHECK (price_amount >= 0),
        CONSTRAINT products_price_currency_code CHECK (price_currency ~ '^[A-Z]{3}$')
      )`);
    // Keyset pages, newest first or last; the id breaks ties.
    await queryRunner.query('CREATE INDEX products_created_at_id_idx ON products (created_at, id)');

    await queryRunner.query(`
      CREATE TABLE authors (
        id           uuid        NOT NULL DEFAULT gen_random_uuid(),
        issuer       text        NOT NULL,
        subject      text        NOT NULL,
        display_name text        NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        updated_at   timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT authors_pkey PRIMARY KEY (id),
        CONSTRAINT authors_issuer_subject_key UNIQUE (issuer, subject),
        CONSTRAINT authors_subject_length CHECK (char_length(subject) BETWEEN 1 AND 255),
        CONSTRAINT authors_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 200)
      )`);

    await queryRunner.query(`
      CREATE TABLE reviews (
        id          uuid        NOT NULL DEFAULT gen_random_uuid(),
        product_id  uuid        NOT NULL,
        author_id   uuid,
        external_id text,
        rating      smallint    NOT NULL,
        title       text,
        body        text,
        status      text        NOT NULL DEFAULT 'PUBLISHED',
        version     integer     NOT NULL DEFAULT 1,
        created_at  timestamptz NOT NULL DEFAULT now(),
        updated_at  timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT reviews_pkey PRIMARY KEY (id),
        CONSTRAINT reviews_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id),
        CONSTRAINT reviews_author_id_fkey FOREIGN KEY (author_id) REFERENCES authors (id),
        CONSTRAINT reviews_author_id_product_id_key UNIQUE (author_id, product_id),
        CONSTRAINT reviews_external_id_key UNIQUE (external_id),
        CONSTRAINT reviews_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 200),
        CONSTRAINT reviews_rating_range CHECK (rating BETWEEN 1 AND 5),
        CONSTRAINT reviews_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
        CONSTRAINT reviews_body_length CHECK (char_length(body) BETWEEN 1 AND 10000),
        CONSTRAINT reviews_status_known CHECK (status IN ('PENDING', 'PUBLISHED', 'REJECTED'))
      )`);
    // A product's reviews, page by page; also what its deletion looks for.
    await queryRunner.query(
      'CREATE INDEX reviews_product_id_created_at_id_idx ON reviews (product_id, created_at, id)',
    );
    // The aggregate of rating_aggregates reads this index alone, as long as the visibility map is fresh:
    // with 5 % of the rows updated and not yet vacuumed it costs five times as much, hence the early autovacuum.
    await queryRunner.query(
      `CREATE INDEX reviews_counted_idx ON reviews (product_id, rating) WHERE status = 'PUBLISHED'`,
    );
    await queryRunner.query(
      `ALTER TABLE reviews SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE reviews');
    await queryRunner.query('DROP TABLE authors');
    await queryRunner.query('DROP TABLE products');
  }
}
