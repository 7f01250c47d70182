import { describe, expect, test } from 'vitest'
import { type Extractor, extractorName, parseExtractor } from '../../src/fusion/extractor.ts'
import { type Combination, combinations } from '../../src/train/combinations.ts'
import { type Random, randomFrom } from '../../src/wasm/random.ts'
import { trainSession } from '../kernels/kernels.ts'

/** `lists('skip raw', 'raw')`: the extractors of each modality. */
const lists = (...modalities: string[]): Extractor[][] => modalities.map((names) => names.split(' ').map(parseExtractor))
const session = trainSession()
const seeded = (seed = 1) => randomFrom(session, seed).fork('cohort')
const named = (list: readonly Combination[]) => list.map((c) => c.map(extractorName).join(' '))
const used = (combination: Combination) => combination.flatMap((e, m) => (e.kind === 'skip' ? [] : [m]))

describe('within the budget: all but the empty one', () => {
  test.each([
    [['skip raw'], ['raw']],
    [['raw'], ['raw']],
    [['skip raw', 'skip'], ['raw skip']],
    [
      ['skip raw', 'skip raw'],
      ['skip raw', 'raw skip', 'raw raw'],
    ],
    [
      ['raw skip', 'raw'],
      ['raw raw', 'skip raw'],
    ],
    [
      ['raw pca(2)', 'raw mlp(3)'],
      ['raw raw', 'raw mlp(3)', 'pca(2) raw', 'pca(2) mlp(3)'],
    ],
  ])('%j', (modalities, expected) => {
    expect(named(combinations(lists(...modalities), 64, seeded()))).toEqual(expected)
  })

  test('as many students as in the settings of the paper', () => {
    const skip = (n: number, ...more: string[]) =>
      ['skip', ...Array.from({ length: n }, (_, i) => `pca(${i + 1})`), ...more].join(' ')
    const count = (...modalities: string[]) => combinations(lists(...modalities), 4096, seeded()).length
    expect(count(skip(3, 'raw'), skip(3, 'raw'))).toBe(24)
    expect(count(skip(3), skip(1))).toBe(7)
    expect(count(skip(4), skip(3))).toBe(19)
    expect(count(skip(4), 'pca(1) pca(2)', 'pca(1) pca(2)', skip(4))).toBe(100)
    expect(count(skip(4), skip(4), skip(4))).toBe(124)
    expect(count(skip(3, 'raw'), skip(4, 'raw'))).toBe(29)
    expect(count(skip(1, 'raw'), skip(6, 'raw'))).toBe(23)
  })

  test('exactly the budget is within it, and draws nothing', () => {
    const three = lists('skip raw pca(2)', 'skip raw', 'skip mlp(3)')
    const all = combinations(three, 11, seeded(1))
    expect(all).toHaveLength(11)
    expect(combinations(three, 4096, seeded(2))).toEqual(all)
  })
})

