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
  /** Area under precision by recall, as average precision: of the second class, or the mean over one class against the rest. */
  readonly prAuc: number
  /** Mean squared error of the probability of the second class; with more than two classes, summed over them (Brier 1950). */
  readonly brier: number
  /** Mean gap between the predicted class's probability and how often it is right, in 15 bins of equal width (Naeini et al., AAAI 2015). */
  readonly ece: number
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
    logLoss += surprise(p[i * classes + labels[i]]) / n
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
    prAuc: mean(
      ranked
        .map((k) =>
          averagePrecision(
            column(k),
            labels.map((label) => (label === k ? 1 : 0)),
          ),
        )
        .filter((a) => !Number.isNaN(a)),
    ),
    brier: brierOf(p, labels, classes),
    ece: calibrationGap(reliability(p, predicted, labels, classes), n),
  }
}

function brierOf(p: ArrayLike<number>, labels: Int32Array, classes: number): number {
  let sum = 0
  labels.forEach((label, i) => {
    for (let k = classes === 2 ? 1 : 0; k < classes; k++) sum += (p[i * classes + k] - (label === k ? 1 : 0)) ** 2
  })
  return sum / labels.length
}

/** A bin of predictions that were about as sure. */
export interface ReliabilityBin {
  readonly rows: number
  /** Mean probability of the predicted class, and how often it was right. */
  readonly confidence: number
  readonly accuracy: number
}

/** Bins of equal width of the predicted class's probability, those that have rows. */
export function reliability(
  p: ArrayLike<number>,
  predicted: Int32Array,
  labels: Int32Array,
  classes: number,
  bins = 15,
): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ rows: 0, confidence: 0, accuracy: 0 }))
  labels.forEach((label, i) => {
    const confidence = p[i * classes + predicted[i]]
    const bin = sums[Math.max(0, Math.min(bins - 1, Math.ceil(confidence * bins) - 1))]
    bin.rows++
    bin.confidence += confidence
    bin.accuracy += predicted[i] === label ? 1 : 0
  })
  return sums
    .filter(({ rows }) => rows > 0)
    .map(({ rows, confidence, accuracy }) => ({ rows, confidence: confidence / rows, accuracy: accuracy / rows }))
}

const calibrationGap = (bins: readonly ReliabilityBin[], rows: number): number =>
  bins.reduce((sum, bin) => sum + (bin.rows / rows) * Math.abs(bin.confidence - bin.accuracy), 0)

/** Σ (recall gained) · precision, over thresholds from the highest score down, equal scores together. NaN without a positive. */
export function averagePrecision(scores: Float64Array, positive: ArrayLike<number>): number {
  if (scores.some(Number.isNaN)) return Number.NaN
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a])
  let [hits, area] = [0, 0]
  const positives = Array.from(positive).reduce((sum, v) => sum + v, 0)
  for (let i = 0; i < order.length; ) {
    const before = hits
    const score = scores[order[i]]
    for (; i < order.length && scores[order[i]] === score; i++) hits += positive[order[i]]
    area += ((hits - before) / positives) * (hits / i)
  }
  return positives === 0 ? Number.NaN : area
}

/** -ln p, p no smaller than 1e-15: what a row adds to the log loss. */
export const surprise = (p: number): number => -Math.log(Math.max(p, 1e-15))

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
