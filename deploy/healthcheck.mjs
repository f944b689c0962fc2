// The images' health check: exit code 0 where /health of the service beside it answers 200. It asks whether the process
// lives, not whether it is ready: an orchestrator starts an unhealthy container again, which ends no outage of PostgreSQL.
// node healthcheck.mjs VARIABLE_OF_ITS_PORT DEFAULT_PORT
const [variable, fallback] = process.argv.slice(2);
const port = process.env[variable]?.trim() || fallback;
const { ok } = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4_000) });
process.exit(ok ? 0 : 1);
