import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EXPERIMENTS } from '../../src/experiments/settings.ts'
import { synthetic } from '../../src/experiments/synthetic.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import { premisesOf } from '../../src/train/setting.ts'
import { openTrainSession } from '../../src/wasm/session.ts'

const module = new WebAssembly.Module(readFileSync(new URL('../../build/train.wasm', import.meta.url)))
/** Students by setting, as in the authors' scripts; the last is our own. */
const STUDENTS = {
  '1.1': 24,
  '1.2': 24,
  '1.3': 24,
  '2.1': 24,
  '2.2': 24,
  '2.3': 24,
  'negative-small': 7,
  'negative-large': 19,
  'four-modalities': 6,
}

test('the settings, and the studies of sharing on three of them', () => {
  expect([...EXPERIMENTS.keys()]).toEqual([...Object.keys(STUDENTS), '1.1-sharing', '1.2-sharing', '2.2-sharing'])
  for (const [name, { variants }] of EXPERIMENTS) {
    const names = variants.map((variant) => variant.name)
    expect(new Set(names).size, name).toBe(names.length)
  }
})

test.each(Object.entries(STUDENTS))(
  '%s: its extractors fit its data, and so many students learn from 1280 rows',
  (name, students) => {
    const experiment = EXPERIMENTS.get(name) as NonNullable<ReturnType<typeof EXPERIMENTS.get>>
    const config = { ...experiment.config, seed: 1 }
    const data = synthetic(openTrainSession(module), experiment.data, 1)
    const { splits } = chooseSplits(module, data, config)
    expect([splits.train.length, splits.validation.length, splits.test.length]).toEqual([1280, 320, 400])
    const { specs, notes } = premisesOf(module, data, splits, config)
    expect(specs).toHaveLength(students)
    expect(notes).toEqual([])
  },
)

test('a study takes the setting as it is, but for how it is taught and what it is compared with', () => {
  for (const name of ['1.1', '1.2', '2.2']) {
    const [setting, study] = [EXPERIMENTS.get(name), EXPERIMENTS.get(`${name}-sharing`)]
    expect(study?.data).toBe(setting?.data)
    expect(study?.config).toBe(setting?.config)
    expect(study?.variants[0]).toEqual(setting?.variants[0])
    // Every variant has the ρ at which single questions are asked.
    for (const { rho } of study?.variants ?? []) expect(rho).toContain(study?.fixed)
  }
})
