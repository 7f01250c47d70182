// An ensemble is a weight vector over students, one per availability pattern. It combines logits (classification) or outputs
// (regression), not probabilities. Policies live in train/ensembling.ts; only their numbers come here.

import type { Pattern } from './availability.ts'

/** In the order of a model file. `greedy` is Meta Fusion's own. */
export const RULES = ['greedy', 'best-single', 'simple-average', 'weighted-average'] as const
export type Rule = (typeof RULES)[number]

/** Weights over students of each rule for each listed pattern; each vector sums to 1, unless the students' outputs are terms of a sum. */
export interface Ensembles {
  readonly sum?: true
  readonly patterns: readonly Pattern[]
  readonly weights: Readonly<Record<Rule, readonly Float32Array[]>>
}

/** No pattern listed: every pattern is combined by the students' losses. */
export const noEnsembles = (): Ensembles => ({
  patterns: [],
  weights: { greedy: [], 'best-single': [], 'simple-average': [], 'weighted-average': [] },
})

/** Every rule adds up the outputs of all who can speak. @param able who can speak for each pattern */
export function sumEnsembles(
  patterns: readonly Pattern[],
  students: number,
  able: (pattern: Pattern) => readonly number[],
): Ensembles {
  const listed = patterns.filter((pattern) => able(pattern).length > 0)
  const ones = listed.map((pattern) => {
    const members = able(pattern)
    return new Float32Array(students).map((_, i) => (members.includes(i) ? 1 : 0))
  })
  return {
    sum: true,
    patterns: listed,
    weights: { greedy: ones, 'best-single': ones, 'simple-average': ones, 'weighted-average': ones },
  }
}

/** Weights ∝ 1 / loss over the given students, 0 for the others. A loss of 0 counts as 1e-12. */
export function inverseLoss(losses: ArrayLike<number>, members: readonly number[]): Float32Array {
  const inverse = (i: number) => 1 / Math.max(losses[i], 1e-12)
  const sum = members.reduce((total, i) => total + inverse(i), 0)
  const weights = new Float32Array(losses.length)
  for (const i of members) weights[i] = inverse(i) / sum
  return weights
}

/** The members, best first, the first of equals. */
export const byLoss = (losses: ArrayLike<number>, members: readonly number[]): number[] =>
  [...members].sort((a, b) => losses[a] - losses[b] || a - b)

/**
 * The weights of a rule by the students' validation losses alone, over those that can speak: what a pattern gets that no
 * validation row could be found for. Greedy is then its own starting point, the `best` students.
 */
export function weightsByLoss(rule: Rule, losses: ArrayLike<number>, able: readonly number[], best: number): Float32Array {
  if (rule === 'simple-average') {
    const weights = new Float32Array(losses.length)
    for (const i of able) weights[i] = 1 / able.length
    return weights
  }
  if (rule === 'weighted-average') return inverseLoss(losses, able)
  return inverseLoss(losses, byLoss(losses, able).slice(0, rule === 'best-single' ? 1 : best))
}
