import { describe, expect, test } from 'vitest'
import { bound, enough, KEPT, pooled, rarity, sampleOf } from '../../src/fusion/calibration.ts'
import { numbers } from '../kernels/harness.ts'

const random = numbers(12)

/** The definition: the ⌈(n + 1) level⌉-th smallest. */
const exact = (values: readonly number[], level: number) =>
  [...values].sort((a, b) => a - b)[Math.ceil((values.length + 1) * level - 1e-9) - 1] ?? Number.POSITIVE_INFINITY

describe.each([1, 5, 20, KEPT, KEPT + 1, 999, 5000])('of %i numbers', (n) => {
  const values = Array.from(random.f64(n, 0, 9))
  const sample = sampleOf(values)

  test.each([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])(
    'the bound at %f is the order statistic, or where they were thinned the next kept',
    (level) => {
      const most = bound(sample, level)
      const wanted = exact(values, level)
      expect(most).toBeGreaterThanOrEqual(wanted)
      expect(enough(sample, level)).toBe(Number.isFinite(wanted))
      if (n <= KEPT) expect(most).toBeCloseTo(wanted, 5)
      // One number in 256 further at the most.
      else if (Number.isFinite(wanted))
        expect(most).toBeLessThanOrEqual(exact(values, Math.min(n / (n + 1), level + 1.01 / KEPT)) * 1.000001)
    },
  )

  test('rarity counts those at least as large', () => {
    expect(rarity(sample, -1)).toBe(1)
    expect(rarity(sample, 10)).toBeCloseTo(1 / (n + 1), 12)
    const middle = [...values].sort((a, b) => a - b)[Math.floor(n / 2)]
    const share = (1 + values.filter((v) => v >= middle).length) / (n + 1)
    expect(Math.abs(rarity(sample, Math.fround(middle)) - share)).toBeLessThanOrEqual(2 / Math.min(n, KEPT))
  })
})

test('samples are pooled as if they had been one', () => {
  const [a, b] = [Array.from(random.f64(40)), Array.from(random.f64(700, 0, 2))]
  const both = pooled([sampleOf(a), sampleOf(b)])
  expect(both.rows).toBe(740)
  for (const level of [0.5, 0.9, 0.95]) {
    const wanted = exact([...a, ...b], level)
    expect(bound(both, level)).toBeGreaterThanOrEqual(wanted)
    expect(bound(both, level)).toBeLessThanOrEqual(exact([...a, ...b], level + 0.01))
  }
})

test('nothing is rare where nothing is known', () => {
  expect(rarity(sampleOf([]), 5)).toBe(1)
  expect(bound(sampleOf([]), 0.5)).toBe(Number.POSITIVE_INFINITY)
})
