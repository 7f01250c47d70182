import { describe, expect, test } from 'vitest'
import { auc, scoreClassification } from '../../src/metrics/classification.ts'

/** Scores of rows of probabilities; what is predicted may be given apart from them. */
function score(rows: readonly (readonly number[])[], labels: readonly number[], predicted?: readonly number[]) {
  const best = predicted ?? rows.map((row) => row.indexOf(Math.max(...row)))
  return scoreClassification(Float32Array.from(rows.flat()), Int32Array.from(best), Int32Array.from(labels), rows[0].length)
}

/** Rows of which only the label and the prediction matter. */
const decided = (classes: number, labels: readonly number[], predicted: readonly number[]) =>
  score(
    labels.map(() => new Array<number>(classes).fill(1 / classes)),
    labels,
    predicted,
  )

const area = (scores: readonly number[], positive: readonly number[]) => auc(Float64Array.from(scores), positive)

describe('three classes, by hand', () => {
  const scores = score(
    [
      [0.5, 0.25, 0.25],
      [0.25, 0.5, 0.25],
      [0.25, 0.5, 0.25],
      [0, 1, 0],
      [0.5, 0.375, 0.125],
    ],
    [0, 0, 1, 1, 2],
  )

  test('accuracy is the share of rows that are right', () => {
    expect(scores.rows).toBe(5)
    expect(scores.accuracy).toBe(3 / 5)
  })

  test('balanced accuracy is the mean of the recalls 1/2, 2/2 and 0/1', () => {
    expect(scores.balancedAccuracy).toBe(0.5)
  })

  test('macro F1 is the mean of 2/4, 4/5 and 0/1', () => {
    expect(scores.macroF1).toBeCloseTo((0.5 + 0.8 + 0) / 3, 15)
  })

  test('AUC is the mean of 4/6, 5.5/6 and 1/4 of the pairs, one class against the rest', () => {
    expect(scores.auc).toBeCloseTo((4 / 6 + 5.5 / 6 + 1 / 4) / 3, 15)
  })

  test('log loss is the mean of 1, 2, 1, 0 and 3 halvings', () => {
    expect(scores.logLoss).toBeCloseTo((7 / 5) * Math.LN2, 15)
  })
})

// Inputs and results of the examples in the documentation of scikit-learn 1.5, sklearn.metrics.
describe('the examples of scikit-learn', () => {
  test('roc_auc_score', () => expect(area([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75))

  test('accuracy_score', () => expect(decided(4, [0, 1, 2, 3], [0, 2, 1, 3]).accuracy).toBe(0.5))

  test('balanced_accuracy_score', () => expect(decided(2, [0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]).balancedAccuracy).toBe(0.625))

  test('f1_score, macro', () => expect(decided(3, [0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]).macroF1).toBeCloseTo(0.8 / 3, 15))

  test('log_loss', () => {
    const rows = [0.9, 0.1, 0.2, 0.65].map((spam) => [1 - spam, spam])
    expect(score(rows, [1, 0, 0, 1]).logLoss).toBeCloseTo(0.21616, 5)
  })
})

describe('AUC', () => {
  test('counts a tie as half a pair', () => {
    expect(area([0.5, 0.5], [0, 1])).toBe(0.5)
    expect(area([0.3, 0.3, 0.3, 0.3], [0, 1, 1, 0])).toBe(0.5)
    // 0.7 beats 0.2 and ties with 0.7; 0.2 ties with 0.2 and loses to 0.7.
    expect(area([0.2, 0.7, 0.2, 0.7], [0, 0, 1, 1])).toBe(0.5)
    expect(area([0.2, 0.2, 0.7], [0, 1, 1])).toBe(0.75)
  })

  test('is 1 for perfect order and 0 for its reverse, whatever the scale and the order of rows', () => {
    expect(area([3e-9, 1e-9, 2e-9], [1, 0, 0])).toBe(1)
    expect(area([-100, 50, 1e9], [1, 0, 0])).toBe(0)
  })

  test('is NaN when there is nothing to rank: one class only, no row, or a score that is NaN', () => {
    expect(area([0.1, 0.9], [1, 1])).toBeNaN()
    expect(area([0.1, 0.9], [0, 0])).toBeNaN()
    expect(area([], [])).toBeNaN()
    expect(area([0.1, Number.NaN, 0.9], [0, 1, 1])).toBeNaN()
  })

  test('of two classes is the area of the second', () => {
    const rows = [0.1, 0.4, 0.35, 0.8].map((p) => [1 - p, p])
    expect(score(rows, [0, 0, 1, 1]).auc).toBe(0.75)
  })

  test('of more classes leaves out those that the rows do not have', () => {
    const rows = [
      [0.6, 0.3, 0.1],
      [0.5, 0.3, 0.2],
      [0.2, 0.7, 0.1],
    ]
    // Class 0: 1 of 2 pairs … both beat 0.2: 1. Class 1: 0.7 beats both: 1. Class 2 has no row.
    expect(score(rows, [0, 0, 1]).auc).toBe(1)
    expect(score(rows, [0, 0, 0]).auc).toBeNaN()
  })
})

describe('classes that do not occur', () => {
  test('do not count in balanced accuracy', () => {
    expect(decided(3, [0, 0, 1, 1], [0, 0, 1, 0]).balancedAccuracy).toBe(0.75)
    expect(decided(3, [0, 0, 1, 1], [0, 0, 1, 2]).balancedAccuracy).toBe(0.75)
  })

  test('count in macro F1 only when they are predicted', () => {
    // F1 of class 0 is 4/5, of class 1 2/3.
    expect(decided(3, [0, 0, 1, 1], [0, 0, 1, 0]).macroF1).toBeCloseTo((4 / 5 + 2 / 3) / 2, 15)
    // F1 of class 0 is 1, of class 1 2/3, of class 2 nothing.
    expect(decided(3, [0, 0, 1, 1], [0, 0, 1, 2]).macroF1).toBeCloseTo((1 + 2 / 3) / 3, 15)
  })
})

test('log loss takes no probability for smaller than 1e-15', () => {
  expect(
    score(
      [
        [1, 0],
        [0, 1],
      ],
      [1, 1],
    ).logLoss,
  ).toBeCloseTo(-Math.log(1e-15) / 2, 12)
})
