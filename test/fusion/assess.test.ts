import { describe, expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import { createAssessor } from '../../src/fusion/assess.ts'
import type { Calibration } from '../../src/fusion/calibration.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { readModel, writeModel } from '../../src/index.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module, SOME, SPLITS, type Study, study, train } from '../recipe/studies.ts'

const EVERYONE = {
  train: Int32Array.from([...SPLITS.train, ...SPLITS.validation]).sort(),
  validation: new Int32Array(),
  test: SPLITS.test,
}
const session = openTrainSession(module)
const config = { epochs: 20, extractors: { '*': ['skip', 'raw'] }, baselines: false, head: [8] }
const trained = (given: Study, more: object = {}) => train({ ...given, splits: EVERYONE }, { ...config, ...more }).model

describe.each(['classification', 'regression'] as const)('%s', (task) => {
  const given = study({ task, present: SOME })
  const model = trained(given)
  const assessor = createAssessor(session, model)
  const { data } = given

  test('predicts as a predictor does, and says how sure it is', () => {
    const found = assessor.assess(data, 0.9, SPLITS.test)
    const plain = createPredictor(session, model).predict(data, SPLITS.test)
    expect(found.values).toEqual(plain.values)
    expect(found.labels).toEqual(plain.labels)
    expect(found.disagreement).toHaveLength(30)
    const D = found.outputs.length
    for (let i = 0; i < 30; i++) {
      const report = found.patterns[found.patternOf[i]]
      if (report.students.length === 0) expect(found.abstained[i]).toBe('nothing')
      else expect(found.disagreement[i]).toBeGreaterThanOrEqual(0)
      if (found.sets) expect(found.sets.subarray(i * D, (i + 1) * D)).toContain(1)
    }
  })

  test('sets and intervals only grow with the level', () => {
    const [less, more] = [0.7, 0.95].map((level) => assessor.assess(data, level))
    less.sets?.forEach((held, k) => {
      expect(more.sets![k]).toBeGreaterThanOrEqual(held)
    })
    less.low?.forEach((low, k) => {
      expect(more.low![k]).toBeLessThanOrEqual(low)
      expect(more.high![k]).toBeGreaterThanOrEqual(less.high![k])
    })
    expect(more.sets ?? more.low).not.toEqual(less.sets ?? less.low)
  })

  test('holds the truth on rows it has not seen about as often as it says', () => {
    const { sets, low, high, outputs } = assessor.assess(data, 0.9, SPLITS.test)
    const D = outputs.length
    const held = Array.from(SPLITS.test).filter((row, i) =>
      data.target.task === 'classification'
        ? sets![i * D + data.target.labels[row]] === 1
        : low![i] <= data.target.values[row] && data.target.values[row] <= high![i],
    )
    // 30 tosses at 0.9 give fewer than 22 once in 10 000 times.
    expect(held.length).toBeGreaterThanOrEqual(22)
  })

  test('says the same of a row whatever its company, and after a file', () => {
    const all = assessor.assess(data, 0.8)
    const again = createAssessor(session, readModel(writeModel(model)))
    for (const row of [0, 7, 149]) {
      const one = again.assess(data, 0.8, [row])
      const D = one.outputs.length
      expect(one.disagreement[0]).toBe(all.disagreement[row])
      expect(one.abstained[0]).toBe(all.abstained[row])
      for (const key of ['sets', 'low', 'high'] as const) expect(one[key]).toEqual(all[key]?.slice(row * D, (row + 1) * D))
    }
  })

  test('tells a row far from all others, and one without anything', () => {
    const scan = modality(
      'scan',
      Float64Array.from({ length: 16 }, (_, j) => (j < 8 ? 1e4 : Number.NaN)),
      8,
    )
    const { outOfDistribution, abstained } = assessor.assess({ ids: ['far', 'nothing'], modalities: [scan] }, 0.8)
    expect([...outOfDistribution]).toEqual([1, 0])
    expect(abstained).toEqual(['unlike', 'nothing'])
    const usual = assessor.assess(data, 0.8, EVERYONE.train)
    expect(usual.outOfDistribution.reduce((sum, v) => sum + v, 0)).toBeLessThanOrEqual(6)
  })

  test('a level that so few rows cannot tell is said to be', () => {
    const { abstained, sets, low } = assessor.assess(data, 0.9999, [1])
    if (sets) expect(sets.every((v) => v === 1)).toBe(true)
    else expect(low![0]).toBe(Number.NEGATIVE_INFINITY)
    expect(abstained[0]).toBe('unbounded')
  })
})

test('a class of too few rows is bounded by its own rows with less, and not by those of other classes', () => {
  const given = study({ task: 'classification' })
  const model = trained(given)
  const sample = (rows: number, value: number) => ({ rows, values: new Float32Array(rows).fill(value) })
  const cells = [
    { pattern: '111', output: 0, sample: sample(100, 0) },
    { pattern: '111', output: 1, sample: sample(3, 0) },
    { pattern: '111', output: 2, sample: sample(100, 0) },
    { pattern: '110', output: 1, sample: sample(100, 1) },
  ]
  const calibration = { ...(model.calibration as Calibration), cells }
  const { sets, labels, abstained } = createAssessor(session, { ...model, calibration }).assess(given.data, 0.9, SPLITS.test)
  expect(SPLITS.test.every((_, i) => sets?.[3 * i + 1] === 1)).toBe(true)
  expect(SPLITS.test.every((_, i) => sets?.[3 * i] === 1)).toBe(false)
  // Such bounds may rule out the likeliest class, which is said unless there is a stronger reason.
  const ruledOut = Array.from(SPLITS.test.keys()).filter((i) => sets?.[3 * i + labels![i]] === 0)
  expect(ruledOut.some((i) => abstained[i] === 'outside')).toBe(true)
  for (const i of SPLITS.test.keys()) {
    if (ruledOut.includes(i)) expect(['outside', 'contradictory', 'unlike']).toContain(abstained[i])
    else expect(abstained[i]).not.toBe('outside')
  }
})

test('rows that were held out are what bounds are made of, and nothing else is', () => {
  const given = study({ task: 'classification' })
  const calibration = EVERYONE.train.filter((_, i) => i % 5 === 0)
  const splits = { ...EVERYONE, train: EVERYONE.train.filter((_, i) => i % 5 !== 0), calibration }
  const { model } = train({ ...given, splits }, config)
  expect(model.calibration?.source).toBe('held')
  expect(model.calibration?.cells.filter((c) => c.pattern === '111').reduce((sum, c) => sum + c.sample.rows, 0)).toBe(24)
  expect(model.provenance.split.calibration).toBe(24)
  // Another label there leaves every student as it was.
  const { target } = given.data
  if (target.task !== 'classification') throw new Error('the study is a classification')
  const labels = target.labels.map((label, row) => (calibration.includes(row) ? (label + 1) % 3 : label))
  const other = train({ data: { ...given.data, target: { ...target, labels } }, splits }, config).model
  expect(other.students).toEqual(model.students)
  expect(other.calibration).not.toEqual(model.calibration)
})

test('refused: a model without calibration, and what is no level', () => {
  const { model } = train(study({ task: 'classification' }), config)
  expect(() => createAssessor(session, model)).toThrow(/^the model has no calibration: /)
  const sure = createAssessor(session, trained(study({ task: 'classification' })))
  expect(() => sure.assess(study().data, 1)).toThrow('the level is 1: give a number between 0 and 1')
})
