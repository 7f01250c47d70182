import { describe, expect, test } from 'vitest'
import { markdown, meanText, pText, type Scores, tableOf } from '../../src/experiments/table.ts'

/** Of `b`: mean 3, deviations -1, 0, 1, so SE √(1 / 3). `a` minus `b`: 0, -1, -2, so mean -1, SE √(1 / 3), t = -√3, p = 0.2254. */
const SEEDS: readonly Scores[] = [
  { a: 2, b: 2, 'oracle:x': 1, 'cohort-best': 1, sometimes: 1 },
  { a: 2, b: 3, 'oracle:x': 1, 'cohort-best': 1 },
  { a: 2, b: 4, 'oracle:x': 1, 'cohort-best': 1, sometimes: 1 },
]

describe('a table', () => {
  const { methods, paired } = tableOf(SEEDS, 'a', 'lower')

  test('has mean, standard error and values of the methods that every seed has', () => {
    expect(methods.map(({ name }) => name)).toEqual(['a', 'b', 'oracle:x', 'cohort-best'])
    expect(methods[0]).toMatchObject({ mean: 2, se: 0, n: 3, values: [2, 2, 2] })
    expect(methods[1]).toMatchObject({ mean: 3, n: 3, values: [2, 3, 4] })
    expect(methods[1].se).toBeCloseTo(Math.sqrt(1 / 3), 12)
  })

  test('compares the headline with each on the same seeds', () => {
    expect(paired.map(({ against }) => against)).toEqual(['b', 'oracle:x', 'cohort-best'])
    const [b] = paired
    expect(b.difference).toBe(-1)
    expect(b.se).toBeCloseTo(Math.sqrt(1 / 3), 12)
    // Two degrees of freedom: P(|T| > t) = 1 - t / √(t² + 2).
    expect(b.p).toBeCloseTo(1 - Math.sqrt(3 / 5), 6)
    // Two differences that are not 0, of one sign: 2 of the 4 ways to sign them are as far out.
    expect(b.wilcoxon).toBeCloseTo(0.5, 12)
  })

  test('compares nobody with a headline that is not there', () => {
    expect(tableOf(SEEDS, 'none', 'lower').paired).toEqual([])
  })

  test('of one seed has no standard error and no p', () => {
    const one = tableOf(SEEDS.slice(0, 1), 'a', 'lower')
    expect(one.methods[0]).toMatchObject({ mean: 2, se: null, n: 1 })
    expect(one.paired[0]).toEqual({ against: 'b', difference: 0, se: null, p: null, wilcoxon: null })
  })

  test('of no seed is empty', () => {
    expect(tableOf([], 'a', 'lower')).toEqual({ methods: [], paired: [] })
  })
})

describe('bold', () => {
  const bold = (seeds: readonly Scores[], better: 'lower' | 'higher') =>
    tableOf(seeds, 'a', better).methods.flatMap((m) => (m.bold ? [m.name] : []))

  /** Means 2 (SE 1), 2.9, 3.1 and 0. */
  const seeds: readonly Scores[] = [
    { a: 1, near: 2.9, far: 3.1, 'oracle:early': 0, 'independent/cohort-best': 0 },
    { a: 3, near: 2.9, far: 3.1, 'oracle:early': 0, 'independent/cohort-best': 0 },
  ]

  test('is what lies within one standard error of the best, and never an oracle or the best in hindsight', () => {
    expect(bold(seeds, 'lower')).toEqual(['a', 'near'])
  })

  test('is high where high is good', () => {
    const high = seeds.map((scores) => Object.fromEntries(Object.entries(scores).map(([name, v]) => [name, -v])))
    expect(bold(high, 'higher')).toEqual(['a', 'near'])
    expect(bold(seeds, 'higher')).toEqual(['far'])
  })
})

test('Markdown: means, bold, the signed difference and p', () => {
  const lines = markdown(tableOf(SEEDS, 'a', 'lower'), 'a', 2).split('\n')
  expect(lines).toEqual([
    '| method | mean (SE) of 3 seeds | a minus it | p |',
    '| --- | --- | --- | --- |',
    '| a | **2.00 (0.00)** |  |  |',
    '| b | 3.00 (0.58) | −1.00 ± 0.58 | 0.225 |',
    '| oracle:x | 1.00 (0.00) | +1.00 ± 0.00 | < 1e-9 |',
    '| cohort-best | 1.00 (0.00) | +1.00 ± 0.00 | < 1e-9 |',
    '',
  ])
})

test('numbers in words: a mean without a standard error, p-values large and small', () => {
  expect(meanText({ mean: 0.51234, se: null }, 4)).toBe('0.5123')
  expect([0.5, 0.001, 0.0004, 1e-12].map(pText)).toEqual(['0.500', '0.001', '4e-4', '< 1e-9'])
})
