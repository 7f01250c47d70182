import { describe, expect, test } from 'vitest'
import type { CategoryColumn, Modality, NumberColumn } from '../../src/data/dataset.ts'
import {
  applyPreparation,
  fitPreparation,
  ignoredColumns,
  type Preparation,
  preparedNames,
  preparedWidth,
} from '../../src/data/prepare.ts'
import { seeded } from './random.ts'

const numbers = (name: string, ...values: number[]): NumberColumn => ({ kind: 'number', name, values: Float64Array.from(values) })

const categories = (name: string, ...cells: string[]): CategoryColumn => {
  const levels = [...new Set(cells.filter((cell) => cell !== ''))]
  return { kind: 'category', name, levels, codes: Int32Array.from(cells, (cell) => levels.indexOf(cell)) }
}

const clinical = (columns: Modality['columns'], present?: number[]): Modality => {
  const rows = columns[0].kind === 'number' ? columns[0].values.length : columns[0].codes.length
  return { name: 'clinical', columns, present: present ? Uint8Array.from(present) : new Uint8Array(rows).fill(1) }
}

const rows = (prepared: Float32Array, width: number) =>
  Array.from({ length: prepared.length / width }, (_, i) => Array.from(prepared.subarray(i * width, (i + 1) * width)))

const NO = Number.NaN

describe('fitting', () => {
  test('mean and population deviation of the training rows; gaps are skipped', () => {
    const view = clinical([numbers('age', 1, 3, NO, 1000)])
    expect(fitPreparation(view, [0, 1, 2])).toEqual({
      modality: 'clinical',
      columns: [{ kind: 'number', name: 'age', mean: 2, scale: 1 }],
    })
    expect(fitPreparation(clinical([numbers('x', 2, 4, 4, 4, 5, 5, 7, 9)]), [0, 1, 2, 3, 4, 5, 6, 7]).columns[0]).toMatchObject({
      mean: 5,
      scale: 2,
    })
  })

  test('a column that does not vary in the training rows is left out, whatever it is later', () => {
    const view = clinical([
      numbers('constant', 0.1, 0.1, 0.1, 5),
      numbers('age', 1, 3, 5, 7),
      numbers('once known', NO, 4, NO, 8),
      numbers('never known', NO, NO, NO, 5),
      categories('same', 'f', 'f', 'f', 'm'),
      categories('gap or not', 'f', '', 'f', 'm'),
      categories('no level', '', '', '', 'm'),
    ])
    const preparation = fitPreparation(view, [0, 1, 2])
    expect(preparation.columns.map((column) => column.name)).toEqual(['age', 'gap or not'])
    expect(ignoredColumns(preparation, view)).toEqual(['constant', 'once known', 'never known', 'same', 'no level'])
    expect(applyPreparation(preparation, clinical([numbers('age', 3), categories('gap or not', 'f')]))).toHaveLength(2)
  })

  test('a modality of which nothing varies has no numbers', () => {
    const view = clinical([numbers('x', 1, 1, 2)])
    const preparation = fitPreparation(view, [0, 1])
    expect(preparation).toEqual({ modality: 'clinical', columns: [] })
    expect(applyPreparation(preparation, view)).toHaveLength(0)
  })

  test('rows without the modality are skipped', () => {
    const view = clinical([numbers('age', 1, 3, 1000), categories('sex', 'f', '', 'm')], [1, 1, 0])
    expect(fitPreparation(view, [0, 1, 2]).columns).toEqual([
      { kind: 'number', name: 'age', mean: 2, scale: 1 },
      { kind: 'category', name: 'sex', levels: ['f'] },
    ])
  })

  test('levels are those of the training rows, sorted', () => {
    const view = clinical([categories('sex', 'm', 'f', '', 'other'), categories('stage', '10', '9', '9', '1')])
    expect(fitPreparation(view, [0, 1, 2]).columns.map((column) => column.kind === 'category' && column.levels)).toEqual([
      ['f', 'm'],
      ['9', '10'],
    ])
  })

  test('a large offset costs no digits', () => {
    const seconds = [0, 1, 2, 3].map((second) => 1.6e9 + second)
    const prepared = (values: number[]) => {
      const view = clinical([numbers('t', ...values)])
      return applyPreparation(fitPreparation(view, [0, 1, 2, 3]), view)
    }
    expect([...prepared(seconds)]).toEqual([...prepared([0, 1, 2, 3])])
  })

  test('numbers too large to be averaged are refused', () => {
    expect(() => fitPreparation(clinical([numbers('x', 1e300, -1e300)]), [0, 1])).toThrow(
      'feature "x" of "clinical" has numbers too large to be averaged: give it in a larger unit',
    )
  })

  test('what is not in the training rows changes nothing', () => {
    const random = seeded(1)
    const n = 60
    const draw = () => Float64Array.from(random.normal(n))
    const a = clinical([
      { kind: 'number', name: 'x', values: draw() },
      categories('c', ...Array.from({ length: n }, (_, i) => `l${i % 4}`)),
    ])
    const train = Array.from({ length: 40 }, (_, i) => i)
    const b: Modality = structuredClone(a)
    for (let row = 40; row < n; row++) {
      ;(b.columns[0] as NumberColumn).values[row] = row % 3 ? 1e9 : NO
      ;(b.columns[1] as CategoryColumn).codes[row] = row % 3 ? 2 : -1
      b.present[row] = row % 2
    }
    expect(fitPreparation(b, train)).toEqual(fitPreparation(a, train))
    expect(applyPreparation(fitPreparation(b, train), b, train)).toEqual(applyPreparation(fitPreparation(a, train), a, train))
  })
})

