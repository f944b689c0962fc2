/** Something that is measured beside others of its kind. */
export interface Variant<Name extends string, Result> {
  readonly name: Name;
  readonly measure: () => Promise<Result>;
}

/**
 * Measures all variants in each round, one after the other, so that what changes on the machine meanwhile meets all of them.
 * Every round begins with another variant: none always has the place after the same neighbour.
 * @returns each variant's results, in the order of the rounds
 */
export async function interleave<Name extends string, Result>(
  rounds: number,
  variants: readonly Variant<Name, Result>[],
  options: { readonly signal: AbortSignal; readonly onRound?: (round: number) => void },
): Promise<Record<Name, Result[]>> {
  const results = Object.fromEntries(variants.map(({ name }) => [name, []])) as unknown as Record<Name, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    options.onRound?.(round + 1);
    for (let i = 0; i < variants.length; i += 1) {
      options.signal.throwIfAborted();
      const { name, measure } = variants[(round + i) % variants.length]!;
      results[name].push(await measure());
    }
  }
  return results;
}
