import { describe, expect, test } from 'vitest'
import type { CategoryColumn, Modality, NumberColumn } from '../../src/data/dataset.ts'
import {
  applyPreparation,
  fitPreparation,
  ignoredColumns,
  isTooFar,
  MAX_F32,
  type Manner,
  type NumberPreparation,
  type Preparation,
  preparedNames,
  preparedWidth,
  readerOf,
  type Unskew,
  usually,
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

describe('skewed columns', () => {
  /** 1, 2, 4 … 2048: the median is 48, the quartiles are 7 and 320. */
  const powers = Array.from({ length: 12 }, (_, i) => 2 ** i)
  const fitted = (values: readonly number[], manner: Manner = { unskew: true }, present?: number[]) => {
    const view = clinical([numbers('x', ...values)], present)
    const preparation = fitPreparation(view, [...values.keys()], manner)
    return { column: preparation.columns[0] as NumberPreparation, prepared: applyPreparation(preparation, view) }
  }

  test('are straightened around their median, by their quartiles, and standardised then', () => {
    const { column, prepared } = fitted(powers)
    expect(column.unskew).toEqual({ centre: 48, spread: 313 / 1.349 })
    const straight = powers.map((v) => Math.asinh((v - 48) / (313 / 1.349)))
    const mean = straight.reduce((sum, v) => sum + v, 0) / 12
    const scale = Math.sqrt(straight.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 12)
    expect(column.mean).toBeCloseTo(mean, 14)
    expect(column.scale).toBeCloseTo(scale, 14)
    straight.forEach((v, i) => {
      expect(prepared[i]).toBeCloseTo((v - mean) / scale, 6)
    })
  })

  test('to the left as to the right', () => {
    const [right, left] = [fitted(powers), fitted(powers.map((v) => -v))]
    expect(left.column.unskew).toEqual({ centre: -48, spread: 313 / 1.349 })
    expect([...left.prepared]).toEqual(Array.from(right.prepared, (v) => -v))
  })

  test('need more than ten different numbers, and a skewness beyond 1', () => {
    const ten = powers.slice(0, 10)
    expect(fitted([...ten, ...ten]).column.unskew).toBeUndefined()
    expect(fitted(powers.slice(0, 11)).column.unskew).toBeDefined()
    // Of i² the skewness is 0.7.
    expect(fitted(powers.map((_, i) => i * i)).column.unskew).toBeUndefined()
    expect(fitted(powers.flatMap((v) => [v, -v])).column.unskew).toBeUndefined()
  })

  test('of which more than half are the same are spread by their deviation', () => {
    const values = [...Array(40).fill(0), ...powers]
    const { mean, scale } = fitted(values, {}).column
    expect(mean).toBeGreaterThan(0)
    expect(fitted(values).column.unskew).toEqual({ centre: 0, spread: scale / 1.349 })
  })

  test('are held against what is usual, however far off a number is', () => {
    const [far, further] = [1e6, 1e9].map((one) => fitted([...Array(20).keys(), one]))
    expect(far.column.unskew).toEqual({ centre: 10, spread: 10 / 1.349 })
    expect(further.column.unskew).toEqual(far.column.unskew)
    // Standardised without, nothing but the one would be told apart.
    const apart = (prepared: Float32Array) => prepared[19] - prepared[0]
    expect(apart(far.prepared)).toBeGreaterThan(0.5)
    expect(apart(fitted([...Array(20).keys(), 1e6], {}).prepared)).toBeLessThan(1e-4)
  })

  test('gaps and rows without the modality have no part in it and stay 0', () => {
    const present = [...Array(12).fill(1), 1, 0]
    const { column, prepared } = fitted([...powers, NO, 1e9], { unskew: true }, present)
    const without = fitted(powers)
    expect(column).toEqual(without.column)
    expect([...prepared]).toEqual([...without.prepared, 0, 0])
  })

  test('are only centred then, without a scale', () => {
    const { column } = fitted(powers, { unskew: true, standardize: false })
    expect(column).toEqual({ ...fitted(powers).column, scale: 1 })
  })

  test('stay as they are where nobody asks', () => {
    expect(fitted(powers, {}).column).toEqual({ kind: 'number', name: 'x', mean: 341.25, scale: expect.any(Number) })
    expect(fitted(powers, { unskew: false, clip: 0 })).toEqual(fitted(powers, {}))
  })

  test('hold what would be too far off otherwise, and tell of the median', () => {
    const { column } = fitted(powers)
    expect(isTooFar(column, 1e300)).toBe(false)
    expect(isTooFar(fitted(powers, {}).column, 1e300)).toBe(true)
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) expect(isTooFar(column, value)).toBe(true)
    expect(usually(column)).toBe(`48 ± ${313 / 1.349}`)
    expect(usually({ mean: 50, scale: 10 })).toBe('50 ± 10')
    const view = clinical([numbers('x', Number.POSITIVE_INFINITY)])
    expect(() => applyPreparation({ modality: 'clinical', columns: [column] }, view)).toThrow(
      `feature "x" of "clinical" is Infinity in row 0, in training it was 48 ± ${313 / 1.349}: correct it`,
    )
  })
})

