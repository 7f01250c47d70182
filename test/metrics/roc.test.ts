import { describe, expect, test } from 'vitest'
import { auc } from '../../src/metrics/classification.ts'
import { atThreshold, compareAreas, decisionCurve, rocAreas, rocCurve } from '../../src/metrics/roc.ts'
import { numbers } from '../kernels/harness.ts'

const random = numbers(31)
const n = 47
const positive = Int32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0))
/** Rounded, so that many are equal. */
const scoresOf = (strength: number) =>
  Float64Array.from(random.f64(n), (v, i) => Math.round((v + strength * positive[i]) * 8) / 8)
const [a, b] = [scoresOf(0.5), scoresOf(0.2)]

/** DeLong's definition, every positive against every negative. */
function direct(x: Float64Array, y: Float64Array) {
  const yes = [...positive.keys()].filter((i) => positive[i])
  const no = [...positive.keys()].filter((i) => !positive[i])
  const wins = (s: Float64Array, i: number, j: number) => (s[i] > s[j] ? 1 : s[i] === s[j] ? 0.5 : 0)
  const mean = (v: number[]) => v.reduce((p, q) => p + q, 0) / v.length
  const rowsOf = (s: Float64Array) => yes.map((i) => mean(no.map((j) => wins(s, i, j))))
  const columnsOf = (s: Float64Array) => no.map((j) => mean(yes.map((i) => wins(s, i, j))))
  const cov = (p: number[], q: number[]) => p.reduce((sum, v, i) => sum + (v - mean(p)) * (q[i] - mean(q)), 0) / (p.length - 1)
  return cov(rowsOf(x), rowsOf(y)) / yes.length + cov(columnsOf(x), columnsOf(y)) / no.length
}

describe('areas under ROC curves', () => {
  const { areas, covariance } = rocAreas([a, b], positive)

  test('are the Mann-Whitney statistic, and vary as DeLong’s definition says', () => {
    expect(areas[0]).toBeCloseTo(auc(a, positive), 12)
    expect(areas[1]).toBeCloseTo(auc(b, positive), 12)
    const expected = [direct(a, a), direct(a, b), direct(b, a), direct(b, b)]
    covariance.forEach((v, k) => {
      expect(v).toBeCloseTo(expected[k], 12)
    })
  })

  test('are compared on the same rows: the other way round is the other sign, and a score never differs from itself', () => {
    const [one, other] = [compareAreas(a, b, positive), compareAreas(b, a, positive)]
    expect(one.difference).toBeCloseTo(-other.difference, 12)
    expect(one.p).toBeCloseTo(other.p, 12)
    expect(compareAreas(a, a, positive)).toEqual({ difference: 0, se: 0, p: 1 })
  })

  test('differ by chance as often as p says', () => {
    const noise = numbers(5)
    const draws = Array.from({ length: 400 }, () => {
      const truth = Int32Array.from({ length: 60 }, (_, i) => i % 2)
      const shared = noise.f64(60)
      const score = () => Float64Array.from(noise.f64(60), (v, i) => v + shared[i] + 0.4 * truth[i])
      return compareAreas(score(), score(), truth).p
    })
    const rejected = draws.filter((p) => p < 0.1).length
    // 400 tosses at 0.1: beyond these once in some thousand times.
    expect(rejected).toBeGreaterThan(20)
    expect(rejected).toBeLessThan(64)
  })

  test('refused: scores of other rows', () => {
    expect(() => rocAreas([a.subarray(1)], positive)).toThrow('there are 46 scores of 47 rows')
  })
})

test('a ROC curve only rises, from nobody to everybody, and has the area', () => {
  const points = rocCurve(a, positive)
  expect(points.at(-1)).toMatchObject({ sensitivity: 1, specificity: 0 })
  let area = 0
  points.slice(1).forEach((point, i) => {
    const before = points[i]
    expect(point.sensitivity).toBeGreaterThanOrEqual(before.sensitivity)
    area += ((before.specificity - point.specificity) * (point.sensitivity + before.sensitivity)) / 2
  })
  expect(area).toBeCloseTo(auc(a, positive), 12)
})

test('a decision curve: net benefit by hand, and that of treating everybody at a threshold that all reach', () => {
  const chances = a.map((v) => 1 / (1 + Math.exp(-v)))
  const [point, all] = decisionCurve(chances, positive, [0.55, 1e-9])
  const { tp, fp } = atThreshold(chances, positive, 0.55).counts
  expect(point.model).toBeCloseTo(tp / n - (fp / n) * (0.55 / 0.45), 12)
  expect(all.model).toBeCloseTo(all.all, 12)
  expect(point.all).toBeCloseTo(16 / n - (31 / n) * (0.55 / 0.45), 12)
})
