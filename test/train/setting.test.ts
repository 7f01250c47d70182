import { describe, expect, test } from 'vitest'
import { type Dataset, modality } from '../../src/data/dataset.ts'
import { SOLVERS, studentName } from '../../src/fusion/student.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { batchOrder, canLearn, groupOf, type Premises, premisesOf, type Setting } from '../../src/train/setting.ts'
import { numbers } from '../kernels/harness.ts'
import { module, QUICK, ROWS, SPLITS, type Study, study } from '../recipe/studies.ts'
import { specOf } from './cohort.ts'
import { settle } from './settle.ts'

describe('the order of the training rows', () => {
  const orders = (config: TrainConfig = {}) => {
    const order = batchOrder(settle(study(), config))
    return [0, 1, 2, 3].map((epoch) => [...order(epoch)])
  }

  test('is another in each epoch, and always all of them', () => {
    const four = orders()
    expect(new Set(four.map((rows) => rows.join())).size).toBe(4)
    for (const rows of four) expect([...rows].sort((a, b) => a - b)).toEqual([...SPLITS.train])
  })

  test('depends on the seed alone: every ρ, head and rival has the same', () => {
    expect(orders({ head: [3, 3], rho: [7], epochs: 9, budget: 2 })).toEqual(orders())
    expect(orders({ seed: 99 })).not.toEqual(orders())
  })

  test('may be asked for in any order', () => {
    const order = batchOrder(settle(study()))
    const late = order(3)
    order(0)
    expect(order(3)).toEqual(late)
  })
})

test('a student can learn if some training row and some validation row have what it needs', () => {
  const [train, other] = SPLITS.train
  const validation = SPLITS.validation[0]
  const present = (rows: number[]) => (row: number, m: number) => m !== 1 || rows.includes(row)
  const can = (rows: number[]) =>
    ['skip raw skip', 'raw raw skip', 'raw skip raw'].map((e) => canLearn(settle(study({ present: present(rows) })), specOf(e)))
  expect(can([train, other, validation])).toEqual([true, true, true])
  expect(can([train, other])).toEqual([false, false, true])
  expect(can([validation, SPLITS.test[0]])).toEqual([false, false, true])
})

