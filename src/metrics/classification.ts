// Scores of class probabilities. p (rows, classes) row-major; labels index the classes.

export interface ClassificationMetrics {
  /** Rows scored. */
  readonly rows: number
  readonly accuracy: number
  /** Mean recall over the classes that occur. */
  readonly balancedAccuracy: number
  /** Mean F1 over the classes that occur or are predicted. */
  readonly macroF1: number
  /** Area under the ROC curve of the second class; with more than two, the mean over one class against the rest. NaN if no class can be ranked. */
  readonly auc: number
  /** Mean -ln p(label), p no smaller than 1e-15. */
  readonly logLoss: number
}

export function scoreClassification(
  p: ArrayLike<number>,
  predicted: Int32Array,
  labels: Int32Array,
  classes: number,
): ClassificationMetrics {
  const n = labels.length
  const truth = new Float64Array(classes)
  const said = new Float64Array(classes)
  const right = new Float64Array(classes)
  let logLoss = 0
  for (let i = 0; i < n; i++) {
    truth[labels[i]]++
    said[predicted[i]]++
    if (predicted[i] === labels[i]) right[labels[i]]++
    logLoss -= Math.log(Math.max(p[i * classes + labels[i]], 1e-15)) / n
  }
  const all = Array.from({ length: classes }, (_, k) => k)
  const occurring = all.filter((k) => truth[k] > 0)
  const known = all.filter((k) => truth[k] + said[k] > 0)
  const column = (k: number) => Float64Array.from({ length: n }, (_, i) => p[i * classes + k])
  const ranked = classes === 2 ? [1] : all
  const areas = ranked
    .map((k) =>
      auc(
        column(k),
        labels.map((label) => (label === k ? 1 : 0)),
      ),
    )
    .filter((a) => !Number.isNaN(a))
  return {
    rows: n,
    accuracy: right.reduce((sum, v) => sum + v, 0) / n,
    balancedAccuracy: mean(occurring.map((k) => right[k] / truth[k])),
    macroF1: mean(known.map((k) => (2 * right[k]) / (truth[k] + said[k]))),
    auc: mean(areas),
    logLoss,
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length

/**
 * The chance that a positive scores above a negative, equal scores counting half (Mann-Whitney). NaN without one of either, or
 * where a score is NaN.
 */
export function auc(scores: Float64Array, positive: ArrayLike<number>): number {
  if (scores.some(Number.isNaN)) return Number.NaN
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b])
  let ranks = 0
  let positives = 0
  for (let i = 0; i < order.length; ) {
    let end = i
    while (end < order.length && scores[order[end]] === scores[order[i]]) end++
    const rank = (i + 1 + end) / 2
    for (; i < end; i++) {
      if (positive[order[i]]) {
        ranks += rank
        positives++
      }
    }
  }
  const negatives = scores.length - positives
  return positives * negatives === 0 ? Number.NaN : (ranks - (positives * (positives + 1)) / 2) / (positives * negatives)
}
