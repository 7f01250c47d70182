// One modality of a row may be somebody else's, or wrong: a swapped tube, a scan under another name. What it says alone and what all
// others say tell how likely that is, and then the others count. Classifications only; exact operations, so the same bits everywhere.

import type { Pattern } from './availability.ts'

/** What a model believes of its modalities before it looks. */
export interface Doubt {
  /** How likely it is that one modality of a row, whichever, is not the row's own. */
  readonly chance: number
  /** Share of each class among the training rows, none 0. */
  readonly prior: Float32Array
}

/** A modality of a pattern, and whom to ask about it: weights over the members of the pattern's voices. */
export interface Doubted {
  readonly modality: number
  /** Who looks at it alone. */
  readonly alone: Float32Array
  /** Who does without it. */
  readonly without: Float32Array
}

/** Who is asked about a pattern. */
export interface Voices {
  /** Students, by index. */
  readonly members: readonly number[]
  /** What each counts when all modalities are believed; 0 of a member that is asked in doubt alone. */
  readonly weights: Float32Array
  /** What can be doubted: nothing in models that never doubt, and in a single modality. */
  readonly doubted: readonly Doubted[]
}

/** @param weightsOf weights over all students for a pattern, undefined where none can speak */
export function voicesFor(
  pattern: Pattern,
  weightsOf: (pattern: Pattern) => Float32Array | undefined,
  doubts: boolean,
): Voices | undefined {
  const whole = weightsOf(pattern)
  if (!whole) return undefined
  const pairs = doubts
    ? Array.from(pattern).flatMap((digit, modality) => {
        if (digit !== '1') return []
        const alone = weightsOf(Array.from(pattern, (_, m) => (m === modality ? '1' : '0')).join(''))
        const without = weightsOf(Array.from(pattern, (d, m) => (m === modality ? '0' : d)).join(''))
        return alone && without ? [{ modality, alone, without }] : []
      })
    : []
  const members = Array.from(whole.keys()).filter(
    (i) => whole[i] > 0 || pairs.some(({ alone, without }) => alone[i] > 0 || without[i] > 0),
  )
  const over = (weights: Float32Array) => Float32Array.from(members, (i) => weights[i])
  const doubted = pairs.map(({ modality, alone, without }) => ({ modality, alone: over(alone), without: over(without) }))
  return { members, weights: over(whole), doubted }
}

/** The weight vectors of voices, in the order in which `believe` takes what they come to. */
export const waysOf = ({ weights, doubted }: Voices): Float32Array[] => [
  weights,
  ...doubted.flatMap(({ alone, without }) => [alone, without]),
]

/** Probabilities that are 0 would make any doubt a certainty. */
export const LEAST = 1e-12

/**
 * Bayes' rule over "all modalities are the row's own" and, for each of K doubted ones, "this one is not". Given the class, a modality
 * of the row's own is taken to be independent of the others, so theirs agreeing is Σ p_alone(c) p_without(c) / prior(c) times as likely
 * as with a stranger's.
 * @param chances (1 + 2K, B, D) from `at` on: probabilities of all, then of each doubted modality alone and of the others. The first
 *   (B, D) become the probabilities over all that may be
 * @param beliefs (B, K) how likely it is that each doubted modality is not the row's own: what is told
 */
export function believe(
  chances: Float32Array,
  at: number,
  { chance, prior }: Doubt,
  B: number,
  D: number,
  K: number,
  beliefs: Float64Array,
): void {
  for (let b = 0; b < B; b++) {
    const own = at + b * D
    let sum = 1 - chance
    for (let k = 0; k < K; k++) {
      const alone = own + (1 + 2 * k) * B * D
      const without = alone + B * D
      let agreement = 0
      for (let d = 0; d < D; d++) agreement += (chances[alone + d] * chances[without + d]) / prior[d]
      beliefs[b * K + k] = chance / K / Math.max(agreement, LEAST)
      sum += beliefs[b * K + k]
    }
    for (let k = 0; k < K; k++) beliefs[b * K + k] /= sum
    for (let d = 0; d < D; d++) {
      let mixed = ((1 - chance) / sum) * chances[own + d]
      for (let k = 0; k < K; k++) mixed += beliefs[b * K + k] * chances[own + (2 + 2 * k) * B * D + d]
      chances[own + d] = mixed
    }
  }
}

/** Of rows that were predicted, how likely it is that a modality is not the row's own, as far as it was left out of the prediction. */
export interface Doubts {
  /** In the model's order. */
  readonly modalities: readonly string[]
  /** (rows, modalities): 0 of one that is missing or the only one; NaN in a row that is not predicted. */
  readonly beliefs: Float64Array
}

/** From so likely on it is worth a look. */
const WORTH_A_LOOK = 0.25

/**
 * The modalities of a row that had better be looked at: where more than one chance in four is that one is not the row's own, the
 * likeliest, and with it those at least half as likely. Several mean that they contradict each other and which is wrong cannot be told.
 * @param row its place among those predicted
 */
export function suspects({ doubts }: { readonly doubts?: Doubts }, row: number): string[] {
  if (!doubts) return []
  const M = doubts.modalities.length
  const mine = doubts.beliefs.subarray(row * M, (row + 1) * M)
  const sum = mine.reduce((total, belief) => total + belief, 0)
  if (!(sum > WORTH_A_LOOK)) return []
  const most = mine.reduce((a, b) => Math.max(a, b))
  return doubts.modalities.filter((_, m) => 2 * mine[m] >= most)
}
