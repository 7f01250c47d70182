// Statistics of repeated experiments: the same measurement over seeds. Everything is in the units of what was measured.

import { ShapeError } from '../core/errors.ts'

/** What a measurement was over n repetitions. */
export interface Summary {
  readonly n: number
  /** NaN of no values. */
  readonly mean: number
  /** Standard deviation of one repetition, with n - 1 in the denominator. NaN of fewer than two values. */
  readonly sd: number
  /** Standard error of the mean, sd / √n. NaN of fewer than two values. */
  readonly se: number
}

/** How two measurements of the same repetitions differ. */
export interface Comparison {
  /** Pairs. */
  readonly n: number
  /** Mean of a - b. NaN of no pairs. */
  readonly difference: number
  /** Standard error of that mean. NaN of fewer than two pairs. */
  readonly se: number
  /**
   * Two-sided p of the paired t-test (Student 1908). NaN of fewer than two pairs. Differences that are all zero give 1, others
   * that are all the same give 0.
   */
  readonly p: number
  /**
   * Two-sided p of the signed-rank test (Wilcoxon 1945), exact for any ties: zero differences are left out, sizes equal to the bit get their
   * mean rank, and all signs of those ranks are equally likely. 1 if no difference is left.
   */
  readonly wilcoxon: number
}

export function summarize(values: ArrayLike<number>): Summary {
  const n = values.length
  // As differences from the first, so that equal values have that mean and no deviation to the bit.
  const shift = values[0]
  let sum = 0
  for (let i = 0; i < n; i++) sum += values[i] - shift
  const mean = shift === undefined ? Number.NaN : shift + sum / n
  let squares = 0
  for (let i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean)
  const sd = n < 2 ? Number.NaN : Math.sqrt(squares / (n - 1))
  return { n, mean, sd, se: sd / Math.sqrt(n) }
}

/**
 * Compares measurements a and b of the same seeds, in the same order. Time grows with the cube of their number: meant for seeds,
 * up to some hundreds.
 * @throws ShapeError when they are not equally many
 */
export function paired(a: ArrayLike<number>, b: ArrayLike<number>): Comparison {
  if (a.length !== b.length) {
    throw new ShapeError(`there are ${a.length} and ${b.length} measurements to pair: give both of every seed`)
  }
  const differences = Array.from(a, (value, i) => value - b[i])
  const { n, mean, se } = summarize(differences)
  return { n, difference: mean, se, p: tTest(mean, se, n), wilcoxon: signedRank(differences) }
}

/**
 * Which means no standard error sets apart from the best one: those within the best's own (the one-standard-error rule; Breiman
 * et al. 1984). Without a standard error only the best itself.
 */
export function nearBest(summaries: readonly Summary[], better: 'lower' | 'higher'): boolean[] {
  const sign = better === 'lower' ? 1 : -1
  const known = summaries.filter(({ mean }) => !Number.isNaN(mean))
  if (known.length === 0) return summaries.map(() => false)
  const best = known.reduce((a, b) => (sign * b.mean < sign * a.mean ? b : a))
  return summaries.map(({ mean }) => sign * (mean - best.mean) <= (best.se || 0))
}

function tTest(mean: number, se: number, n: number): number {
  if (se === 0) return mean === 0 ? 1 : 0
  return tTwoSided(mean / se, n - 1)
}

/**
 * The chance that Student's t of `df` ≥ 1 degrees of freedom is at least as far from 0 as `t`; NaN if either is none. With θ =
 * atan(t / √df) the chance of the opposite is C (θ' + sin θ Σ aⱼ cosʲθ) over j < df of its parity, where C = 1, θ' = 0 for even and
 * C = 2/π, θ' = θ for odd df, and aⱼ₊₂ = aⱼ (j + 1) / (j + 2) (Abramowitz and Stegun 26.7.3 and 26.7.4). The sum over all j is 1,
 * so in the tail the terms from df on are added instead: no digits cancel and a small p has all of its own.
 */
export function tTwoSided(t: number, df: number): number {
  if (Number.isNaN(t) || !(df >= 1)) return Number.NaN
  const odd = df % 2 === 1
  const cos2 = df / (df + t * t)
  const sin = 1 / Math.sqrt(1 + df / (t * t))
  const tail = t * t >= 1
  let term = odd ? Math.sqrt(cos2) : 1
  let body = 0
  let j = odd ? 1 : 0
  const next = () => {
    term *= (cos2 * (j + 1)) / (j + 2)
    j += 2
  }
  for (; j < df; next()) body += term
  const scale = odd ? 2 / Math.PI : 1
  if (!tail) return 1 - scale * (sin * body + (odd ? Math.atan(Math.abs(t) / Math.sqrt(df)) : 0))
  let rest = 0
  for (; term > rest * 1e-17; next()) rest += term
  return scale * sin * rest
}

function signedRank(differences: readonly number[]): number {
  if (differences.some(Number.isNaN)) return Number.NaN
  const sorted = differences.filter((d) => d !== 0).sort((a, b) => Math.abs(a) - Math.abs(b))
  const ranks = doubledRanks(sorted.map(Math.abs))
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const positive = ranks.reduce((sum, rank, i) => (sorted[i] > 0 ? sum + rank : sum), 0)
  const chance = chanceOfSums(ranks, total)
  // The distribution is symmetric: both tails are as likely as the lower one.
  const tail = chance.subarray(0, Math.min(positive, total - positive) + 1).reduce((sum, p) => sum + p, 0)
  return Math.min(1, 2 * tail)
}

/** Twice the ranks of sorted sizes: whole numbers also where equal sizes share their mean rank. */
function doubledRanks(sizes: readonly number[]): number[] {
  return sizes.map((size) => sizes.indexOf(size) + sizes.lastIndexOf(size) + 2)
}

/** The chance of each sum 0 … total of ranks whose signs are tossed: half of each rank's chance goes with it, half without. */
function chanceOfSums(ranks: readonly number[], total: number): Float64Array {
  const chance = new Float64Array(total + 1)
  chance[0] = 1
  let reached = 0
  for (const rank of ranks) {
    reached += rank
    for (let sum = reached; sum >= 0; sum--) chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2
  }
  return chance
}
