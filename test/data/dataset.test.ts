import { describe, expect, test } from 'vitest'
import { DataError } from '../../src/core/errors.ts'
import { checkDataset, checkInputs, type Dataset, digest, type Modality, modality, targetNames } from '../../src/data/dataset.ts'

const target = { task: 'classification', classes: ['a', 'b'], labels: Int32Array.of(0, 1) } as const
const view = modality('m', Float32Array.of(1, 2, 3, 4), ['x', 'y'])
const data: Dataset = { ids: ['p1', 'p2'], modalities: [view], target }

test('a modality from an array has one column per feature', () => {
  expect(view.columns).toEqual([
    { kind: 'number', name: 'x', values: Float64Array.of(1, 3) },
    { kind: 'number', name: 'y', values: Float64Array.of(2, 4) },
  ])
  expect([...view.present]).toEqual([1, 1])
  expect(modality('m', Float32Array.of(1, 2), 2).columns.map(({ name }) => name)).toEqual(['0', '1'])
  expect(() => modality('m', new Float32Array(5), 2)).toThrow('modality "m" has 5 values, which is no multiple of its 2 features')
})

test('a row of nothing but gaps lacks the modality, unless it is said who has it', () => {
  const values = Float64Array.of(Number.NaN, 1, Number.NaN, Number.NaN)
  expect([...modality('m', values, 2).present]).toEqual([1, 0])
  expect([...modality('m', values, 2, Uint8Array.of(1, 1)).present]).toEqual([1, 1])
})

test('a target names its classes or outputs', () => {
  expect(targetNames(target)).toEqual(['a', 'b'])
  expect(targetNames({ task: 'regression', outputs: ['y'], values: new Float64Array(2) })).toEqual(['y'])
})

describe('checkDataset', () => {
  test('accepts gaps, and anything where a modality is absent', () => {
    const gaps: Modality = modality('m', Float64Array.of(Number.NaN, 1, Infinity, -Infinity), 2, Uint8Array.of(1, 0))
    expect(() => checkDataset({ ...data, modalities: [gaps] })).not.toThrow()
  })

  const column = (name: string, ...values: number[]) => ({ kind: 'number', name, values: Float64Array.from(values) }) as const
  const withColumns = (...columns: Modality['columns']): Partial<Dataset> => ({ modalities: [{ ...view, columns }] })
  test('a modality of which a model uses nothing may come without features, but not to be learned from', () => {
    expect(() => checkInputs({ ...data, ...withColumns() })).not.toThrow()
    expect(() => checkDataset({ ...data, ...withColumns() })).toThrow(DataError)
  })

  test.each<[Partial<Dataset>, string]>([
    [{ ids: [] }, 'there are no rows: give at least one subject'],
    [{ ids: ['p1', 'p1'] }, 'id "p1" stands twice: give each subject one row'],
    [{ modalities: [] }, 'there is no modality: give at least one view of the subjects'],
    [{ modalities: [view, view] }, 'two modalities are named "m": give each its own name'],
    [{ ids: ['p1'] }, 'modality "m" has 2 rows, there are 1 ids: give every modality one row per subject'],
    [withColumns(), 'modality "m" has no features: give it at least one column'],
    [withColumns(column('x', 1, 2), column('x', 1, 2)), 'modality "m" has two features named "x": rename one'],
    [withColumns(column('x', 1)), 'feature "x" of "m" has 1 rows, there are 2 ids'],
    [withColumns(column('x', 1, Infinity)), 'feature "x" of "m" is Infinity for "p2": give a finite number, or NaN for a gap'],
    [
      withColumns({ kind: 'category', name: 'c', codes: Int32Array.of(-1, 2), levels: ['f', 'm'] }),
      'feature "c" of "m" is 2 for "p2": give an index into its 2 levels, or -1',
    ],
    [{ groups: ['g'] }, 'there are 1 groups for 2 ids: give every row the name of its group'],
    [{ target: { ...target, labels: Int32Array.of(0) } }, 'there are 1 labels for 2 ids'],
    [{ target: { ...target, classes: ['a'] } }, 'there is only the class "a": a classifier needs two'],
    [{ target: { ...target, labels: Int32Array.of(0, 2) } }, 'the label of "p2" is 2: give an index into the 2 classes'],
    [
      { target: { task: 'regression', outputs: ['u', 'v'], values: new Float64Array(3) } },
      'the target has 3 values for 2 ids and 2 outputs',
    ],
    [
      { target: { task: 'regression', outputs: ['u', 'v'], values: Float64Array.of(1, 2, 3, Number.NaN) } },
      'the target "v" of "p2" is NaN: give a finite number',
    ],
  ])('refuses %j', (change, sentence) => {
    expect(() => checkDataset({ ...data, ...change })).toThrow(sentence)
  })
})

describe('digest', () => {
  test('is FNV-1a of ids, modalities and target, here with the definition in whole numbers', () => {
    const text = (s: string) => [...new TextEncoder().encode(s), 0]
    const bytes = (array: Float64Array | Int32Array) => [...new Uint8Array(array.buffer)]
    const all = [
      ...['p1', 'p2', 'm'].flatMap(text),
      ...[1, 1],
      ...text('x'),
      ...bytes(Float64Array.of(1, 3)),
      ...text('y'),
      ...bytes(Float64Array.of(2, 4)),
      ...['a', 'b'].flatMap(text),
      ...bytes(target.labels),
    ]
    let hash = 0xcbf29ce484222325n
    for (const byte of all) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) % 2n ** 64n
    expect(digest(data)).toBe(`fnv1a64:${hash.toString(16).padStart(16, '0')}`)
  })

  test('one changed value, id or class changes it', () => {
    const changes: Partial<Dataset>[] = [
      { ids: ['p1', 'p3'] },
      { modalities: [modality('m', Float32Array.of(1, 2, 3, 5), ['x', 'y'])] },
      { modalities: [modality('m', Float32Array.of(1, 2, 3, 4), ['x', 'y'], Uint8Array.of(1, 0))] },
      { target: { ...target, classes: ['a', 'c'] } },
    ]
    expect(new Set([data, ...changes.map((change) => ({ ...data, ...change }))].map(digest)).size).toBe(5)
  })
})

test('what plain JavaScript may get wrong is said before a kernel sees it', () => {
  const modalities = [modality('m', Float32Array.of(1, 2), 1)]
  const given = (target: unknown) => () => checkDataset({ ids: ['a', 'b'], modalities, target } as Dataset)
  expect(given({ task: 'classification', classes: ['x', 'y'], labels: [0, 1] })).toThrow(
    'the labels are no Int32Array: give them as one',
  )
  expect(given({ task: 'regression', outputs: ['y'], values: [0, 1] })).toThrow(
    'the values are no Float64Array: give them as one',
  )
  expect(given({ task: 'classif' })).toThrow('the target\'s task is "classif": give "classification" or "regression"')
})

test('what the data were made of is checked like the data', () => {
  const short = modality('z', Float32Array.of(1), 1)
  expect(() => checkDataset({ ...data, oracle: [short] })).toThrow('modality "z" has 1 rows, there are 2 ids')
  expect(() => checkDataset({ ...data, oracle: [view] })).not.toThrow()
})
