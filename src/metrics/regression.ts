// Scores of predicted values. Both arrays (rows, outputs) row-major, in the target's units; means over rows and outputs.

export interface RegressionMetrics {
  /** Rows scored. */
  readonly rows: number
  readonly mse: number
  readonly mae: number
  /** 1 - squared error / squared deviation from the mean, the mean over outputs that vary. NaN if none does. */
  readonly r2: number
}

export function scoreRegression(predicted: ArrayLike<number>, truth: ArrayLike<number>, outputs: number): RegressionMetrics {
  const rows = truth.length / outputs
  let squares = 0
  let sizes = 0
  const r2: number[] = []
  for (let d = 0; d < outputs; d++) {
    // As differences from the first, so that the mean of equal values is that value to the bit and they do not seem to vary.
    const shift = truth[d]
    let sum = 0
    for (let i = d; i < truth.length; i += outputs) sum += truth[i] - shift
    const centre = shift + sum / rows
    let errors = 0
    let deviations = 0
    for (let i = d; i < truth.length; i += outputs) {
      const e = predicted[i] - truth[i]
      errors += e * e
      sizes += Math.abs(e)
      deviations += (truth[i] - centre) * (truth[i] - centre)
    }
    squares += errors
    if (deviations > 0) r2.push(1 - errors / deviations)
  }
  return {
    rows,
    mse: squares / truth.length,
    mae: sizes / truth.length,
    r2: r2.reduce((a, b) => a + b, 0) / r2.length,
  }
}
