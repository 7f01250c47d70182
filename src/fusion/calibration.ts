// What a model was like on rows it had not learned from: how far off it was, how far its students were apart, how far from usual the
// rows. A level that is asked for later becomes sets and intervals by order statistics of these numbers; nothing is fitted then.

import type { Pattern } from './availability.ts'

/** Numbers in ascending order, thinned where they were many; `rows` is how many there were. */
export interface Sample {
  readonly rows: number
  readonly values: Float32Array
}

/** How far off an ensemble was with the modalities of a pattern: of a class, or of an output of a regression. */
export interface CalibrationCell {
  readonly pattern: Pattern
  readonly output: number
  readonly sample: Sample
}

export interface Calibration {
  /**
   * `held`: rows that nothing was fitted on or chosen by: split-conformal, with its guarantee. `out-of-fold`: training rows, each judged
   * by copies that had not seen it, whose place a model trained on all rows takes: cross-conformal, which holds approximately.
   */
  readonly source: 'held' | 'out-of-fold'
  /**
   * Of a classification 1 - p of the true class. Of a regression |y - ŷ| / (disagreement + floor), outputs as they are learned. A pattern
   * is judged on all rows that have its modalities, with the others hidden.
   */
  readonly cells: readonly CalibrationCell[]
  /** Of a regression's outputs: the mean disagreement. */
  readonly floor: Float32Array
  /** How far the students are apart on a row, of rows with the modalities they have. */
  readonly disagreement: Sample
  /** Root mean square of a row's standardised features, by modality. */
  readonly distance: readonly Sample[]
}

/** The most numbers that a sample keeps. */
export const KEPT = 256

/** Every so manieth of many numbers, and the largest: an order statistic looked for among them is at least as large as it was. */
export function sampleOf(values: ArrayLike<number>): Sample {
  const sorted = Float64Array.from(values).sort()
  const kept = Math.min(KEPT, sorted.length)
  return {
    rows: sorted.length,
    values: Float32Array.from({ length: kept }, (_, j) => up(sorted[rankOf(j, sorted.length, kept) - 1])),
  }
}

/** Which number, from 1, the j-th kept one is. */
const rankOf = (j: number, rows: number, kept: number): number => Math.ceil(((j + 1) * rows) / kept)

/** The f32 that is no smaller. */
function up(value: number): number {
  const near = Math.fround(value)
  return near >= value ? near : Math.fround(value + Math.abs(value) * 1.2e-7 + 1e-45)
}

/** Whether a level can be had of so many rows: ⌈(n + 1) level⌉ of them must be there. */
export const enough = ({ rows }: Sample, level: number): boolean => Math.ceil((rows + 1) * level - 1e-9) <= rows

/**
 * The number that a new row of the same kind does not exceed with the probability `level`, at least: the ⌈(n + 1) level⌉-th of n
 * (Vovk et al., 2005); ∞ where there are too few.
 */
export function bound(sample: Sample, level: number): number {
  if (!enough(sample, level)) return Number.POSITIVE_INFINITY
  const rank = Math.ceil((sample.rows + 1) * level - 1e-9)
  const { length } = sample.values
  let j = 0
  while (j < length - 1 && rankOf(j, sample.rows, length) < rank) j++
  return sample.values[j]
}

/** How rare a number as large is: (1 + those at least as large) / (n + 1), from what was kept. */
export function rarity({ rows, values }: Sample, value: number): number {
  if (rows === 0) return 1
  let below = 0
  for (let j = 0; j < values.length && values[j] < value; j++) below = rankOf(j, rows, values.length)
  return (1 + rows - below) / (rows + 1)
}

/** The numbers of several samples. */
export function pooled(samples: readonly Sample[]): Sample {
  if (samples.length === 1) return samples[0]
  // Each kept number stands for those between it and the one before.
  const all = samples.flatMap(({ rows, values }) =>
    Array.from(values, (value, j) => ({
      value,
      times: rankOf(j, rows, values.length) - (j > 0 ? rankOf(j - 1, rows, values.length) : 0),
    })),
  )
  return sampleOf(all.flatMap(({ value, times }) => new Array<number>(times).fill(value)))
}
