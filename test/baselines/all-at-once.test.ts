import { expect, test } from 'vitest'
import { stackedOutputs, trainAllAtOnce } from '../../src/baselines/all-at-once.ts'
import type { Arena } from '../../src/baselines/rival.ts'
import { groupOf, settingOf } from '../../src/train/setting.ts'
import { finish } from '../finish.ts'
import { module, QUICK, SOME, SPLITS, study } from '../recipe/studies.ts'
import { specOf } from '../train/cohort.ts'

function trained(epochs: number) {
  const { data } = study({ present: SOME, outputs: 2 })
  const setting = finish(settingOf(module, data, SPLITS, { ...QUICK, epochs, rho: [0, 0.5] }))
  const cohort = ['raw skip skip', 'skip raw raw', 'raw raw raw'].map((e) => specOf(e, 2, { hidden: [8] }))
  const arena = { setting, cohort } as unknown as Arena
  return { setting, group: groupOf(setting, cohort), stacked: finish(trainAllAtOnce(arena)) }
}

const { setting, group, stacked } = trained(30)
const squares = (rows: Int32Array, said: Float32Array) => {
  const known = [...rows.keys()].filter((i) => /1..|011/.test(setting.patterns[rows[i]]))
  const errors = known.flatMap((i) => [0, 1].map((d) => (said[2 * i + d] - setting.wanted[2 * rows[i] + d]) ** 2))
  return errors.reduce((a, b) => a + b, 0) / errors.length
}

test('what the stacking network says has the validation loss it was kept for', () => {
  // Rows that no student sees are in no loss: those that lack the first modality and another.
  const loss = squares(SPLITS.validation, stackedOutputs(group, stacked, SPLITS.validation))
  expect(loss / stacked.stage.losses[0]).toBeCloseTo(1, 5)
  expect(new Set(stacked.stage.losses).size).toBe(1)
  expect(Math.min(...stacked.stage.epochs.map(({ validation }) => validation.task[0]))).toBe(stacked.stage.losses[0])
})

test('it learns', () => {
  expect(squares(SPLITS.test, stackedOutputs(group, stacked, SPLITS.test))).toBeLessThan(0.6)
})

test('the same seed gives the same bits', () => {
  const [a, b] = [trained(3).stacked, trained(3).stacked]
  expect(a.block).toEqual(b.block)
  expect(a.stage.best).toEqual(b.stage.best)
})
