/** The ports that `npm start` and `npm run dev` listen on, as the services' own variables say. */
export function servicePorts(environment: Readonly<Record<string, string | undefined>>): {
  api: number;
  worker: number;
} {
  const port = (names: readonly string[], fallback: number): number => {
    const variable = names.find((name) => environment[name] !== undefined) ?? names[0]!;
    const text = environment[variable] ?? String(fallback);
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > 65_535) throw new Error(`${variable} must be a port, not "${text}"`);
    return value;
  };
  return {
    api: port(['GRAPH_API_PORT', 'PRODUCT_SERVICE_PORT'], 3000),
    worker: port(['RATING_WORKER_PORT', 'REVIEW_PROCESSING_SERVICE_PORT'], 3001),
  };
}