describe('the cohort', () => {
  const CROSSED = { ...SPLITS, validation: new Int32Array() }
  /** Students of a cross-fitted cohort on so many modalities, of some numbers each. */
  function cohortOf(features: readonly number[], config: TrainConfig = {}): string[] {
    const random = numbers(6)
    const modalities = features.map((width, m) => modality(`m${m}`, random.f64(ROWS * width), width))
    const data = { ...study().data, modalities }
    return namesOf(premisesOf(module, data, CROSSED, { ...QUICK, extractors: {}, budget: 1, ...config }))
  }
  const namesOf = ({ specs, names }: Premises) => specs.map((spec) => studentName(spec, names))
  const solvedBy = (solver: string, names: readonly string[]) =>
    names.flatMap((name) => (name.startsWith(`${solver} `) ? [name.slice(solver.length + 1).replaceAll(':raw', '')] : []))
  const all = (M: number) => Array.from({ length: M }, (_, m) => `m${m}`)
  const without = (M: number, one: number) => all(M).filter((_, m) => m !== one)

  describe('has solved students', () => {
    test.each([1, 2, 3])('of every subset of %i modalities', (M) => {
      const names = cohortOf(new Array(M).fill(2))
      const subsets = Array.from({ length: 2 ** M - 1 }, (_, s) => all(M).filter((_, m) => ((s + 1) >> m) & 1))
      for (const solver of SOLVERS) expect(solvedBy(solver, names)).toEqual(subsets.map((subset) => subset.join('+')))
    })

    test.each([4, 6, 8])('of each of %i modalities, all, and all but one, for which there is no lasso', (M) => {
      const names = cohortOf(new Array(M).fill(2))
      const [alone, one] = [[...all(M), all(M).join('+')], all(M).map((_, m) => without(M, m).join('+'))]
      expect(solvedBy('lasso', names)).toEqual(alone)
      for (const solver of ['ridge', 'random']) expect(solvedBy(solver, names)).toEqual([...alone, ...one])
    })

    test.each([9, 20, 40])('of each of %i modalities, and all', (M) => {
      const names = cohortOf(new Array(M).fill(2))
      for (const solver of SOLVERS) expect(solvedBy(solver, names)).toEqual([...all(M), all(M).join('+')])
    })

    test('of a PCA besides where there is one, which is all that a random layer sees of many features', () => {
      const names = cohortOf([40, 65, 3], { extractors: { m2: ['skip', 'raw'], '*': ['skip', 'raw', 'pca(2)'] } })
      expect(solvedBy('ridge', names).filter((name) => name.includes('m0') && name.includes('m1'))).toEqual([
        'm0+m1',
        'm0:pca(2)+m1:pca(2)',
        'm0+m1+m2',
        'm0:pca(2)+m1:pca(2)+m2',
      ])
      expect(solvedBy('ridge', names).filter((name) => name === 'm2')).toHaveLength(1)
      expect(solvedBy('random', names)).toEqual([
        'm0',
        'm1:pca(2)',
        'm0+m1:pca(2)',
        'm2',
        'm0+m2',
        'm1:pca(2)+m2',
        'm0+m1:pca(2)+m2',
      ])
      expect(solvedBy('lasso', names).join()).not.toContain('pca')
    })

    test('that keep to the extractors listed', () => {
      const names = cohortOf([3, 70], { extractors: { m0: ['raw'], m1: ['skip', 'pca(2)'] } })
      // The first is always looked at, and of the second only the PCA.
      for (const solver of SOLVERS) expect(solvedBy(solver, names)).toEqual(['m0', 'm0+m1:pca(2)'])
    })

    test('of which none has a random layer on many features without a PCA', () => {
      const names = cohortOf([3, 70], { extractors: { '*': ['skip', 'raw'] } })
      expect(solvedBy('random', names)).toEqual(['m0'])
      expect(solvedBy('ridge', names)).toEqual(['m0', 'm1', 'm0+m1'])
    })

    test('whose names may be no other student’s', () => {
      const [scan, visit, lab] = study().data.modalities
      const data = { ...study().data, modalities: [scan, { ...visit, name: 'ridge scan' }, lab] }
      expect(() => premisesOf(module, data, CROSSED, QUICK)).toThrow(
        'two students are called "ridge scan:raw": give the modalities other names',
      )
    })

    test('of the kinds that are asked for, beyond the budget', () => {
      const kinds = (config: TrainConfig) => new Set(cohortOf([2, 2], config).map((name) => /^\w+(?= )/.exec(name)?.[0]))
      expect(kinds({})).toEqual(new Set([undefined, ...SOLVERS]))
      expect(kinds({ solved: ['lasso'] })).toEqual(new Set([undefined, 'lasso']))
      expect(kinds({ solved: [] })).toEqual(new Set([undefined]))
    })

    test('that are linear, or have one layer of random weights', () => {
      const { specs } = premisesOf(module, study().data, CROSSED, { ...QUICK, head: [[3], [4, 4]] })
      for (const { solved, hidden } of specs) {
        if (solved) expect(hidden).toEqual(solved === 'random' ? [512] : [])
        else expect([[3], [4, 4]]).toContainEqual(hidden)
      }
    })

    test('of no modality without features, and none without rows', () => {
      const flat = modality('visit', new Float32Array(ROWS), 1)
      const [scan, , lab] = study().data.modalities
      const ofFlat = namesOf(premisesOf(module, { ...study().data, modalities: [scan, flat, lab] }, CROSSED, QUICK))
      expect(solvedBy('ridge', ofFlat)).toEqual(['scan', 'scan:pca(2)', 'lab', 'scan+lab', 'scan:pca(2)+lab'])
      // Lab and scan are never together.
      const apart = study({ present: (row, m) => (m === 0) === (row % 2 === 0) }).data
      const { specs, names, notes } = premisesOf(module, apart, CROSSED, { ...QUICK, head: [3] })
      expect(solvedBy('lasso', namesOf({ specs, names } as Premises))).toEqual(['scan', 'visit', 'lab', 'visit+lab'])
      // Those are counted that take steps.
      expect(notes).toEqual(['9 of 15 students were left out: no training or no validation row has all of their modalities'])
    })
  })

  describe('shares its heads out', () => {
    const trained = (budget: number, head: TrainConfig['head']) => cohortOf([2, 2], { budget, head, solved: [] })

    test('to every combination where there is room for all', () => {
      expect(trained(6, [[8], [4, 4]])).toEqual([
        'm1:raw',
        'm1:raw (4,4)',
        'm0:raw',
        'm0:raw (4,4)',
        'm0:raw+m1:raw',
        'm0:raw+m1:raw (4,4)',
      ])
      expect(trained(9, [[8], [4, 4], [2]])).toHaveLength(9)
    })

    test('one to each combination where there is not, as many of each', () => {
      const looks = (names: readonly string[]) => names.map((name) => name.replace(/ .*/, ''))
      const three = trained(8, [[8], [4, 4], [2]])
      expect(looks(three)).toEqual(['m1:raw', 'm0:raw', 'm0:raw+m1:raw'])
      expect(three.map((name) => name.match(/ .*/)?.[0] ?? '').sort()).toEqual(['', ' (2)', ' (4,4)'])
      // And each of them to as good as half of those that see the last modality.
      const names = cohortOf([2, 2, 2, 2, 2], { budget: 44, head: [[8], [4, 4]], solved: [] })
      const last = names.filter((name) => name.includes('m4'))
      const deep = last.filter((name) => name.endsWith(' (4,4)')).length
      expect(last).toHaveLength(16)
      expect(deep).toBeGreaterThan(4)
      expect(deep).toBeLessThan(12)
    })

    test('and names each, one without a hidden layer too', () => {
      expect(trained(6, [[8], []])).toContain('m1:raw (linear)')
    })

    test('and keeps to the budget, but for each modality alone and all together', () => {
      for (const budget of [20, 31, 32, 61]) {
        const names = cohortOf([2, 2, 2, 2, 2], { budget, head: [[8], [4, 4]], solved: [] })
        expect(names.length).toBe(Math.min(budget, 31))
        expect(new Set(names).size).toBe(names.length)
      }
      expect(cohortOf([2, 2, 2, 2, 2], { budget: 62, head: [[8], [4, 4]], solved: [] })).toHaveLength(62)
      expect(cohortOf([2, 2, 2], { budget: 1, head: [[8], [4, 4]], solved: [] })).toHaveLength(4)
    })
  })
})

