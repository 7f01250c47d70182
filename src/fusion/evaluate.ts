import type { Target } from '../data/dataset.ts'
import { type ClassificationMetrics, scoreClassification } from '../metrics/classification.ts'
import { type RegressionMetrics, scoreRegression } from '../metrics/regression.ts'
import type { Prediction } from './predictor.ts'

export type Metrics = ClassificationMetrics | RegressionMetrics

/**
 * Scores of a prediction of the given rows, over those that were predicted and whose target is known; undefined when none is.
 * @param target of all rows, with the classes or outputs of the model, in its order; -1 or NaN where it is not known
 */
export function evaluate(prediction: Prediction, target: Target, rows: Int32Array): Metrics | undefined {
  const D = prediction.outputs.length
  const done = Array.from(rows.keys()).filter((i) => !Number.isNaN(prediction.values[i * D]) && isKnown(target, rows[i]))
  if (done.length === 0) return undefined
  const values = new Float64Array(done.length * D)
  done.forEach((i, k) => {
    values.set(prediction.values.subarray(i * D, (i + 1) * D), k * D)
  })
  if (target.task === 'classification') {
    const predicted = prediction.labels as Int32Array
    const pick = (of: (i: number) => number) => Int32Array.from(done, of)
    return scoreClassification(
      values,
      pick((i) => predicted[i]),
      pick((i) => target.labels[rows[i]]),
      D,
    )
  }
  const truth = done.flatMap((i) => Array.from(target.values.subarray(rows[i] * D, (rows[i] + 1) * D)))
  return scoreRegression(values, truth, D)
}

/** Scores as a model's record keeps them: six digits, as hosts need not agree on the last ones of a logarithm. */
export const keptScores = (metrics: Metrics): Record<string, number> =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? Number(value.toPrecision(6)) : Number.NaN]),
  )

function isKnown(target: Target, row: number): boolean {
  if (target.task === 'classification') return target.labels[row] >= 0
  const D = target.outputs.length
  return !target.values.subarray(row * D, (row + 1) * D).some(Number.isNaN)
}
