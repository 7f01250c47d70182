import { describe, expect, test } from 'vitest'
import { scoreRegression } from '../../src/metrics/regression.ts'

test('errors of 1, 0 and -2 have mean square 5/3, mean size 1, and R² 1 - 5/8 where the truth deviates by 2, 0 and 2', () => {
  expect(scoreRegression([2, 3, 3], [1, 3, 5], 1)).toEqual({ rows: 3, mse: 5 / 3, mae: 1, r2: 1 - 5 / 8 })
})

// Inputs and results of the examples in the documentation of scikit-learn 1.5, sklearn.metrics.
describe('the examples of scikit-learn', () => {
  test('mean_squared_error, mean_absolute_error and r2_score of one output', () => {
    const { rows, mse, mae, r2 } = scoreRegression([2.5, 0, 2, 8], [3, -0.5, 2, 7], 1)
    expect({ rows, mse, mae }).toEqual({ rows: 4, mse: 0.375, mae: 0.5 })
    expect(r2).toBeCloseTo(1 - 1.5 / 29.1875, 14) // 0.948…
  })

  test('mean_squared_error and mean_absolute_error of two outputs', () => {
    const { rows, mse, mae } = scoreRegression([0, 2, -1, 2, 8, -5], [0.5, 1, -1, 1, 7, -6], 2)
    expect({ rows, mae }).toEqual({ rows: 3, mae: 0.75 })
    expect(mse).toBeCloseTo(0.708, 3)
  })
})

test('R² of several outputs is the mean of theirs, each against its own mean', () => {
  // First output: no error. Second: errors 1, 1, 1 where the truth deviates by 7/3, 7/3 and 14/3.
  const { r2 } = scoreRegression([0.5, 2, -1, 2, 7, -5], [0.5, 1, -1, 1, 7, -6], 2)
  expect(r2).toBeCloseTo((1 + (1 - 3 / (294 / 9))) / 2, 14)
})

test('R² is 0 for the mean of the truth and below for worse', () => {
  expect(scoreRegression([3, 3, 3], [1, 3, 5], 1).r2).toBe(0)
  expect(scoreRegression([5, 3, 1], [1, 3, 5], 1).r2).toBe(-3)
})

test('R² leaves out an output that does not vary, also one whose sum rounds', () => {
  expect(scoreRegression([1, 9, 3, 9, 5, 9], [1, 0.1, 3, 0.1, 5, 0.1], 2).r2).toBe(1)
  expect(scoreRegression([0, 0, 0], [0.1, 0.1, 0.1], 1).r2).toBeNaN()
})

test('R² of a large offset keeps its digits', () => {
  const truth = [1e9 + 1, 1e9 + 2, 1e9 + 3]
  const { r2 } = scoreRegression([1e9 + 1, 1e9 + 2, 1e9 + 4], truth, 1)
  expect(r2).toBe(0.5)
})
