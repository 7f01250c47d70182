import { describe, expect, test } from 'vitest'
import { batchOrder, canLearn, groupOf, type Setting, settingOf } from '../../src/recipe/setting.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { specOf } from '../train/cohort.ts'
import { module, QUICK, SPLITS, type Study, study } from './studies.ts'

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
  const [train, validation] = [SPLITS.train[0], SPLITS.validation[0]]
  const present = (rows: number[]) => (row: number, m: number) => m !== 1 || rows.includes(row)
  const can = (rows: number[]) =>
    ['skip raw skip', 'raw raw skip', 'raw skip raw'].map((e) => canLearn(settle(study({ present: present(rows) })), specOf(e)))
  expect(can([train, validation])).toEqual([true, true, true])
  expect(can([train])).toEqual([false, false, true])
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
