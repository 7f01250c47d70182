// What a score of one class is worth at every threshold, and how two scores of the same rows differ.

import { ShapeError } from '../core/errors.ts'

/** A point of a ROC curve: what is called positive from a threshold up. */
export interface RocPoint {
  readonly threshold: number
  readonly sensitivity: number
  readonly specificity: number
}

/** The points of the ROC curve, from calling nobody positive to calling everybody; equal scores are one point. */
export function rocCurve(scores: ArrayLike<number>, positive: ArrayLike<number>): RocPoint[] {
  const { order, positives, negatives } = ranked(scores, positive)
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, sensitivity: 0, specificity: 1 }]
  let [hits, alarms] = [0, 0]
  for (let i = 0; i < order.length; ) {
    const threshold = scores[order[i]]
    for (; i < order.length && scores[order[i]] === threshold; i++) {
      if (positive[order[i]]) hits++
      else alarms++
    }
    points.push({ threshold, sensitivity: hits / positives, specificity: 1 - alarms / negatives })
  }
  return points
}

function ranked(scores: ArrayLike<number>, positive: ArrayLike<number>) {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a])
  const positives = order.reduce((sum, i) => sum + (positive[i] ? 1 : 0), 0)
  return { order, positives, negatives: order.length - positives }
}

/** What it means to call positive from a threshold up. Shares of nobody are NaN. */
export interface ThresholdMetrics {
  readonly threshold: number
  readonly sensitivity: number
  readonly specificity: number
  /** Positive and negative predictive value. */
  readonly ppv: number
  readonly npv: number
  /** True and false positives, false and true negatives. */
  readonly counts: { readonly tp: number; readonly fp: number; readonly fn: number; readonly tn: number }
}

export function atThreshold(scores: ArrayLike<number>, positive: ArrayLike<number>, threshold: number): ThresholdMetrics {
  let [tp, fp, fn, tn] = [0, 0, 0, 0]
  for (let i = 0; i < scores.length; i++) {
    const called = scores[i] >= threshold
    if (positive[i]) called ? tp++ : fn++
    else called ? fp++ : tn++
  }
  return {
    threshold,
    sensitivity: tp / (tp + fn),
    specificity: tn / (tn + fp),
    ppv: tp / (tp + fp),
    npv: tn / (tn + fn),
    counts: { tp, fp, fn, tn },
  }
}

/** Net benefit at a threshold probability: of the model, of treating everybody; of treating nobody it is 0. */
export interface DecisionPoint {
  readonly threshold: number
  readonly model: number
  readonly all: number
}

/**
 * The decision curve (Vickers & Elkin 2006): true positives less false ones at the odds of the threshold, per row.
 * @param thresholds between 0 and 1
 */
export function decisionCurve(
  scores: ArrayLike<number>,
  positive: ArrayLike<number>,
  thresholds: readonly number[],
): DecisionPoint[] {
  const n = scores.length
  return thresholds.map((threshold) => {
    const odds = threshold / (1 - threshold)
    const { tp, fp, fn, tn } = atThreshold(scores, positive, threshold).counts
    return { threshold, model: (tp - fp * odds) / n, all: (tp + fn - (fp + tn) * odds) / n }
  })
}

/** Areas under the ROC curves of scores of the same rows, and how they vary together. */
export interface RocAreas {
  readonly areas: readonly number[]
  /** (scores, scores), row-major. */
  readonly covariance: readonly number[]
}

/**
 * DeLong, DeLong & Clarke-Pearson (Biometrics 1988) by midranks (Sun & Xu 2014). NaN without two rows of either kind.
 * @throws ShapeError where scores are not of the same rows
 */
export function rocAreas(scores: readonly ArrayLike<number>[], positive: ArrayLike<number>): RocAreas {
  const odd = scores.find((s) => s.length !== positive.length)
  if (odd) throw new ShapeError(`there are ${odd.length} scores of ${positive.length} rows: give one of each row`)
  const rows = Array.from({ length: positive.length }, (_, i) => i)
  const yes = rows.filter((i) => positive[i])
  const no = rows.filter((i) => !positive[i])
  // By row, how often a positive stands above a negative, ties half.
  const parts = scores.map((s) => {
    const all = midranks(rows.map((i) => s[i]))
    const mine = midranks(yes.map((i) => s[i]))
    const others = midranks(no.map((i) => s[i]))
    return {
      yes: yes.map((i, k) => (all[i] - mine[k]) / no.length),
      no: no.map((i, k) => 1 - (all[i] - others[k]) / yes.length),
    }
  })
  const areas = parts.map((part) => mean(part.yes))
  const covariance = parts.flatMap((a) =>
    parts.map((b) => covarianceOf(a.yes, b.yes) / yes.length + covarianceOf(a.no, b.no) / no.length),
  )
  return { areas, covariance }
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length

function covarianceOf(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [mean(a), mean(b)]
  return a.reduce((sum, v, i) => sum + (v - x) * (b[i] - y), 0) / (a.length - 1)
}

/** Ranks from 1, equal values sharing their mean. */
function midranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b])
  const ranks = new Array<number>(values.length)
  for (let i = 0; i < order.length; ) {
    let end = i
    while (end < order.length && values[order[end]] === values[order[i]]) end++
    for (let k = i; k < end; k++) ranks[order[k]] = (i + 1 + end) / 2
    i = end
  }
  return ranks
}

/** How two areas under the ROC curve differ. */
export interface RocComparison {
  readonly difference: number
  readonly se: number
  /** Two-sided, by DeLong's test; 1 for equal areas that do not vary apart. */
  readonly p: number
}

export function compareAreas(a: ArrayLike<number>, b: ArrayLike<number>, positive: ArrayLike<number>): RocComparison {
  const { areas, covariance } = rocAreas([a, b], positive)
  const difference = areas[0] - areas[1]
  const variance = covariance[0] + covariance[3] - 2 * covariance[1]
  const se = Math.sqrt(Math.max(0, variance))
  return { difference, se, p: se === 0 ? (difference === 0 ? 1 : 0) : 2 * normalTail(Math.abs(difference) / se) }
}

/** The share of a normal distribution beyond z ≥ 0: by series up to 3, then by the continued fraction of Laplace. */
export function normalTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  if (z < 3) {
    let [term, sum] = [z, z]
    for (let n = 3; Math.abs(term) > 1e-17; n += 2) {
      term *= (z * z) / n
      sum += term
    }
    return 0.5 - density * sum
  }
  let fraction = z
  for (let n = 60; n > 0; n--) fraction = z + n / fraction
  return density / fraction
}

/** Rows that one of two is right about and the other is not, and McNemar's exact two-sided p: that is a fair coin's doing. */
export interface McNemar {
  readonly onlyFirst: number
  readonly onlySecond: number
  readonly p: number
}

export function mcnemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  const onlyFirst = first.filter((right, i) => right && !second[i]).length
  const onlySecond = second.filter((right, i) => right && !first[i]).length
  const n = onlyFirst + onlySecond
  // Chances of 0, 1, … heads, as logarithms so that 2ⁿ may be beyond all numbers.
  let [log, tail] = [-n * Math.LN2, 0]
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(log)
    log += Math.log((n - k) / (k + 1))
  }
  return { onlyFirst, onlySecond, p: Math.min(1, 2 * tail) }
}
