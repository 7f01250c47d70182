import { expect, test } from 'vitest'
import { momentsOf } from '../../src/data/moments.ts'

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
