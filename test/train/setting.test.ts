import { describe, expect, test } from 'vitest'
import { type Dataset, modality } from '../../src/data/dataset.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { batchOrder, canLearn, groupOf, type Setting, settingOf } from '../../src/train/setting.ts'
import { module, QUICK, ROWS, SPLITS, type Study, study } from '../recipe/studies.ts'
import { specOf } from './cohort.ts'

function settle({ data, splits }: Study, config: TrainConfig = {}): Setting {
  const work = settingOf(module, data, splits, { ...QUICK, ...config })
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}

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