describe('applying', () => {
  const preparation: Preparation = {
    modality: 'clinical',
    columns: [
      { kind: 'number', name: 'age', mean: 50, scale: 10 },
      { kind: 'category', name: 'sex', levels: ['f', 'm'] },
      { kind: 'number', name: 'bmi', mean: 25, scale: 4 },
    ],
  }

  test('width and names', () => {
    expect(preparedWidth(preparation)).toBe(4)
    expect(preparedNames(preparation)).toEqual(['age', 'sex=f', 'sex=m', 'bmi'])
  })

  test('gaps become the mean, gaps and unknown levels no level, absent rows zeros', () => {
    const view = clinical(
      [numbers('age', 60, NO, 45, 80), categories('sex', 'm', 'other', '', 'f'), numbers('bmi', 25, 33, NO, 20)],
      [1, 1, 1, 0],
    )
    expect(rows(applyPreparation(preparation, view), 4)).toEqual([
      [1, 0, 1, 0],
      [0, 0, 0, 2],
      [-0.5, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    expect(rows(applyPreparation(preparation, view, [2, 0, 2]), 4)).toEqual([
      [-0.5, 0, 0, 0],
      [1, 0, 1, 0],
      [-0.5, 0, 0, 0],
    ])
  })

  test('more than 256 rows', () => {
    const view = clinical([numbers('x', ...Array.from({ length: 600 }, (_, i) => i))])
    const identity: Preparation = { modality: 'clinical', columns: [{ kind: 'number', name: 'x', mean: 0, scale: 1 }] }
    expect([...applyPreparation(identity, view)]).toEqual(Array.from({ length: 600 }, (_, i) => i))
  })

  test('columns in another order and further columns give the same bits', () => {
    const age = numbers('age', 61.7, 1 / 3, NO)
    const sex = categories('sex', 'm', 'f', 'f')
    const bmi = numbers('bmi', 24.1, 0.1, 31)
    const more = clinical([numbers('pulse', 1, 2, 3), bmi, sex, categories('city', 'a', 'b', 'c'), age])
    expect(applyPreparation(preparation, more)).toEqual(applyPreparation(preparation, clinical([age, sex, bmi])))
    expect(ignoredColumns(preparation, more)).toEqual(['pulse', 'city'])
  })

  test.each([
    [clinical([numbers('age', 1), numbers('bmi', 1)]), 'feature "sex" of "clinical" is missing: the model needs it as a column'],
    [
      clinical([categories('age', 'old'), categories('sex', 'f'), numbers('bmi', 1)]),
      'feature "age" of "clinical" holds categories, the model was trained on numbers: give it as numbers',
    ],
    [
      clinical([numbers('age', 1), numbers('sex', 0), numbers('bmi', 1)]),
      'feature "sex" of "clinical" holds numbers, the model was trained on categories: give it as categories',
    ],
    [
      clinical([numbers('age', 50, 1e300), categories('sex', 'f', 'f'), numbers('bmi', 1, 1)]),
      'feature "age" of "clinical" is 1e+300 in row 1, in training it was 50 ± 10: correct it',
    ],
  ])('refuses what it cannot prepare', (view, sentence) => {
    expect(() => applyPreparation(preparation, view)).toThrow(sentence)
  })
})
