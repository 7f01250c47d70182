import { expect, test } from 'vitest'
import { momentsOf, skewnessOf } from '../../src/data/moments.ts'

const of = (...values: number[]) => momentsOf(values.length, (i) => values[i])

test('mean and population deviation', () => {
  expect(of(2, 4, 4, 4, 5, 5, 7, 9)).toEqual({ mean: 5, deviation: 2 })
  expect(of(0.1, 0.1, 0.1)).toEqual({ mean: 0.1, deviation: 0 })
  expect(of()).toEqual({ mean: 0, deviation: 0 })
})

test('an offset costs no digits', () => {
  expect(of(2 ** 40, 2 ** 40 + 1, 2 ** 40 + 2).deviation).toBe(of(0, 1, 2).deviation)
})

test('numbers too large are not finite', () => {
  expect(of(1e200, -1e200).deviation).toBe(Infinity)
})

const skew = (...values: number[]) => skewnessOf(Float64Array.from(values), of(...values))

test('skewness is 0 of what is symmetric, and that of a coin that falls once in four', () => {
  expect(skew(-3, -1, 1, 3)).toBe(0)
  expect(skew(0, 0, 0, 1)).toBeCloseTo(2 / Math.sqrt(3), 14)
  expect(skew(0, 0, 0, -1)).toBeCloseTo(-2 / Math.sqrt(3), 14)
  // Where and how large they are makes no difference.
  expect(skew(70, 70, 70, 90)).toBeCloseTo(2 / Math.sqrt(3), 14)
})

test('skewness is 2 of an exponential distribution', () => {
  const n = 20000
  expect(skew(...Array.from({ length: n }, (_, i) => -Math.log((i + 0.5) / n)))).toBeCloseTo(2, 1)
})
