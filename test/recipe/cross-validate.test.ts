import { expect, test } from 'vitest'
import { crossValidationSplits } from '../../src/index.ts'
import { module, ROWS, study } from './studies.ts'

const { data } = study({ task: 'classification' })
const labels = data.target.task === 'classification' ? data.target.labels : new Int32Array()

test('every row is tested once in each repetition, and learned from in the other folds', () => {
  const splits = crossValidationSplits(module, data, { folds: 4, repeats: 2, seed: 3 })
  expect(splits).toHaveLength(8)
  for (const r of [0, 1]) {
    const tested = splits.slice(4 * r, 4 * r + 4).flatMap(({ test: rows }) => Array.from(rows))
    expect(tested.sort((a, b) => a - b)).toEqual(Array.from({ length: ROWS }, (_, row) => row))
  }
  for (const { train, test: rows } of splits) {
    expect(train.length + rows.length).toBe(ROWS)
    expect(new Set([...Array.from(train), ...Array.from(rows)]).size).toBe(ROWS)
    const counts = [0, 1, 2].map((label) => Array.from(rows).filter((row) => labels[row] === label).length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
  }
  expect(splits[0]).not.toEqual(splits[4])
  expect(crossValidationSplits(module, data, { folds: 4, repeats: 2, seed: 3 })).toEqual(splits)
})

test('a group is never on both sides', () => {
  const groups = data.ids.map((_, i) => `family ${Math.floor(i / 4)}`)
  for (const { train, test: rows } of crossValidationSplits(module, { ...data, groups })) {
    const learned = new Set(Array.from(train, (row) => groups[row]))
    expect(Array.from(rows).filter((row) => learned.has(groups[row]))).toEqual([])
  }
})

test('each fold of a regression has low and high outcomes', () => {
  const { data: numbers } = study()
  const { values } = numbers.target as { values: Float64Array }
  const median = [...values].sort((a, b) => a - b)[ROWS / 2]
  for (const { test: rows } of crossValidationSplits(module, numbers)) {
    const high = Array.from(rows).filter((row) => values[row] >= median).length
    expect(Math.abs(high - rows.length / 2)).toBeLessThanOrEqual(3)
  }
})

test('refused: counts that cannot be', () => {
  expect(() => crossValidationSplits(module, data, { folds: 1 })).toThrow(
    '1 folds of 150 rows are asked for: give a whole number from 2',
  )
  expect(() => crossValidationSplits(module, data, { repeats: 0 })).toThrow('0 repetitions are asked for')
})
