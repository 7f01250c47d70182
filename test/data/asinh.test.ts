import { expect, test } from 'vitest'
import { asinh } from '../../src/data/asinh.ts'

/** From the smallest number to the largest, some 300 in each power of ten. */
const WIDE = Array.from({ length: 628 * 300 }, (_, i) => 10 ** (-320 + i / 300))

test('is that of the host, to 4e-16 of it or of 1', () => {
  const errors = WIDE.map((x) => Math.abs(asinh(x) - Math.asinh(x)) / Math.max(1, Math.asinh(x)))
  expect(errors.reduce((most, error) => Math.max(most, error))).toBeLessThan(4e-16)
})

test('is the logarithm of 2 x far from 0, and x near it', () => {
  for (const x of [1e8, 1e8 * (1 + 2 ** -52), 1e9, 1e30, 1e200, Number.MAX_VALUE]) {
    expect(Math.abs(asinh(x) - Math.LN2 - Math.log(x))).toBeLessThan(4e-16 * Math.log(x))
  }
  for (const x of [1e-4, 1e-8, 1e-12, 1e-300]) expect(Math.abs(asinh(x) - x)).toBeLessThan(x ** 3 / 6 + 2e-16)
})

test('is odd in every bit, and 0 of 0', () => {
  for (const x of WIDE) if (asinh(-x) !== -asinh(x)) expect.fail(`asinh(-${x}) is ${asinh(-x)}`)
  expect(asinh(0)).toBe(0)
  expect(asinh(-0)).toBe(0)
})

test('grows', () => {
  for (let i = 1; i < WIDE.length; i++) {
    const [before, after] = [asinh(WIDE[i - 1]), asinh(WIDE[i])]
    // Below, it is 0 to its last digit.
    if (WIDE[i] > 1e-13 ? after <= before : after < before) expect.fail(`asinh(${WIDE[i]}) is ${after}, before ${before}`)
  }
})

test('leaves what is no finite number as it is', () => {
  for (const x of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]) expect(asinh(x)).toBe(x)
})
