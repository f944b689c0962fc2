import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the worker may do to a product's number: move it forward. Where PostgreSQL was put back to an older backup, its
 * later events are still in Kafka and Redis; past their numbers they are taken as seen. `docs/rating-protocol.md` says
 * when. A definer's function, so that the worker's role needs no right on the table; grant that role EXECUTE on it.
 */
export class AdvanceReviewSequence1764000003000 implements MigrationInterface {
  readonly name = 'AdvanceReviewSequence1764000003000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Answers the number that holds now, null where there is no such product. An update only where it moves: a number
    // that is high enough already takes no lock.
    await queryRunner.query(`
      CREATE FUNCTION advance_review_sequence(product_id uuid, at_least integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        last_number integer;
      BEGIN
        UPDATE review_streams s SET last_seq = at_least
         WHERE s.product_id = advance_review_sequence.product_id AND s.last_seq < at_least
        RETURNING s.last_seq INTO last_number;
        IF NOT FOUND THEN
          SELECT s.last_seq INTO last_number FROM review_streams s
           WHERE s.product_id = advance_review_sequence.product_id;
        END IF;
        RETURN last_number;
      END $$`);
    await queryRunner.query('REVOKE ALL ON FUNCTION advance_review_sequence(uuid, integer) FROM PUBLIC');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION advance_review_sequence(uuid, integer)');
  }
}