test('a group starts from weights that depend on the seed and the student alone', () => {
  const specs = ['raw skip skip', 'mlp(4,2) skip raw'].map((e) => specOf(e, 1, { hidden: [8] }))
  const starts = (of: Setting, which = specs) => groupOf(of, which).starts.map((s) => s.block)
  const [first, second] = starts(settle(study()))
  expect(starts(settle(study(), { rho: [5], epochs: 1 }))).toEqual([first, second])
  expect(starts(settle(study()), [...specs].reverse())).toEqual([second, first])
  expect(starts(settle(study(), { seed: 4 }))[0]).not.toEqual(first)
  expect(groupOf(settle(study()), specs).names).toEqual(['scan:raw', 'scan:mlp(4,2)+lab:raw'])
})

describe('features that do not vary in the training rows', () => {
  const given = study()
  const flat = (name: string, features: number) => modality(name, new Float32Array(ROWS * features).fill(7), features)
  const withModalities = (...modalities: Dataset['modalities'][number][]): Study => ({
    ...given,
    data: { ...given.data, modalities },
  })
  const [scan, visit, lab] = given.data.modalities
  const wider = { ...scan, columns: [...scan.columns, ...flat('', 2).columns.map((c, i) => ({ ...c, name: `flat ${i}` }))] }

  test('are left out, and it is said', () => {
    expect(settle(given).notes).toEqual([])
    const setting = settle(withModalities(wider, visit, lab))
    expect(setting.features).toEqual(settle(given).features)
    expect(setting.notes).toEqual(['2 features of "scan" do not vary in the training rows and are left out: flat 0, flat 1'])
    const many = { ...lab, columns: [...lab.columns, ...flat('', 7).columns.map((c) => ({ ...c, name: `f${c.name}` }))] }
    expect(settle(withModalities(scan, many)).notes).toEqual([
      '7 features of "lab" do not vary in the training rows and are left out: f0, f1, f2, f3, f4, …',
    ])
    const one = { ...lab, columns: [...lab.columns, { ...flat('', 1).columns[0], name: 'flat' }] }
    expect(settle(withModalities(scan, one)).notes).toEqual([
      '1 feature of "lab" does not vary in the training rows and is left out: flat',
    ])
  })

  test('a modality of nothing else is looked at by nobody, and cannot be asked for', () => {
    const study = withModalities(scan, flat('visit', 2), lab)
    const setting = settle(study)
    expect(setting.resolved.extractors[1]).toEqual([{ kind: 'skip' }])
    expect(setting.notes).toEqual(['no feature of "visit" varies in the training rows: no student looks at it'])
    expect(canLearn(setting, specOf('skip raw skip'))).toBe(false)
    expect(canLearn(setting, specOf('raw raw raw', 1, { fills: true }))).toBe(true)
    expect(() => settle(study, { extractors: { visit: ['mlp(4)'] } })).toThrow(
      'extractors.visit is "mlp(4)": allowed is skip alone: no feature of "visit" varies in the training rows',
    )
  })

  test('data of nothing else are refused', () => {
    expect(() => settle(withModalities(flat('a', 2), flat('b', 1)), { extractors: {} })).toThrow(
      'no feature of any modality varies in the training rows: give features that differ between subjects',
    )
  })
})
