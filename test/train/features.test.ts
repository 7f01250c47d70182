import { describe, expect, test } from 'vitest'
import type { Column, Dataset } from '../../src/data/dataset.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { featureShares } from '../../src/train/features.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module, SOME, SPLITS, study, train } from '../recipe/studies.ts'

const session = openTrainSession(module)
const EXTRACTORS = {
  scan: ['skip', 'raw', 'pca(3)', 'mlp(5,3)'],
  visit: ['skip', 'raw'],
  lab: ['raw', 'skip', 'sliced(3,2)', 'frozen-sliced(3,2)', 'frozen-sliced(3)'],
}

/** The data with one row's column moved along the way from the training mean, in prepared units. */
function along(
  data: Dataset,
  row: number,
  means: Map<string, { mean: number; scale: number }>,
  alpha: number,
  moved?: string,
  by = 0,
): Dataset {
  return {
    ...data,
    modalities: data.modalities.map((modality) => ({
      ...modality,
      columns: modality.columns.map((column): Column => {
        const known = means.get(`${modality.name} ${column.name}`)
        if (column.kind !== 'number' || !known) return column
        const values = column.values.slice()
        const nudge = moved === `${modality.name} ${column.name}` ? by * known.scale : 0
        values[row] = known.mean + alpha * (values[row] - known.mean) + nudge
        return { ...column, values }
      }),
    })),
  }
}

describe.each([
  ['classification', {}],
  ['classification', { average: 'probabilities' }],
  ['regression', {}],
] as const)('%s, %j', (task, more) => {
  const { data, splits } = study({ task, present: SOME })
  const { model } = train(
    { data, splits },
    { epochs: 20, head: [7], activation: 'tanh', extractors: EXTRACTORS, baselines: false, budget: 40, rho: [0], ...more },
  )
  const found = featureShares(session, model, data, SPLITS.test)
  const plain = createPredictor(session, model).predict(data, SPLITS.test)
  const D = plain.outputs.length

  test('explains what is predicted, and its shares make up the way there from the average subject', () => {
    found.forEach((row, i) => {
      if (Number.isNaN(plain.values[i * D])) {
        expect(row.shares).toEqual([])
        return
      }
      const d = plain.outputs.indexOf(row.output)
      if (plain.labels) expect(d).toBe(plain.labels[i])
      expect(row.value).toBeCloseTo(plain.values[i * D + d], 4)
      const sum = row.shares.reduce((total, { share }) => total + share, 0)
      expect(row.average + sum + row.rest).toBeCloseTo(row.value, 9)
      // What 64 steps leave over.
      expect(Math.abs(row.rest)).toBeLessThan(task === 'regression' ? 2e-2 : 2e-3)
      for (const { modality } of row.shares) {
        expect(data.modalities.find((m) => m.name === modality)!.present[SPLITS.test[i]]).toBe(1)
      }
    })
  })

  test('each share is the mean slope along that way, by differences of predictions', () => {
    const means = new Map<string, { mean: number; scale: number }>(
      model.preparations.flatMap(({ modality, columns }) =>
        columns.flatMap((c) => (c.kind === 'number' ? [[`${modality} ${c.name}`, c] as const] : [])),
      ),
    )
    // Only numbers can be moved along the way: a row without the visit, which has a category, is asked about.
    const at = SPLITS.test.findIndex((row) => [1, 0, 1].every((has, m) => data.modalities[m].present[row] === has))
    const row = SPLITS.test[at]
    const predictor = createPredictor(session, model)
    const d = plain.outputs.indexOf(found[at].output)
    const [steps, h] = [24, 0.02]
    const value = (alpha: number, moved: string, by: number) =>
      predictor.predict(along(data, row, means, alpha, moved, by), [row]).values[d]
    for (const { modality, feature, share } of found[at].shares) {
      const name = `${modality} ${feature}`
      const { mean, scale } = means.get(name)!
      const column = data.modalities.find((m) => m.name === modality)!.columns.find((c) => c.name === feature)!
      const distance = ((column as { values: Float64Array }).values[row] - mean) / scale
      let slope = 0
      for (let s = 0; s < steps; s++) {
        const alpha = (s + 0.5) / steps
        slope += (value(alpha, name, h) - value(alpha, name, -h)) / (2 * h) / steps
      }
      expect(share, name).toBeCloseTo(slope * distance, 2)
      expect(Math.abs(share - slope * distance)).toBeLessThan(5e-3 * Math.max(1, Math.abs(found[at].value)))
    }
  })
})

test('of a model that doubts, it is what is predicted that is explained', () => {
  const { data, splits } = study({ task: 'classification', present: SOME })
  const config = {
    epochs: 20,
    head: [7],
    activation: 'tanh',
    extractors: EXTRACTORS,
    baselines: false,
    budget: 40,
    rho: [0],
  } as const
  const { model } = train({ data, splits }, { ...config, doubt: 0.5 })
  const plain = createPredictor(session, model).predict(data, SPLITS.test)
  const never = createPredictor(session, { ...model, ensembles: { ...model.ensembles, doubt: undefined } }).predict(
    data,
    SPLITS.test,
  )
  expect(Math.max(...plain.values.map((v, k) => (Number.isNaN(v) ? 0 : Math.abs(v - never.values[k]))))).toBeGreaterThan(0.01)
  featureShares(session, model, data, SPLITS.test).forEach((row, i) => {
    const value = plain.values[i * 3 + plain.outputs.indexOf(row.output)]
    if (Number.isNaN(plain.values[i * 3])) return
    expect(row.value).toBeCloseTo(value, 5)
    const sum = row.shares.reduce((total, { share }) => total + share, 0)
    expect(row.average + sum).toBeCloseTo(row.value, 2)
  })
})

test('an output may be named; what has no slope is refused', () => {
  const { data, splits } = study({ task: 'classification' })
  const config = { epochs: 3, extractors: { '*': ['skip', 'raw'] }, baselines: false, rho: [0] }
  const { model } = train({ data, splits }, config)
  const rows = SPLITS.test.subarray(0, 2)
  const sums = ['low', 'middle', 'high'].map((name) => featureShares(session, model, data, rows, name)[0].value)
  expect(sums.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
  expect(() => featureShares(session, model, data, rows, 'odd')).toThrow(
    'the model has no output "odd": it has low, middle, high',
  )
  const voting = train({ data, splits }, { ...config, ensembles: ['majority-vote'] }).model
  expect(() => featureShares(session, voting, data, rows)).toThrow('the outcome of majority-vote has no slope')
})
