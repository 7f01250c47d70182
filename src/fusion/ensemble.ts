// An ensemble is a weight vector over students, one per availability pattern, and what of theirs is weighed: outputs (logits, or
// what a regression says), probabilities, or votes. Stacking alone hears them through a network of its own (stacking.ts).
// Policies live in train/ensembling.ts; only their numbers come here.

import type { InferKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import type { Pattern } from './availability.ts'
import type { Doubt } from './doubt.ts'

/** In the order of a model file; the first that a model has is its own. `greedy` is Meta Fusion's. */
export const RULES = [
  'greedy',
  'best-single',
  'simple-average',
  'weighted-average',
  'majority-vote',
  'weighted-vote',
  'bagging',
  'stacking',
] as const
export type Rule = (typeof RULES)[number]

/** Those that a task has, and those built unless others are asked for: numbers have no majority. */
export const rulesOf = (task: 'classification' | 'regression'): readonly Rule[] =>
  task === 'classification' ? RULES : RULES.filter((rule) => !isVote(rule))
export const usualRules = (task: 'classification' | 'regression'): readonly Rule[] =>
  rulesOf(task).filter((rule) => rule !== 'bagging' && rule !== 'stacking')

export const isVote = (rule: Rule): boolean => rule === 'majority-vote' || rule === 'weighted-vote'

/** What a classification's averages are of. The authors average logits. */
export const AVERAGES = ['logits', 'probabilities'] as const
export type Average = (typeof AVERAGES)[number]

/**
 * How a greedy selection came about: members in the order they came (those it began with first), the score after each addition,
 * NaN where it could not be had or is not finite.
 */
export interface Selection {
  readonly members: readonly number[]
  readonly trace: readonly number[]
}

/** What a model knows of combining its students. */
export interface Ensembles {
  /** The students' outputs are terms of a sum: weights need not be shares of 1. */
  readonly sum?: true
  /** Those with weights of their own; any other is combined by the students' losses. */
  readonly patterns: readonly Pattern[]
  /** Weights over students of each rule that was built, for each listed pattern; a vector sums to 1, but of a sum. Stacking's are alike. */
  readonly weights: Readonly<Partial<Record<Rule, readonly Float32Array[]>>>
  readonly average: Average
  /** Of a classification whose greedy ensemble asks whether each modality is the row's own. */
  readonly doubt?: Doubt
  /** Parameters of the meta learner, in the order of its layout. */
  readonly stacking?: Float32Array
  /** How greedy chose, for each listed pattern. */
  readonly selections?: readonly Selection[]
}

/** No pattern listed: every pattern is combined by the students' losses. */
export const noEnsembles = (rules: readonly Rule[] = usualRules('regression'), average: Average = 'logits'): Ensembles => ({
  patterns: [],
  weights: Object.fromEntries(rules.map((rule) => [rule, []])),
  average,
})

/** The rules that were built, in their order. */
export const builtRules = ({ weights, stacking }: Ensembles): readonly Rule[] =>
  RULES.filter((rule) => weights[rule] !== undefined && (rule !== 'stacking' || stacking !== undefined))

/** What a rule is called where methods are compared. */
export const methodName = (rule: Rule): string =>
  rule === 'greedy' ? 'meta-fusion' : rule === 'best-single' ? 'best-single-student' : rule

/** Adds up the outputs of all who can speak: the one rule of such a model is `simple-average`. @param able who can, for each pattern */
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
  return { sum: true, patterns: listed, weights: { 'simple-average': ones }, average: 'logits' }
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
 * validation row could be found for. Greedy is then its own starting point, the `best` students; bagging what its draws are on
 * average, everyone.
 */
export function weightsByLoss(rule: Rule, losses: ArrayLike<number>, able: readonly number[], best: number): Float32Array {
  switch (rule) {
    case 'greedy':
      return inverseLoss(losses, byLoss(losses, able).slice(0, best))
    case 'best-single':
      return inverseLoss(losses, byLoss(losses, able).slice(0, 1))
    case 'weighted-average':
    case 'weighted-vote':
      return inverseLoss(losses, able)
    default: {
      const weights = new Float32Array(losses.length)
      for (const i of able) weights[i] = 1 / able.length
      return weights
    }
  }
}

/** The first of the largest of D numbers. */
export function argmax(values: ArrayLike<number>, at: number, D: number): number {
  let best = 0
  for (let d = 1; d < D; d++) if (values[at + d] > values[at + best]) best = d
  return best
}

/**
 * out (W, B, D) = what the outputs `said` (K, B, D) of K students come to by a rule that weighs them, in each of W ways: probabilities
 * of classes, the share of the votes that each class has, or values. `said` is worked on in place.
 */
export function combine(
  { kernels, memory }: Session<InferKernels>,
  out: Pointer,
  said: Pointer,
  ways: readonly Float32Array[],
  rule: Rule,
  { task, average }: { readonly task: 'classification' | 'regression'; readonly average: Average },
  B: number,
  D: number,
): void {
  const K = ways[0].length
  const logits = task === 'classification' && !isVote(rule) && average === 'logits'
  if (isVote(rule)) castVotes(memory.f32(said, K * B * D), D)
  else if (task === 'classification' && !logits) kernels.softmax(said, said, K * B, D)
  const mark = memory.mark()
  const at = memory.alloc(4 * K)
  ways.forEach((weights, w) => {
    memory.floats().set(weights, at / 4)
    kernels.weightedSum(out + 4 * w * B * D, said, at, K, B * D)
  })
  memory.release(mark)
  if (logits) kernels.softmax(out, out, ways.length * B, D)
}

/** A row's largest output becomes 1, the first of equals, and the others 0. */
function castVotes(outputs: Float32Array, D: number): void {
  for (let at = 0; at < outputs.length; at += D) {
    const vote = argmax(outputs, at, D)
    outputs.fill(0, at, at + D)
    outputs[at + vote] = 1
  }
}
