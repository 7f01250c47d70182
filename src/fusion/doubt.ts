// One modality of a row may be somebody else's, or wrong: a swapped tube, a scan under another name. What each modality says alone tells
// how likely that is, and then those who do without it count. Classifications only; exact operations, so the same bits everywhere.

import type { Pattern } from './availability.ts'
import type { StudentSpec } from './student.ts'

/** What a model believes of its modalities before it looks. */
export interface Doubt {
  /** How likely it is that one modality of a row, whichever, is not the row's own. */
  readonly chance: number
  /** How much of what a modality says alone counts: its logits are that many times as large, up to 1. */
  readonly caution: number
  /** Share of each class among the training rows, one row of each added, by what rows count. */
  readonly prior: Float32Array
}

/** Of so many modalities each row and modality is asked about: what it costs grows with their square. */
export const DOUBTED_UP_TO = 8

/** A modality of a pattern, and whom to ask about it: weights over the members of the pattern's voices. */
export interface Doubted {
  readonly modality: number
  /** Who looks at it alone, with caution. */
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
  /** What can be doubted: every modality that some student looks at, or none, lest another one is blamed for one that cannot be asked. */
  readonly doubted: readonly Doubted[]
  /** All these weight vectors, in the order in which `believe` takes what they come to. */
  readonly ways: readonly Float32Array[]
}

/**
 * @param weightsOf weights over all students for a pattern, undefined where none can speak
 * @param heard modalities that some student looks at
 * @param doubt undefined in a model that never doubts
 */
export function voicesFor(
  pattern: Pattern,
  weightsOf: (pattern: Pattern) => Float32Array | undefined,
  heard: readonly number[],
  doubt: Doubt | undefined,
): Voices | undefined {
  const whole = weightsOf(pattern)
  if (!whole) return undefined
  const here = doubt ? heard.filter((m) => pattern[m] === '1') : []
  const pairs = here.flatMap((modality) => {
    const { alone, without } = askedOf(pattern, modality)
    const [own, others] = [weightsOf(alone), weightsOf(without)]
    return own && others ? [{ modality, alone: own, without: others }] : []
  })
  const asked = pairs.length === here.length ? pairs : []
  const members = Array.from(whole.keys()).filter(
    (i) => whole[i] > 0 || asked.some(({ alone, without }) => alone[i] > 0 || without[i] > 0),
  )
  const over = (weights: Float32Array) => Float32Array.from(members, (i) => weights[i])
  const doubted = asked.map(({ modality, alone, without }) => ({
    modality,
    alone: over(alone).map((w) => w * (doubt?.caution ?? 1)),
    without: over(without),
  }))
  const weights = over(whole)
  return { members, weights, doubted, ways: [weights, ...doubted.flatMap(({ alone, without }) => [alone, without])] }
}

/** A modality of a pattern alone, and the pattern without it. */
export const askedOf = (pattern: Pattern, modality: number): { alone: Pattern; without: Pattern } => ({
  alone: Array.from(pattern, (_, m) => (m === modality ? '1' : '0')).join(''),
  without: Array.from(pattern, (digit, m) => (m === modality ? '0' : digit)).join(''),
})

/** Modalities that some student looks at. */
export const heardModalities = (specs: readonly StudentSpec[], modalities: number): number[] =>
  Array.from({ length: modalities }, (_, m) => m).filter((m) => specs.some(({ extractors }) => extractors[m].kind !== 'skip'))

/** Probabilities that are 0 would make any doubt a certainty. */
export const LEAST = 1e-9

/**
 * Bayes' rule over "all modalities are the row's own" and, for each of K, "this one is not". Given the class, modalities of the row's own
 * are taken to be independent, so those of a set S are seen together with a likelihood in the ratio Σ_c prior(c) Π_{m ∈ S} p_m(c) / prior(c),
 * where p_m is said of m alone; a stranger's is independent of the rest.
 * @param chances (1 + 2K, B, D) from `at` on: probabilities of all, then of each modality alone and of the others. The first (B, D)
 *   become the probabilities over all that may be
 * @param beliefs (B, K) how likely it is that each modality is not the row's own: what is told
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
  const block = B * D
  for (let b = 0; b < B; b++) {
    const own = at + b * D
    let agreement = 0
    for (let d = 0; d < D; d++) {
      let product = prior[d]
      for (let k = 0; k < K; k++) product *= Math.max(chances[own + (1 + 2 * k) * block + d], LEAST) / prior[d]
      agreement += product
    }
    let sum = (1 - chance) * agreement
    const believed = sum
    for (let k = 0; k < K; k++) {
      let others = 0
      for (let d = 0; d < D; d++) {
        let product = prior[d]
        for (let j = 0; j < K; j++) {
          if (j !== k) product *= Math.max(chances[own + (1 + 2 * j) * block + d], LEAST) / prior[d]
        }
        others += product
      }
      beliefs[b * K + k] = (chance / K) * others
      sum += beliefs[b * K + k]
    }
    for (let k = 0; k < K; k++) beliefs[b * K + k] /= sum
    for (let d = 0; d < D; d++) {
      let mixed = (believed / sum) * chances[own + d]
      for (let k = 0; k < K; k++) mixed += beliefs[b * K + k] * chances[own + (2 + 2 * k) * block + d]
      chances[own + d] = mixed
    }
  }
}

/** Of rows that were predicted, how likely it is that a modality is not the row's own, as far as it was left out of the prediction. */
export interface Doubts {
  /** In the model's order. */
  readonly modalities: readonly string[]
  /** (rows, modalities): 0 of one that is missing or that could not be asked; NaN in a row that is not predicted. */
  readonly beliefs: Float64Array
}

/** From so likely on it is worth a look. */
const WORTH_A_LOOK = 0.25

/** How likely it is that some modality of a row is not the row's own; NaN in a row that is not predicted. */
export function suspicion({ modalities, beliefs }: Doubts, row: number): number {
  const M = modalities.length
  return beliefs.subarray(row * M, (row + 1) * M).reduce((sum, belief) => sum + belief, 0)
}

/**
 * The modalities of a row that had better be looked at: each that is with more than one chance in four not the row's own. Of two
 * modalities that contradict each other both are, and of more than two the wrong one may be.
 * @param row its place among those predicted
 */
export function suspects({ doubts }: { readonly doubts?: Doubts }, row: number): string[] {
  if (!doubts) return []
  const M = doubts.modalities.length
  return doubts.modalities.filter((_, m) => doubts.beliefs[row * M + m] > WORTH_A_LOOK)
}