describe('beyond the budget', () => {
  test('a modality that is only ever skipped is never used', () => {
    const cohort = combinations(lists('skip raw pca(2)', 'skip', 'skip raw pca(2)', 'skip raw'), 9, seeded())
    expect(cohort).toHaveLength(9)
    expect(new Set(cohort.flatMap(used))).toEqual(new Set([0, 2, 3]))
  })

  const many = lists(...Array.from({ length: 25 }, () => 'skip raw pca(2) mlp(3)'))

  test('25 modalities: every single one, all together, every leave-one-out, then draws', () => {
    const cohort = combinations(many, 64, seeded())
    expect(cohort).toHaveLength(64)
    expect(new Set(named(cohort)).size).toBe(64)
    expect(cohort.slice(0, 25).map(used)).toEqual(Array.from({ length: 25 }, (_, m) => [m]))
    expect(used(cohort[25])).toHaveLength(25)
    const without = cohort.slice(26, 51).map((c) => Array.from(c.keys()).filter((m) => c[m].kind === 'skip'))
    expect(without.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, m) => m))
    for (const c of cohort.slice(0, 51)) for (const e of c) expect(e.kind === 'skip' || e.kind === 'raw').toBe(true)
    const drawn = cohort.slice(51)
    expect(new Set(drawn.flat().map((e) => e.kind))).toEqual(new Set(['skip', 'raw', 'pca', 'mlp']))
    expect(new Set(drawn.map((c) => used(c).length)).size).toBeGreaterThan(5)
  })

  test('the seed decides, and nothing else', () => {
    expect(combinations(many, 64, seeded(7))).toEqual(combinations(many, 64, seeded(7)))
    expect(named(combinations(many, 64, seeded(7)))).not.toEqual(named(combinations(many, 64, seeded(8))))
  })

  test('a budget between: some leave-one-outs, no two alike', () => {
    const cohort = combinations(many, 40, seeded())
    expect(cohort).toHaveLength(40)
    expect(new Set(named(cohort)).size).toBe(40)
    expect(cohort.slice(26).map((c) => used(c).length)).toEqual(Array(14).fill(24))
  })

  test.each([1, 5, 26])('a budget of %d still has every single modality and all together', (budget) => {
    const cohort = combinations(many, budget, seeded())
    expect(cohort).toHaveLength(26)
    expect(cohort.map((c) => used(c).length)).toEqual([...Array(25).fill(1), 25])
  })

  test('one more than the budget: the rest is found, however few are left', () => {
    const three = lists('skip raw pca(2)', 'skip raw mlp(2)', 'skip raw pca(3)')
    const all = new Set(named(combinations(three, 26, seeded())))
    expect(all.size).toBe(26)
    for (let budget = 7; budget < 26; budget++) {
      const cohort = named(combinations(three, budget, seeded(budget)))
      expect(cohort).toHaveLength(budget)
      expect(new Set(cohort).size).toBe(budget)
      for (const name of cohort) expect(all).toContain(name)
    }
  })

  test('where draws only meet what is there already, the rest is taken in order', () => {
    const stuck: Random = { ...seeded(), below: () => 0, permutation: (n) => Int32Array.from({ length: n }, (_, i) => i) }
    const three = lists('skip raw pca(2)', 'skip raw', 'skip raw')
    expect(named(combinations(three, 9, stuck))).toEqual([
      'raw skip skip',
      'skip raw skip',
      'skip skip raw',
      'raw raw raw',
      'skip raw raw',
      'raw skip raw',
      'raw raw skip',
      'pca(2) skip skip',
      'pca(2) skip raw',
    ])
  })

  test('a modality without skip is in every student', () => {
    const fixed = lists('skip raw pca(2)', 'raw pca(3)', 'skip raw mlp(2)', 'skip raw pca(2)')
    for (const budget of [1, 4, 10, 40]) {
      const cohort = combinations(fixed, budget, seeded())
      expect(new Set(named(cohort)).size).toBe(Math.max(budget, 5))
      for (const c of cohort) expect(c[1].kind).not.toBe('skip')
    }
  })

  test('where nothing may be skipped, every student has everything', () => {
    const fixed = lists('raw pca(2)', 'raw pca(3)', 'raw mlp(2)')
    const cohort = combinations(fixed, 5, seeded())
    expect(new Set(named(cohort)).size).toBe(5)
    for (const c of cohort) expect(used(c)).toEqual([0, 1, 2])
  })

  test('one modality with more extractors than the budget', () => {
    const one = lists('skip raw pca(1) pca(2) pca(3)')
    expect(named(combinations(one, 3, seeded())).sort()).toHaveLength(3)
    expect(named(combinations(one, 4, seeded())).sort()).toEqual(['pca(1)', 'pca(2)', 'pca(3)', 'raw'])
  })

  test('the first extractor that is none of skip stands for a modality', () => {
    const cohort = combinations(lists('pca(2) skip raw', 'skip mlp(4) raw', 'raw skip'), 4, seeded())
    expect(named(cohort)).toEqual(['pca(2) skip skip', 'skip mlp(4) skip', 'skip skip raw', 'pca(2) mlp(4) raw'])
  })
})
