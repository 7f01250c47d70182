/** Mean and population standard deviation of some numbers. */
export interface Moments {
  readonly mean: number
  readonly deviation: number
}

/**
 * Mean and deviation of `count` numbers, in f64 with + - * / and sqrt alone: 0 and 0 of none, not finite of numbers too large.
 * They are summed as differences from the first, so that a large offset (a date in seconds) costs no digits.
 */
export function momentsOf(count: number, value: (i: number) => number): Moments {
  if (count === 0) return { mean: 0, deviation: 0 }
  const shift = value(0)
  let sum = 0
  for (let i = 0; i < count; i++) sum += value(i) - shift
  const mean = shift + sum / count
  let squares = 0
  for (let i = 0; i < count; i++) squares += (value(i) - mean) * (value(i) - mean)
  return { mean, deviation: Math.sqrt(squares / count) }
}

/** The third standardised moment of numbers that vary: 0 of symmetric ones, 2 of an exponential distribution. */
export function skewnessOf(values: Float64Array, { mean, deviation }: Moments): number {
  let cubes = 0
  for (let i = 0; i < values.length; i++) {
    const z = (values[i] - mean) / deviation
    cubes += z * z * z
  }
  return cubes / values.length
}
