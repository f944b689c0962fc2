/**
 * Lifts, for the transaction that it begins, the limits of time that the role may have: a migration may take long. Those that
 * this PostgreSQL does not know are left out.
 */
export const LIFT_TIME_LIMITS = `
  SELECT set_config(name, '0', true)
    FROM unnest('{statement_timeout,idle_in_transaction_session_timeout,transaction_timeout}'::text[]) AS name
   WHERE current_setting(name, true) IS NOT NULL`;
