import { describe, expect, test } from 'vitest'
import type { Target } from '../../src/data/dataset.ts'
import { type Subjects, splitRows, splitValidation } from '../../src/data/split.ts'
import { seeded } from './random.ts'

/** Subjects p0, p1, …, the classes in turn until each has its number. */
function subjects(counts: Readonly<Record<string, number>>): Subjects {
  const classes = Object.keys(counts)
  const most = Math.max(...Object.values(counts))
  const labels = Array.from({ length: most }, (_, round) =>
    classes.flatMap((name, k) => (counts[name] > round ? [k] : [])),
  ).flat()
  return named({ task: 'classification', classes, labels: Int32Array.from(labels) }, labels.length)
}

const named = (target: Target, rows: number): Subjects => ({ ids: Array.from({ length: rows }, (_, i) => `p${i}`), target })

const regression = (rows: number) => named({ task: 'regression', outputs: ['y'], values: new Float64Array(rows) }, rows)

/** How many rows of each class a part has. */
const counts = ({ target }: Subjects, rows: Int32Array) =>
  target.task === 'classification' ? target.classes.map((_, k) => rows.filter((row) => target.labels[row] === k).length) : []

const sorted = (...parts: Int32Array[]) => parts.flatMap((part) => [...part]).sort((a, b) => a - b)

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('splitRows', () => {
  test('every class has its share in every part', () => {
    const data = subjects({ a: 100, b: 60, c: 40 })
    const { train, validation, test } = splitRows(seeded(1), data)
    expect([train, validation, test].map((part) => counts(data, part))).toEqual([
      [70, 42, 28],
      [15, 9, 6],
      [15, 9, 6],
    ])
    expect(sorted(train, validation, test)).toEqual(range(200))
  })

  test('the parts have the asked sizes when shares are no whole numbers', () => {
    const data = subjects({ a: 53, b: 17, c: 7 })
    const { train, validation, test } = splitRows(seeded(2), data, { validation: 0.2, test: 0.3 })
    // test: 15.9 5.1 2.1 → 23 rows; validation: 10.6 3.4 1.4 → 15 rows
    expect([test, validation, train].map((part) => counts(data, part))).toEqual([
      [16, 5, 2],
      [11, 3, 1],
      [26, 9, 4],
    ])
  })

  test('no class loses its last row for training', () => {
    for (let seed = 0; seed < 20; seed++) {
      const data = subjects({ a: 2, b: 3, c: 2, d: 30 })
      const { train } = splitRows(seeded(seed), data, { validation: 0.3, test: 0.6 })
      expect(Math.min(...counts(data, train))).toBeGreaterThanOrEqual(1)
    }
  })

  test('parts are in ascending order', () => {
    const { train, validation, test } = splitRows(seeded(3), regression(1000))
    for (const part of [train, validation, test]) expect([...part]).toEqual(sorted(part))
    expect([train.length, validation.length, test.length]).toEqual([700, 150, 150])
  })

  test('the same seed gives the same rows, another seed gives others', () => {
    const data = subjects({ a: 50, b: 50 })
    expect(splitRows(seeded(4), data)).toEqual(splitRows(seeded(4), data))
    expect(splitRows(seeded(4), data).test).not.toEqual(splitRows(seeded(5), data).test)
  })

  test('rows have the same chance', () => {
    const drawn = new Array<number>(20).fill(0)
    const random = seeded(6)
    for (let i = 0; i < 1000; i++)
      for (const row of splitRows(random, regression(20), { validation: 0.25, test: 0.25 }).test) drawn[row]++
    // 1000 draws at 1/4: 250 ± 14
    for (const times of drawn) expect(Math.abs(times - 250)).toBeLessThan(70)
  })

  test.each([
    [
      subjects({ a: 5, x: 1 }),
      'class "x" occurs once (id "p1"): a class needs two rows at least, so add some, merge it with another or leave it out',
    ],
    [
      subjects({ x: 1, a: 5, y: 1 }),
      'class "x" occurs once (id "p0"), class "y" occurs once (id "p2"): a class needs two rows at least, so add some, merge it with another or leave it out',
    ],
    [regression(3), 'no row is left for validation out of 3: give more rows or another fraction'],
    [regression(0), 'no row is left for train out of 0: give more rows or another fraction'],
    [
      subjects({ a: 2, b: 2 }),
      'no row is left for test out of 4: give more rows or another fraction',
      { validation: 0.3, test: 0.1 },
    ],
  ] as const)('refuses what cannot be split', (data, sentence, fractions?) => {
    expect(() => splitRows(seeded(1), data, fractions)).toThrow(expect.objectContaining({ name: 'DataError', message: sentence }))
  })

  test.each([
    [{ validation: 0, test: 0.1 }, 'the validation fraction is 0: give a number between 0 and 1'],
    [{ validation: 0.1, test: Number.NaN }, 'the test fraction is NaN: give a number between 0 and 1'],
    [{ validation: 0.5, test: 0.5 }, 'validation 0.5 and test 0.5 leave nothing to train on: let them add up to less than 1'],
  ])('refuses fractions %j', (fractions, sentence) => {
    expect(() => splitRows(seeded(1), regression(10), fractions)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: sentence }),
    )
  })
})

