/** The middle of the values; the mean of the two middle ones where their number is even. @throws for no values. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The smallest value that at least `percent` % of the values do not exceed (nearest rank): always one that was measured,
 * never an interpolation. @throws for no values, and for a percentage outside of 0 to 100.
 */
export function percentile(values: readonly number[], percent: number): number {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`a percentage is from 0 to 100, not ${percent}`);
  const sorted = ascending(values);
  // 99 % of 1,000 is 990.0000000000001 in floating point: the rank must stay 990.
  const rank = Math.ceil(Number(((percent / 100) * sorted.length).toFixed(9)));
  return sorted[Math.max(rank, 1) - 1]!;
}

/**
 * The median of the ratios of two series measured in the same rounds, `values[i] / baseline[i]`. What slows a whole round
 * down slows both down, so the ratio of a round is steadier than its two figures.
 * @throws where the series differ in length, or a baseline is not positive
 */
export function medianRatio(values: readonly number[], baseline: readonly number[]): number {
  if (values.length !== baseline.length) {
    throw new RangeError(`${values.length} values cannot be paired with ${baseline.length} of the baseline`);
  }
  return median(
    values.map((value, i) => {
      const reference = baseline[i]!;
      if (!(reference > 0)) throw new RangeError(`the baseline of round ${i + 1} is ${reference}, not positive`);
      return value / reference;
    }),
  );
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('there are no values');
  return [...values].sort((a, b) => a - b);
}
