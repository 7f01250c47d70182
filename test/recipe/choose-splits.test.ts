import { describe, expect, test } from 'vitest'
import { chooseSplits } from '../../src/index.ts'
import { module, study, train } from './studies.ts'

const { data } = study({ task: 'classification' })
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i)
const sorted = (...parts: Int32Array[]) => parts.flatMap((part) => [...part]).sort((a, b) => a - b)

describe('drawn', () => {
  test('every row is in one part, in the shares asked for', () => {
    const { splits, record } = chooseSplits(module, data, { folds: 0 })
    expect(sorted(splits.train, splits.validation, splits.test)).toEqual([...rows(0, 150)])
    expect([splits.validation.length, splits.test.length]).toEqual([23, 23])
    expect(record).toEqual({ source: 'drawn', fractions: { validation: 0.15, test: 0.15 } })
    const other = chooseSplits(module, data, { validation: 0.3, test: 0.1 })
    expect([other.splits.validation.length, other.splits.test.length]).toEqual([45, 15])
    expect(other.record).toEqual({ source: 'drawn', fractions: { validation: 0.3, test: 0.1 } })
  })

  test('by the seed, and by nothing else in the configuration', () => {
    const of = (config: object) => chooseSplits(module, data, config).splits
    expect(of({ seed: 1, epochs: 3 })).toEqual(of({ seed: 1, rho: [5] }))
    expect(of({ seed: 0 })).toEqual(of({}))
    expect(of({ seed: 1 })).not.toEqual(of({ seed: 2 }))
  })
})

describe('given', () => {
  test('in three parts: as it is', () => {
    const given = { train: rows(0, 50), validation: rows(50, 60), test: rows(60, 150) }
    expect(chooseSplits(module, data, { validation: 0.5 }, given)).toEqual({ splits: given, record: { source: 'given' } })
  })

  test('without validation: a fifth of train, or the share asked for; test stays', () => {
    const given = { train: rows(0, 100), test: rows(100, 120) }
    const { splits, record } = chooseSplits(module, data, { folds: 0 }, given)
    expect(splits.validation).toHaveLength(20)
    expect(sorted(splits.train, splits.validation)).toEqual([...rows(0, 100)])
    expect(splits.test).toEqual(given.test)
    expect(record).toEqual({ source: 'given, validation drawn' })
    expect(chooseSplits(module, data, { validation: 0.4 }, given).splits.validation).toHaveLength(40)
  })
})

test('given as plain arrays, rows are taken as they are, if they are whole numbers', () => {
  const given = { train: [0, 1, 2], validation: [3, 4], test: [5] }
  const splits = { train: rows(0, 3), validation: rows(3, 5), test: rows(5, 6) }
  expect(chooseSplits(module, data, {}, given).splits).toEqual(splits)
  const drawn = chooseSplits(module, data, {}, { train: [...rows(0, 100)], test: [] }).splits
  expect(drawn).toEqual(chooseSplits(module, data, {}, { train: rows(0, 100), test: rows(0, 0) }).splits)
  expect(() => chooseSplits(module, data, {}, { ...given, test: [1.5] })).toThrow(
    'the split names row 1.5: give the indexes of rows as whole numbers',
  )
})

test('a class that occurs once is refused, also where the split is complete', () => {
  if (data.target.task !== 'classification') throw new Error('the study is a classification')
  const lone = {
    ...data,
    target: { ...data.target, classes: ['low', 'middle', 'high', 'odd'], labels: data.target.labels.slice() },
  }
  lone.target.labels[7] = 3
  const given = { train: rows(0, 50), validation: rows(50, 60), test: rows(60, 150) }
  for (const split of [given, { ...given, validation: undefined }, undefined]) {
    expect(() => chooseSplits(module, lone, {}, split)).toThrow(
      'class "odd" occurs once (id "s7"): a class needs two rows at least, so add some, merge it with another or leave it out',
    )
  }
})

test('a configuration that is none is refused here already', () => {
  expect(() => chooseSplits(module, data, { validation: 2 })).toThrow('validation is 2: allowed is a number between 0 and 1')
  expect(() => chooseSplits(module, data, { validation: 0.6, test: 0.5 })).toThrow(
    'validation 0.6 and test 0.5 leave nothing to train on: let them add up to less than 1',
  )
})

describe('groups', () => {
  const groups = data.ids.map((_, row) => `g${Math.floor(row / 3)}`)

  test('are drawn whole', () => {
    const { splits } = chooseSplits(module, { ...data, groups }, {})
    const seen = Object.values(splits).flatMap((part) => [...new Set(Array.from(part as Int32Array, (row) => groups[row]))])
    expect(seen).toHaveLength(50)
    expect(new Set(seen).size).toBe(50)
  })

  test('a given split that parts one is refused', () => {
    const splits = { train: rows(0, 100), validation: rows(100, 120), test: rows(120, 150) }
    expect(() => train({ data: { ...data, groups }, splits })).toThrow(
      'group "g33" has rows in train and in validation: give all rows of a group to one part',
    )
  })
})