describe('splitValidation', () => {
  test('draws from the given rows only and keeps the shares', () => {
    const data = subjects({ a: 60, b: 40 })
    const pool = range(100).filter((row) => row % 5 !== 0)
    const { train, validation } = splitValidation(seeded(1), data, pool, 0.25)
    expect(sorted(train, validation)).toEqual(pool)
    const all = counts(data, Int32Array.from(pool))
    expect(counts(data, validation)).toEqual(all.map((n) => n / 4))
  })

  test('a class with one row in the pool stays in train', () => {
    const data = subjects({ a: 20, b: 20, c: 2 })
    const pool = range(42).filter((row) => row !== 5) // p2 and p5 are the class c
    for (let seed = 0; seed < 20; seed++) expect(counts(data, splitValidation(seeded(seed), data, pool, 0.5).train)[2]).toBe(1)
  })

  test('the pool’s own class of one is allowed, the data set’s is not', () => {
    expect(() => splitValidation(seeded(1), subjects({ a: 9, x: 1 }), [0, 2, 3, 4])).toThrow('class "x" occurs once (id "p1")')
  })

  test('refuses a pool too small', () => {
    expect(() => splitValidation(seeded(1), regression(10), [1, 2])).toThrow('no row is left for validation out of 2')
    expect(() => splitValidation(seeded(1), regression(10), [1, 2], 1)).toThrow('the validation fraction is 1')
  })
})

describe('groups', () => {
  /** 150 families of one to four rows, classes a, b and c by family; some families change class with their last row. */
  const families = (): Subjects & { readonly groups: string[] } => {
    const rows = range(150).flatMap((f) =>
      range(1 + ((7 * f) % 4)).map((k) => ({ f, label: (f + (f % 5 === 0 && k > 1 ? 1 : 0)) % 3 })),
    )
    const target: Target = {
      task: 'classification',
      classes: ['a', 'b', 'c'],
      labels: Int32Array.from(rows, ({ label }) => label),
    }
    return { ...named(target, rows.length), groups: rows.map(({ f }) => `family ${f}`) }
  }
  const of = ({ groups }: { groups: readonly string[] }, rows: Int32Array) => new Set(Array.from(rows, (row) => groups[row]))

  test('no group has rows in two parts, and every row is in one', () => {
    const data = families()
    for (let seed = 0; seed < 20; seed++) {
      const { train, validation, test } = splitRows(seeded(seed), data)
      expect(sorted(train, validation, test)).toEqual(range(data.ids.length))
      const [a, b, c] = [train, validation, test].map((part) => of(data, part))
      expect(a.size + b.size + c.size).toBe(150)
      expect(new Set([...a, ...b, ...c]).size).toBe(150)
    }
  })

  test('every class has its share in every part, up to a row and the size of the largest group', () => {
    const data = families()
    const all = counts(data, Int32Array.from(range(data.ids.length)))
    for (let seed = 0; seed < 20; seed++) {
      const { validation, test } = splitRows(seeded(seed), data)
      for (const part of [validation, test]) {
        const off = counts(data, part).map((n, k) => Math.abs(n - 0.15 * all[k]))
        expect(Math.max(...off)).toBeLessThanOrEqual(5)
      }
    }
  })

  test('of one row each are as none', () => {
    const data = subjects({ a: 53, b: 17, c: 7 })
    const groups = data.ids.map((id) => `of ${id}`)
    expect(splitRows(seeded(8), { ...data, groups })).toEqual(splitRows(seeded(8), data))
  })

  test('the same seed gives the same parts, whatever the groups are called', () => {
    const data = families()
    expect(splitRows(seeded(9), data)).toEqual(
      splitRows(seeded(9), { ...data, groups: data.groups.map((name) => `the ${name}`) }),
    )
    expect(splitRows(seeded(9), data).test).not.toEqual(splitRows(seeded(10), data).test)
  })

  test('large groups are drawn as often as small ones', () => {
    const groups = [...range(20).flatMap((g) => [`pair ${g}`, `pair ${g}`]), ...range(40).map((g) => `single ${g}`)]
    const random = seeded(11)
    let pairs = 0
    for (let i = 0; i < 400; i++) {
      const { test } = splitRows(random, { ...regression(80), groups }, { validation: 0.25, test: 0.25 })
      pairs += test.filter((row) => groups[row].startsWith('pair')).length
    }
    // Of 20 test rows half are of pairs: 4000 ± 55.
    expect(Math.abs(pairs - 4000)).toBeLessThan(280)
  })

  test('a class keeps its last group for training', () => {
    for (let seed = 0; seed < 20; seed++) {
      const data = subjects({ a: 30, b: 6 })
      const rare = data.target.task === 'classification' ? Array.from(data.target.labels) : []
      const groups = data.ids.map((id, i) => (rare[i] === 1 ? 'the only one' : id))
      expect(counts(data, splitRows(seeded(seed), { ...data, groups }, { validation: 0.3, test: 0.6 }).train)[1]).toBe(6)
    }
  })

  test('too large for a part are not taken', () => {
    const groups = range(30).map((row) => `clinic ${row % 3}`)
    expect(() => splitRows(seeded(1), { ...regression(30), groups })).toThrow('no row is left for validation out of 30')
  })

  test('stay together where validation rows are drawn out of train', () => {
    const data = families()
    const pool = range(data.ids.length).filter((row) => data.groups[row].charCodeAt(7) % 2 === 0)
    const { train, validation } = splitValidation(seeded(2), data, pool, 0.25)
    expect(sorted(train, validation)).toEqual(pool)
    const mine = of(data, validation)
    expect(Array.from(of(data, train)).filter((name) => mine.has(name))).toEqual([])
  })
})
