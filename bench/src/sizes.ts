/** How much is measured, and for how long. */
export interface Sizes {
  readonly name: SizeName;
  /** Products in the catalogue of `read` and `write`. */
  readonly products: number;
  readonly reviewsPerProduct: number;
  /** Rounds of each variant, interleaved; the median is reported. */
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly warmUpSeconds: number;
  /** Events of a backlog of relay and worker, and rounds of each kind. */
  readonly backlogEvents: number;
  readonly backlogProducts: number;
  readonly backlogRounds: number;
  /** Reviews a second, and how long each rate is kept. */
  readonly freshnessRates: readonly number[];
  readonly freshnessSeconds: number;
  readonly idleSeconds: number;
  /** Products, and as many reviews, of each step. */
  readonly growth: readonly number[];
  readonly memorySeconds: number;
}

export type SizeName = 'tiny' | 'quick' | 'full';

export const SIZES: Readonly<Record<SizeName, Sizes>> = {
  /** Shows that a scenario runs; its figures mean nothing. */
  tiny: {
    name: 'tiny',
    products: 300,
    reviewsPerProduct: 2,
    rounds: 1,
    roundSeconds: 0.2,
    warmUpSeconds: 0.1,
    backlogEvents: 2_000,
    backlogProducts: 100,
    backlogRounds: 1,
    freshnessRates: [50],
    freshnessSeconds: 1,
    idleSeconds: 1,
    growth: [1_000],
    memorySeconds: 1,
  },
  quick: {
    name: 'quick',
    products: 10_000,
    reviewsPerProduct: 10,
    rounds: 3,
    roundSeconds: 0.8,
    warmUpSeconds: 0.4,
    backlogEvents: 40_000,
    backlogProducts: 10_000,
    backlogRounds: 1,
    freshnessRates: [500, 1_000, 2_000],
    freshnessSeconds: 2,
    idleSeconds: 5,
    growth: [10_000],
    memorySeconds: 20,
  },
  full: {
    name: 'full',
    products: 10_000,
    reviewsPerProduct: 10,
    rounds: 5,
    roundSeconds: 3,
    warmUpSeconds: 2,
    backlogEvents: 300_000,
    backlogProducts: 10_000,
    backlogRounds: 3,
    freshnessRates: [500, 1_000, 2_000],
    freshnessSeconds: 15,
    idleSeconds: 20,
    growth: [10_000, 100_000, 1_000_000],
    memorySeconds: 600,
  },
};
