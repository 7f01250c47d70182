/** Mean and its standard error. */
export function summary(values) {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, n - 1)
  return { mean, se: Math.sqrt(variance / n) }
}
