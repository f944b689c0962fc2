// The images' health check: exit code 0 where /health of the service beside it answers 200. It asks whether the process
// lives, not whether it is ready: an orchestrator starts an unhealthy container again, which ends no outage of PostgreSQL.
// node healthcheck.mjs DEFAULT_PORT NAME_OF_ITS_VARIABLE…
const [fallback, ...names] = process.argv.slice(2);
// Kubernetes sets variables of these forms by itself, to addresses such as tcp://10.0.0.1:80: they are no port to listen on.
const port = names.map((name) => process.env[name]?.trim()).find((value) => /^\d+$/.test(value ?? '')) ?? fallback;
const { ok } = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4_000) });
process.exit(ok ? 0 : 1);