describe('clipping', () => {
  const view = clinical([
    numbers('age', 1, 3, 1000, -1000, NO, 6),
    categories('sex', 'f', 'm', 'f', 'm', '', 'f'),
    numbers('bmi', 0, 4, 2, 2, 2, 2.5),
  ])
  const learned = (manner: Manner) => fitPreparation(view, [0, 1], manner)

  test('ends standardised numbers on both sides, and nothing else', () => {
    expect(learned({ clip: 3 })).toEqual({ ...learned({}), clip: 3 })
    expect(rows(applyPreparation(learned({ clip: 3 }), view), 4)).toEqual([
      [-1, 1, 0, -1],
      [1, 0, 1, 1],
      [3, 1, 0, 0],
      [-3, 0, 1, 0],
      [0, 0, 0, 0],
      [3, 1, 0, 0.25],
    ])
    // A category is no number, however small the end.
    expect(rows(applyPreparation(learned({ clip: 0.5 }), view), 4)[1]).toEqual([0.5, 0, 1, 0.5])
  })

  test('of 0 is none', () => {
    expect(learned({ clip: 0 })).toEqual(learned({}))
    expect(rows(applyPreparation(learned({}), view), 4)[2]).toEqual([998, 1, 0, 0])
  })

  test('can be put off by who reads', () => {
    const reader = readerOf(learned({ clip: 3 }))
    const read = reader.open(view)
    const [clipped, whole] = [new Float32Array(4), new Float32Array(4)]
    read(clipped, 0, Int32Array.of(3))
    read(whole, 0, Int32Array.of(3), true)
    expect([...clipped]).toEqual([-3, 0, 1, 0])
    expect([...whole]).toEqual([-1002, 0, 1, 0])
  })

  test('of who asks for features as far off as they are, skewed columns are only divided by their spread', () => {
    const powers = clinical([numbers('x', ...Array.from({ length: 12 }, (_, i) => 2 ** i))])
    const preparation = fitPreparation(
      powers,
      powers.present.map((_, row) => row),
      { unskew: true, clip: 2 },
    )
    const { centre, spread } = (preparation.columns[0] as NumberPreparation).unskew as Unskew
    const far = clinical([numbers('x', 1e6, 1e300)])
    const whole = new Float32Array(2)
    readerOf(preparation).open(far)(whole, 0, Int32Array.of(0, 1), true)
    expect(whole[0]).toBe(Math.fround((1e6 - centre) / spread))
    expect(whole[1]).toBe(MAX_F32)
    expect([...applyPreparation(preparation, far)]).toEqual([2, 2])
  })

  test('does not hide a number that cannot be held', () => {
    const far = clinical([numbers('age', 1e300), categories('sex', 'f'), numbers('bmi', 1)])
    expect(() => applyPreparation(learned({ clip: 3 }), far)).toThrow('feature "age" of "clinical" is 1e+300 in row 0')
  })
})
