/** The bound that a value is to keep. */
export type Wanted = { readonly atLeast: number } | { readonly atMost: number };

/** One measured value: a line of the closing table. */
export interface Figure {
  /** What was measured, complete in itself: `page of 20: requests/s as a ratio to the floor`. */
  readonly measure: string;
  readonly value: number;
  /** Written behind the value: `ms`, `µs`, `/s`; empty for a ratio. */
  readonly unit: string;
  readonly wanted?: Wanted;
  /** What belongs to the value: `floor 4,512/s, common way 0.45`. */
  readonly detail?: string;
}

/** What one scenario measured, and under which conditions. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly size: string;
  readonly commit: string;
  readonly machine: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  /** What other work took of the processors meanwhile, from 0 to 1; absent where that is not known. */
  readonly foreignLoad?: number;
  readonly figures: readonly Figure[];
}

/** Three significant digits, thousands separated: `0.287`, `14.2`, `1,442`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `1,442 µs` */
export function formatValue({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return `${formatNumber(value)}${unit === '' || unit.startsWith('/') ? unit : ` ${unit}`}`;
}

/** `≥ 0.9`; empty where nothing is asked for. */
export function formatWanted({ wanted, unit }: Pick<Figure, 'wanted' | 'unit'>): string {
  if (wanted === undefined) return '';
  const [sign, value] = 'atLeast' in wanted ? ['≥', wanted.atLeast] : ['≤', wanted.atMost];
  return `${sign} ${value.toLocaleString('en')}${unit === '' || unit.startsWith('/') ? unit : ` ${unit}`}`;
}

/**
 * How far a figure is, 1 being the wanted value and more being better: `value / atLeast` or `atMost / value`. Undefined where
 * nothing is asked for.
 */
export function achieved({ value, wanted }: Pick<Figure, 'value' | 'wanted'>): number | undefined {
  if (wanted === undefined) return undefined;
  if ('atLeast' in wanted) return value / wanted.atLeast;
  return value === 0 ? Number.POSITIVE_INFINITY : wanted.atMost / value;
}
