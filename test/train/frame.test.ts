import { describe, expect, test } from 'vitest'
import { type Dataset, modality, type Target } from '../../src/data/dataset.ts'
import { parseExtractor } from '../../src/fusion/extractor.ts'
import { modelTarget, prepareRows, projectRows, targetOf, targetValues } from '../../src/train/frame.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'

const rows = (...list: number[]) => Int32Array.from(list)
const regression = (outputs: number, ...values: number[]): Target => ({
  task: 'regression',
  outputs: Array.from({ length: outputs }, (_, d) => `y${d}`),
  values: Float64Array.from(values),
})
const classification: Target = { task: 'classification', classes: ['a', 'b', 'c'], labels: rows(2, 0, 1, 1) }

describe('the target as students learn it', () => {
  test('a regression: mean and population deviation of each output over the training rows', () => {
    const target = regression(2, 1, 100, 3, 100, 5, 400, 1e6, -1e6)
    const model = modelTarget(target, rows(0, 1), true)
    expect(model).toEqual({
      task: 'regression',
      outputs: ['y0', 'y1'],
      mean: Float64Array.of(2, 100),
      scale: Float64Array.of(1, 1),
    })
    expect([...targetValues(target, model)]).toEqual([-1, 0, 1, 0, 3, 300, 999998, -1000100])
  })

  test('an offset costs no digits', () => {
    const small = [0.25, 0.5, 1.75, 3.5]
    const shifted = regression(1, ...small.map((v) => v + 2 ** 40))
    const [near, far] = [regression(1, ...small), shifted].map((t) => targetValues(t, modelTarget(t, rows(0, 1, 2, 3), true)))
    expect(far).toEqual(near)
  })

  test('a constant output keeps its scale', () => {
    const target = regression(1, 7, 7, 7)
    expect(modelTarget(target, rows(0, 1), true)).toMatchObject({ mean: Float64Array.of(7), scale: Float64Array.of(1) })
  })

  test('numbers that cannot be held are refused', () => {
    const huge = regression(2, 1, 1e200, 2, -1e200, 3, 5)
    expect(() => modelTarget(huge, rows(0, 1), true)).toThrow(
      'target "y1" has numbers too large to be averaged: give it in a larger unit',
    )
    for (const standardize of [true, false]) {
      const later = regression(2, 1, 1, 3, 3, 2, -1e200)
      const model = modelTarget(later, rows(0, 1), standardize)
      expect(() => targetValues(later, model)).toThrow(
        `target "y1" is -1e+200 in row 2, which is too far from ${standardize ? '2 ± 1' : '0 ± 1'}: correct it or give it in a larger unit`,
      )
    }
  })

  test('unless it is not to be standardised', () => {
    const target = regression(1, 7, 9, 7)
    const model = modelTarget(target, rows(0, 1), false)
    expect(model).toMatchObject({ mean: Float64Array.of(0), scale: Float64Array.of(1) })
    expect([...targetValues(target, model)]).toEqual([7, 9, 7])
  })

  test('labels are what they are', () => {
    const model = modelTarget(classification, rows(0, 1), true)
    expect(model).toEqual({ task: 'classification', classes: ['a', 'b', 'c'] })
    expect([...targetValues(classification, model)]).toEqual([2, 0, 1, 1])
  })

  test('of some rows, in their order', () => {
    expect(targetOf(rows(2, 0, 1, 1), rows(3, 0, 0), 3)).toEqual(rows(1, 2, 2))
    expect(targetOf(Float32Array.of(1, 2, 3, 4, 5, 6), rows(2, 0), 2)).toEqual(Float32Array.of(5, 6, 1, 2))
  })
})

describe('modalities in the session', () => {
  const random = numbers(31)
  const n = 40
  const present = Uint8Array.from({ length: n }, (_, i) => (i % 4 === 3 ? 0 : 1))
  const data: Dataset = {
    ids: Array.from({ length: n }, (_, i) => `s${i}`),
    modalities: [modality('a', random.f64(n * 6), 6), modality('b', random.f64(n * 3), 3, present)],
    target: regression(1, ...random.f64(n)),
  }
  const train = Int32Array.from({ length: 24 }, (_, i) => i)
  const extractors = [
    ['skip', 'raw', 'pca(2)', 'pca(4)'],
    ['raw', 'pca(2)'],
  ].map((list) => list.map(parseExtractor))

  function frame(of: Dataset) {
    const session = trainSession()
    const { preparations, sources } = prepareRows(session, of, train, {})
    const work = projectRows(session, of, sources, extractors, train, true)
    let turns = 0
    let turn = work.next()
    for (; !turn.done; turn = work.next()) turns++
    const read = (name: string) => {
      const { at, width } = sources.get(name)!
      return session.memory.f32(at, n * width).slice()
    }
    return { preparations, projections: turn.value, names: [...sources.keys()], read, turns }
  }
  const made = frame(data)

  test('prepared rows, and the scores of every PCA', () => {
    expect(made.names).toEqual(['0:raw', '1:raw', '0:pca(2)', '0:pca(4)', '1:pca(2)'])
    expect(made.projections.map((p) => [p.modality, p.name, p.bias.length])).toEqual([
      [0, 'pca(2)', 2],
      [0, 'pca(4)', 4],
      [1, 'pca(2)', 2],
    ])
    expect(made.turns).toBeGreaterThanOrEqual(2)
    const a = made.read('0:raw')
    for (let j = 0; j < 6; j++) {
      const column = Array.from(train, (row) => a[row * 6 + j])
      expect(column.reduce((sum, v) => sum + v, 0) / 24).toBeCloseTo(0, 5)
      expect(column.reduce((sum, v) => sum + v * v, 0) / 24).toBeCloseTo(1, 5)
    }
  })

  test('the scores of a modality are as large as its standardised features', () => {
    for (const [name, width, used] of [
      ['0:pca(4)', 4, train],
      ['1:pca(2)', 2, train.filter((row) => present[row])],
    ] as const) {
      const z = made.read(name)
      const squares = Array.from(used).flatMap((row) => Array.from(z.subarray(row * width, (row + 1) * width), (v) => v * v))
      expect(squares.reduce((sum, v) => sum + v, 0) / (used.length - 1) / width).toBeCloseTo(1, 5)
    }
  })

  test('rows without the modality, and rows that are not for training, have no part in what is learned', () => {
    const other: Dataset = {
      ...data,
      modalities: data.modalities.map((m, i) => ({
        ...m,
        columns: m.columns.map((c) =>
          c.kind === 'number'
            ? { ...c, values: c.values.map((v, row) => (row >= 24 || (i === 1 && !present[row]) ? 100 + v : v)) }
            : c,
        ),
      })),
    }
    const again = frame(other)
    expect(again.preparations).toEqual(made.preparations)
    expect(again.projections).toEqual(made.projections)
    expect(again.read('1:pca(2)').slice(0, 48)).toEqual(made.read('1:pca(2)').slice(0, 48))
    expect(again.read('0:raw').slice(24 * 6)).not.toEqual(made.read('0:raw').slice(24 * 6))
  })
})
