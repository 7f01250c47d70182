import { expect, test } from 'vitest'
import { plan } from '../../node/index.ts'
import { secondsOf } from '../../src/service/trials.ts'
import { QUICK, study } from '../recipe/studies.ts'

test('a plan says what training would do, and estimates how long', () => {
  const planned = plan(study().data, { config: QUICK })
  // 15 of steps; of seven subsets of the modalities ridge, lasso and random, and of four ridge on the PCA of scan.
  expect(planned.students).toHaveLength(15 + 3 * 7 + 4)
  expect(planned.seconds).toBeGreaterThan(0)
  expect(Number.isFinite(planned.seconds)).toBe(true)
})

test('a plan is of the split that training takes', () => {
  const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
  const splits = { train: rows(0, 100), validation: rows(100, 130), test: rows(130, 150) }
  expect(plan(study().data, { config: QUICK, splits }).rows).toEqual({ train: 100, validation: 30, test: 20 })
})

test('an option that a plan does not have is refused', () => {
  expect(() => plan(study().data, { onProgress: () => {} } as object)).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      message: 'plan has no option "onProgress": there are config, splits, numerics; settings go into config',
    }),
  )
})

test('every trial is run, and counts as often as the training takes it', () => {
  let runs = 0
  expect(secondsOf([{ run: () => runs++, times: 0 }], () => performance.now())).toBe(0)
  expect(runs).toBeGreaterThan(1)
})
