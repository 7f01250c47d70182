import { expect, test } from 'vitest'
import { createPredictor, openTrainSession, type TrainConfig } from '../../src/index.ts'
import { module, SOME, SPLITS, study, train } from '../recipe/studies.ts'

const given = study({ present: SOME, outputs: 2 })
const CONFIG: TrainConfig = { extractors: { '*': ['raw', 'skip'] }, rho: [0, 0.5], baselines: ['all-at-once'] }
const trained = (epochs: number) => train(given, { ...CONFIG, epochs }).rivals[0]

/** Mean squared error of the standardised outputs over the rows that are predicted. */
function loss({ model, rule }: ReturnType<typeof trained>, rows: Int32Array): number {
  const { target } = given.data
  if (target.task !== 'regression' || model.target.task !== 'regression') throw new Error('the outcome is a number')
  const { scale } = model.target
  const { values } = createPredictor(openTrainSession(module), model, rule).predict(given.data, rows)
  const errors = Array.from(rows, (row, i) => [0, 1].map((d) => (values[2 * i + d] - target.values[2 * row + d]) / scale[d]))
  const known = errors.flat().filter((e) => !Number.isNaN(e))
  expect(known.length).toBeGreaterThan(rows.length)
  return known.reduce((sum, e) => sum + e * e, 0) / known.length
}

const rival = trained(30)

test('what the stacking network says has the validation loss it was kept for', () => {
  const { rho, rhoLosses } = rival.model.provenance
  const kept = rhoLosses.find((r) => r.rho === rho)?.loss ?? Number.NaN
  expect(kept).toBe(Math.min(...rhoLosses.map((r) => r.loss)))
  expect(loss(rival, SPLITS.validation) / kept).toBeCloseTo(1, 4)
})

test('it learns', () => {
  expect(loss(rival, SPLITS.test)).toBeLessThan(0.6)
})

test('the same seed gives the same bits', () => {
  const [a, b] = [trained(3).model, trained(3).model]
  expect(a.ensembles).toEqual(b.ensembles)
  expect(a.students).toEqual(b.students)
})
