import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { argmax } from '../../src/fusion/ensemble.ts'
import { scoreClassification } from '../../src/metrics/classification.ts'
import { scoreRegression } from '../../src/metrics/regression.ts'
import { atThreshold, mcnemar, normalTail, rocCurve } from '../../src/metrics/roc.ts'

const golden = JSON.parse(readFileSync(new URL('../golden/metrics/metrics.json', import.meta.url), 'utf8'))

describe.each(golden.cases as Record<string, never>[])('$name', ({ classes, labels, probabilities: p, expected }) => {
  const truth = Int32Array.from(labels as number[])

  test('scores are scikit-learn’s', () => {
    const found = scoreClassification(
      p,
      Int32Array.from(truth, (_, i) => argmax(p, i * classes, classes)),
      truth,
      classes,
    )
    for (const [key, value] of Object.entries(expected as Record<string, number>)) {
      expect(found[key as keyof typeof found], key).toBeCloseTo(value, 12)
    }
  })
})

describe.each((golden.cases as Record<string, never>[]).filter((c) => c.roc))(
  '$name',
  ({ labels, probabilities: p, roc, at }) => {
    const truth = Int32Array.from(labels as number[])
    const scores = Float64Array.from(truth, (_, i) => p[2 * i + 1])

    test('the ROC curve is, and a threshold', () => {
      const [start, ...points] = rocCurve(scores, truth)
      expect(start).toEqual({ threshold: Number.POSITIVE_INFINITY, sensitivity: 0, specificity: 1 })
      expect(points).toHaveLength((roc as number[][]).length)
      points.forEach((point, i) => {
        ;[point.threshold, point.sensitivity, point.specificity].forEach((v, k) => {
          expect(v).toBeCloseTo((roc as number[][])[i][k], 12)
        })
      })
      const { counts, ...shares } = at as { counts: object; threshold: number }
      const found = atThreshold(scores, truth, shares.threshold)
      expect(found.counts).toEqual(counts)
      for (const [key, value] of Object.entries(shares)) expect(found[key as keyof typeof shares]).toBeCloseTo(value, 12)
    })
  },
)

test.each(golden.mcnemar as { onlyFirst: number; onlySecond: number; p: number }[])(
  'McNemar of $onlyFirst against $onlySecond',
  ({ onlyFirst, onlySecond, p }) => {
    const first = [...new Array(onlyFirst).fill(true), ...new Array(onlySecond).fill(false), true, false]
    const second = [...new Array(onlyFirst).fill(false), ...new Array(onlySecond).fill(true), true, false]
    const found = mcnemar(first, second)
    expect([found.onlyFirst, found.onlySecond]).toEqual([onlyFirst, onlySecond])
    expect(found.p).toBeCloseTo(p, 12)
  },
)

test.each(golden.tails as { z: number; p: number }[])('the tail of a normal distribution beyond $z', ({ z, p }) => {
  expect(normalTail(z) / p).toBeCloseTo(1, 10)
})

test('a regression', () => {
  const { truth, predicted, expected } = golden.regression
  expect(scoreRegression(predicted, truth, 1)).toMatchObject({ rows: 50, ...mapped(expected) })
})

const mapped = (values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, expect.closeTo(value, 12)]))
