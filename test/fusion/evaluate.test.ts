import { describe, expect, test } from 'vitest'
import type { Target } from '../../src/data/dataset.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'

const NO = Number.NaN
const rows = (...list: number[]) => Int32Array.from(list)

describe('regression', () => {
  const target: Target = { task: 'regression', outputs: ['u', 'v'], values: Float64Array.of(0, 0, 1, 10, 2, 20, 3, 30) }
  const prediction = (...values: number[]): Prediction => ({
    ids: [],
    outputs: ['u', 'v'],
    values: Float64Array.from(values),
    patternOf: rows(),
    patterns: [],
  })

  test('the target of the rows predicted, in their order', () => {
    expect(evaluate(prediction(3, 30, 1, 10), target, rows(3, 1))).toMatchObject({ rows: 2, mse: 0, mae: 0, r2: 1 })
    expect(evaluate(prediction(1, 10, 3, 34), target, rows(1, 3))).toMatchObject({ rows: 2, mse: 4, mae: 1 })
  })

  test('rows that are not predicted are not scored', () => {
    expect(evaluate(prediction(NO, NO, 3, 30, 1, 12, NO, NO), target, rows(0, 3, 1, 2))).toMatchObject({
      rows: 2,
      mse: 1,
      mae: 0.5,
    })
  })

  test('nor are rows of which an output is not known', () => {
    const gaps: Target = { ...target, values: Float64Array.of(0, 0, 1, NO, 2, 20, NO, NO) }
    expect(evaluate(prediction(1, 10, 3, 20, 3, 30), gaps, rows(1, 2, 3))).toMatchObject({ rows: 1, mse: 0.5 })
    expect(evaluate(prediction(1, 10), gaps, rows(3))).toBeUndefined()
  })

  test('without any there is no score', () => {
    expect(evaluate(prediction(NO, NO), target, rows(2))).toBeUndefined()
    expect(evaluate(prediction(), target, rows())).toBeUndefined()
  })
})

describe('classification', () => {
  const target: Target = { task: 'classification', classes: ['a', 'b'], labels: rows(0, 1, 1, 0) }
  const prediction = (labels: number[], ...values: number[]): Prediction => ({
    ids: [],
    outputs: ['a', 'b'],
    values: Float64Array.from(values),
    labels: rows(...labels),
    patternOf: rows(),
    patterns: [],
  })

  test('the labels of the rows predicted, in their order', () => {
    const scores = evaluate(prediction([1, 0, 0], 0.25, 0.75, 0.5, 0.5, 0.75, 0.25), target, rows(2, 0, 1))
    expect(scores).toMatchObject({ rows: 3, accuracy: 2 / 3, auc: 0.5 })
  })

  test('rows that are not predicted are not scored', () => {
    const scores = evaluate(prediction([-1, 1, 0], NO, NO, 0.25, 0.75, 0.75, 0.25), target, rows(0, 1, 3))
    expect(scores).toMatchObject({ rows: 2, accuracy: 1, logLoss: expect.closeTo(-Math.log(0.75), 6) })
    expect(evaluate(prediction([-1], NO, NO), target, rows(3))).toBeUndefined()
  })

  test('nor are rows whose label is not known', () => {
    const gaps: Target = { ...target, labels: rows(0, -1, 1, 0) }
    const scores = evaluate(prediction([1, 1, 0], 0.25, 0.75, 0.25, 0.75, 0.75, 0.25), gaps, rows(1, 2, 0))
    expect(scores).toMatchObject({ rows: 2, accuracy: 1 })
    expect(evaluate(prediction([1], 0.25, 0.75), gaps, rows(1))).toBeUndefined()
  })
})
