// The whole method on small studies: what must hold for whoever calls it, whatever its scores are.

import { describe, expect, test } from 'vitest'
import type { Progress } from '../../src/core/types.ts'
import { builtRules, methodName, usualRules } from '../../src/fusion/ensemble.ts'
import type { Metrics } from '../../src/fusion/evaluate.ts'
import {
  createPredictor,
  type Model,
  openTrainSession,
  readModel,
  type TrainConfig,
  trainModel,
  writeModel,
} from '../../src/index.ts'
import { module, QUICK, ROWS, SOME, SPLITS, type Study, scrambled, study, train } from './studies.ts'

type Task = 'classification' | 'regression'
const ownOf = (task: Task) => usualRules(task).map(methodName)
const usual = (task: Task) => [
  ...ownOf(task),
  ...usualRules(task).map((rule) => `independent-${rule}`),
  'ridge',
  'early-fusion',
  'late-fusion',
  ...(task === 'regression' ? ['late-sum'] : []),
  'single:scan',
  'single:visit',
  'single:lab',
]
const rowsOf = (metrics: Metrics | undefined) => metrics?.rows ?? 0
const learned = ({ students, ensembles, preparations, projections }: Model) => ({
  students,
  ensembles,
  preparations,
  projections,
})
const predictionOf = (model: Model, { data }: Study) => createPredictor(openTrainSession(module), model).predict(data)
const refusal = (of: Study, config = {}) => {
  try {
    trainModel(module, of.data, of.splits, { ...QUICK, ...config }).next()
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
  return 'it began'
}

describe.each([
  ['regression', study({ present: SOME })],
  ['three classes', study({ present: SOME, task: 'classification' })],
] as const)('%s, with modalities missing in every part', (_, given) => {
  const result = train(given)
  const { model, methods, rivals, told } = result
  const METHODS = usual(given.data.target.task)
  const own = ownOf(given.data.target.task)
  const present = (row: number) => given.data.modalities.map((m) => m.present[row] === 1)
  const count = (keep: (has: boolean[]) => boolean) => [...SPLITS.test].filter((row) => keep(present(row))).length

  test('every method is scored, on all the rows that it can predict', () => {
    expect(methods.map((m) => m.name)).toEqual(METHODS)
    expect(rivals.map((m) => m.name)).toEqual(METHODS.slice(own.length))
    const any = count((has) => has.includes(true))
    expect(any).toBeLessThan(SPLITS.test.length)
    const rows = Object.fromEntries(methods.map((m) => [m.name, rowsOf(m.test)]))
    for (const name of METHODS.slice(0, -3)) expect(rows[name], name).toBe(any)
    expect(rows['single:scan']).toBe(count((has) => has[0]))
    expect(rows['single:visit']).toBe(count((has) => has[1]))
    expect(rows['single:lab']).toBe(count((has) => has[2]))
    for (const { name, test } of methods) {
      for (const value of Object.values(test ?? { none: Number.NaN })) expect(Number.isFinite(value), name).toBe(true)
    }
  })

  test('the model keeps the scores of all, in six digits, and its file does, too', () => {
    const { scores } = model.provenance
    expect(scores?.map(({ name }) => name)).toEqual(METHODS)
    methods.forEach(({ test: all }, i) => {
      for (const [name, value] of Object.entries(all ?? {})) {
        expect(scores?.[i].test?.[name], name).toBe(Number(value.toPrecision(6)))
      }
    })
    expect(readModel(writeModel(model))).toEqual(model)
  })

  test('what the model is scored on is what it predicts', () => {
    const prediction = predictionOf(model, given)
    const there = Array.from({ length: ROWS }, (_, row) => present(row).includes(true))
    const D = prediction.outputs.length
    there.forEach((is, row) => {
      expect(Number.isNaN(prediction.values[row * D])).toBe(!is)
    })
    const { target } = given.data
    const error = (row: number) =>
      target.task === 'regression'
        ? (prediction.values[row] - target.values[row]) ** 2
        : Number(prediction.labels?.[row] === target.labels[row])
    const scored = [...SPLITS.test].filter((row) => there[row])
    const mean = scored.reduce((sum, row) => sum + error(row), 0) / scored.length
    const own = methods[0].test as Metrics
    expect('mse' in own ? own.mse : own.accuracy).toBeCloseTo(mean, 6)
  })

  test('the cohort, its teachers and the ensembles fit each other', () => {
    expect(model.students).toHaveLength(4 * 2 * 2 - 1)
    expect(new Set(model.students.map((s) => s.name)).size).toBe(15)
    expect(model.students.reduce((sum, s) => sum + s.teacher, 0)).toBeCloseTo(1, 6)
    expect(model.students.every((s) => Number.isFinite(s.loss) && s.block.every(Number.isFinite))).toBe(true)
    expect(model.ensembles.patterns).toEqual(['111', '110', '101', '100', '011', '010', '001'])
    for (const rule of builtRules(model.ensembles)) {
      for (const w of model.ensembles.weights[rule]!) {
        expect(w).toHaveLength(15)
        expect(w.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 6)
      }
    }
    expect(model.provenance).toMatchObject({
      title: 'A study',
      seed: 3,
      split: { source: 'given', train: 90, validation: 30, test: 30 },
      notes: [],
    })
    expect(model.provenance.rhoLosses.map((r) => r.rho)).toEqual([0, 1])
    const best = Math.min(...model.provenance.rhoLosses.map((r) => r.loss))
    expect(model.provenance.rhoLosses.find((r) => r.rho === model.provenance.rho)?.loss).toBe(best)
  })

  test('the file of the model is the model', () => {
    expect(readModel(writeModel(model))).toEqual(model)
  })

  test('the same seed is the same file, another seed another', () => {
    const again = train(given)
    expect(writeModel(again.model)).toEqual(writeModel(model))
    expect(again.methods).toEqual(methods)
    const other = train(given, { seed: 4 })
    other.model.students.forEach((s, i) => {
      expect(s.block).not.toEqual(model.students[i].block)
    })
  })

  test('nothing about the test rows reaches the model', () => {
    const parts = new Set<number>(SPLITS.test)
    const other = train(scrambled(given, (row) => parts.has(row)))
    expect(learned(other.model)).toEqual(learned(model))
    expect(other.model.target).toEqual(model.target)
    expect(other.model.provenance.rhoLosses).toEqual(model.provenance.rhoLosses)
    expect(other.methods[0].test).not.toEqual(methods[0].test)
    // Whereas one row of validation does.
    const one = train(scrambled(given, (row) => row === SPLITS.validation[0]))
    expect(one.model.students.map((s) => s.loss)).not.toEqual(model.students.map((s) => s.loss))
  })

  test('with no test rows the model is the same, and no method has a score', () => {
    const blind = train({ data: given.data, splits: { ...SPLITS, test: new Int32Array() } })
    expect(learned(blind.model)).toEqual(learned(model))
    expect(blind.methods).toEqual(methods.map(({ name }) => ({ name, test: undefined })))
  })

  test('the baselines change nothing about the model', () => {
    const bare = train(given, { baselines: false })
    expect(learned(bare.model)).toEqual(learned(model))
    expect(bare.methods).toEqual(methods.slice(0, own.length))
  })

  test('progress never goes back, ends at its total, and names each stage in turn', () => {
    const running = told.filter((p) => p.stage !== 'preparing')
    running.forEach((p, i) => {
      expect(p.done).toBeGreaterThanOrEqual(running[Math.max(0, i - 1)].done)
      expect(p.total).toBe(running[0].total)
    })
    expect(running[running.length - 1].done).toBe(running[0].total)
    // 6 batches of 16 make 90 rows; 6 epochs; 15 students at two ρ, 5 rivals.
    expect(running[0].total).toBe(6 * 6 * (15 * 2 + 5))
    const order = told.map((p) => p.stage).filter((stage, i, all) => stage !== all[i - 1])
    expect(order).toEqual([
      'preparing',
      'screening',
      'sharing',
      'combining',
      'scoring',
      // The independent cohort has been trained and is combined; late fusion is made of the single networks.
      ...['combining', 'scoring'],
      ...['baselines', 'scoring'],
      ...['baselines', 'scoring'],
      ...['baselines', 'scoring'],
    ])
    const sharing = told.filter((p) => p.stage === 'sharing')
    expect(sharing.map((p) => p.epoch)).toEqual(Array.from({ length: 36 }, (_, i) => 1 + Math.floor(i / 6)))
    expect(sharing.every((p) => p.rho === 1 && p.students === 15 && p.epochs === 6)).toBe(true)
  })
})

test('stages that end early leave the progress of the whole as it would be', () => {
  const given = study()
  const [whole, early] = [{}, { patience: 1 }].map((more) => train(given, { epochs: 30, optimizer: { rate: 0.1 }, ...more }).told)
  const running = early.filter((p) => p.stage !== 'preparing')
  running.forEach((p, i) => {
    expect(p.done).toBeGreaterThanOrEqual(running[Math.max(0, i - 1)].done)
    expect(p.total).toBe(6 * 30 * (15 * 2 + 5))
  })
  expect(early.length).toBeLessThan(whole.length)
  expect(running[running.length - 1].done).toBe(running[0].total)
  const endOf = (stage: string) => running.filter((p) => p.stage === stage).at(-1)?.done
  expect([endOf('screening'), endOf('sharing'), endOf('baselines')]).toEqual([15, 30, 35].map((students) => 6 * 30 * students))
  const batchesOf = (told: Progress[], stage: string) => told.filter((p) => p.stage === stage).length
  for (const stage of ['screening', 'sharing', 'baselines']) expect(batchesOf(early, stage)).toBeLessThan(batchesOf(whole, stage))
})

test('every regularisation at once: the same bits again, and a file that reads', () => {
  const given = study({ present: SOME, task: 'classification' })
  const config: TrainConfig = {
    dropout: 0.2,
    labelSmoothing: 0.1,
    classWeights: 'balanced',
    patience: 3,
    schedule: { kind: 'cosine', floor: 0.001 },
    optimizer: { rate: 0.02, clip: 1, decay: 0.1 },
  }
  const { model, methods } = train(given, config)
  expect(writeModel(train(given, config).model)).toEqual(writeModel(model))
  expect(readModel(writeModel(model))).toEqual(model)
  const { optimizer: _, ...own } = config
  expect(model.provenance.config).toMatchObject(own)
  for (const { test } of methods) expect(test && 'accuracy' in test && test.accuracy).toBeGreaterThan(0.2)
})

describe('it learns', () => {
  const config = { epochs: 40, rho: [0, 0.99, 3] }

  test('a linear outcome, better from all modalities than from any one', () => {
    const { methods } = train(study(), config)
    const r2 = Object.fromEntries(methods.map(({ name, test }) => [name, test && 'r2' in test ? test.r2 : Number.NaN]))
    expect(r2['meta-fusion']).toBeGreaterThan(0.8)
    for (const name of ['single:scan', 'single:visit', 'single:lab']) expect(r2[name]).toBeLessThan(0.7)
  })

  test('three classes', () => {
    const { methods } = train(study({ task: 'classification' }), config)
    const accuracy = Object.fromEntries(
      methods.map(({ name, test }) => [name, test && 'accuracy' in test ? test.accuracy : Number.NaN]),
    )
    expect(accuracy['meta-fusion']).toBeGreaterThan(0.75)
  })

  test('several outputs at once, each in its own unit', () => {
    const given = study({ outputs: 3 })
    const { model, methods } = train(given, config)
    const score = methods[0].test as Metrics
    expect('r2' in score && score.r2).toBeGreaterThan(0.8)
    const prediction = predictionOf(model, given)
    expect(prediction.outputs).toEqual(['y0', 'y1', 'y2'])
    if (given.data.target.task !== 'regression') throw new Error('it is a regression')
    const { values } = given.data.target
    for (const d of [0, 1, 2]) {
      const errors = Array.from(SPLITS.test, (row) => (prediction.values[3 * row + d] - values[3 * row + d]) ** 2)
      // Of a variance of 2.5 in the first output, four and nine times that in the others.
      expect(errors.reduce((a, b) => a + b) / errors.length / (1 + d) ** 2).toBeLessThan(0.6)
    }
  })

  test('from one modality alone', () => {
    const { data, splits } = study()
    const { methods, model } = train({ data: { ...data, modalities: data.modalities.slice(0, 1) }, splits }, config)
    expect(methods.map((m) => m.name)).toEqual([...usual('regression').slice(0, -3), 'single:scan'])
    for (const { test } of methods) expect(rowsOf(test)).toBe(30)
    expect(model.students).toHaveLength(3)
    expect(model.ensembles.patterns).toEqual(['1'])
  })

  test('with the first ρ > 0 going on from the screened students', () => {
    const given = study({ present: SOME })
    const [cold, warm] = [train(given, { warmStart: 'none' }), train(given)]
    expect(warm.model.provenance.rhoLosses[0]).toEqual(cold.model.provenance.rhoLosses[0])
    expect(warm.model.provenance.rhoLosses[1].loss).not.toEqual(cold.model.provenance.rhoLosses[1].loss)
  })
})

describe('the unit of a regression', () => {
  const given = study({ present: SOME })
  const { target } = given.data
  if (target.task !== 'regression') throw new Error('it is a regression')
  // Multiples of 2⁻¹⁰, so that none of the sums below is rounded.
  const values = target.values.map((v) => Math.round(v * 1024) / 1024)
  const of = (change: (v: number) => number): Study => ({
    ...given,
    data: { ...given.data, target: { ...target, values: values.map(change) } },
  })
  const plain = train(of((v) => v))

  test('an offset of a million changes no student', () => {
    const far = train(of((v) => v + 2 ** 20))
    expect(learned(far.model)).toEqual(learned(plain.model))
    const mse = (t: typeof plain) => (t.methods[0].test && 'mse' in t.methods[0].test ? t.methods[0].test.mse : Number.NaN)
    // Predictions are f32: a million has its next number at 0.06.
    expect(Math.sqrt(mse(far))).toBeCloseTo(Math.sqrt(mse(plain)), 1)
    expect(predictionOf(far.model, given).values[1]).toBeCloseTo(predictionOf(plain.model, given).values[1] + 2 ** 20, 0)
  })

  test('nor does a unit a thousand times as small', () => {
    expect(learned(train(of((v) => v / 1024)).model)).toEqual(learned(plain.model))
  })

  test('unless it is not to be standardised', () => {
    const raw = train(
      of((v) => v + 2 ** 20),
      { standardizeTarget: false },
    )
    expect(raw.model.target).toMatchObject({ mean: Float64Array.of(0), scale: Float64Array.of(1) })
    expect(raw.model.students[0].loss).toBeGreaterThan(1e9)
  })

  test('a constant outcome is predicted', () => {
    const { model } = train(of(() => 7))
    for (const v of predictionOf(model, study()).values) expect(v).toBeCloseTo(7, 0)
  })
})

describe('modalities that are missing altogether', () => {
  const without = (part: readonly ('train' | 'validation' | 'test')[], m: number) => {
    const rows = new Set(part.flatMap((name) => [...SPLITS[name]]))
    return (row: number, of: number) => !(of === m && rows.has(row))
  }

  test('in every test row: that modality on its own is not scored, everything else is', () => {
    const { methods, model } = train(study({ present: without(['test'], 0) }))
    for (const { name, test } of methods) expect(rowsOf(test), name).toBe(name === 'single:scan' ? 0 : 30)
    expect(model.provenance.notes).toEqual([])
  })

  test.each([['train'], ['validation']] as const)(
    'in every %s row: students that need it are left out, and it is said',
    (part) => {
      const given = study({ present: without([part], 0) })
      const { methods, model } = train(given, { extractors: { '*': ['skip', 'raw'] } })
      expect(model.students.map((s) => s.name)).toEqual(['lab:raw', 'visit:raw', 'visit:raw+lab:raw'])
      expect(model.provenance.notes).toEqual([
        part === 'train'
          ? 'no feature of "scan" varies in the training rows: no student looks at it'
          : '4 of 7 students were left out: no training or no validation row has all of their modalities',
      ])
      for (const { name, test } of methods) expect(rowsOf(test), name).toBe(name === 'single:scan' ? 0 : 30)
      expect(readModel(writeModel(model))).toEqual(model)
      // Rows that have it are combined as those that do not: on the rows that the remaining students see.
      const { patterns, weights } = model.ensembles
      for (const rule of builtRules(model.ensembles)) {
        const of = (pattern: string) => weights[rule]![patterns.indexOf(pattern)]
        expect(of('111')).toEqual(of('011'))
        expect(of('110')).toEqual(of('010'))
      }
      // With it alone there is nobody to ask.
      const only = { ids: given.data.ids, modalities: given.data.modalities.slice(0, 1) }
      expect(predictionOf(model, { ...given, data: { ...given.data, ...only } }).values.every(Number.isNaN)).toBe(true)
    },
  )

  test.each(['missing', 'only gaps', 'constant'])(
    'in every training row %s: no student looks at it, and it harms nobody',
    (how) => {
      const given = how === 'missing' ? study({ present: without(['train'], 1) }) : study()
      const modalities = given.data.modalities.map((m, i) => {
        if (i !== 1 || how === 'missing') return m
        const flat = new Set(SPLITS.train)
        const columns = m.columns.map((c) =>
          c.kind === 'number'
            ? { ...c, values: c.values.map((v, row) => (flat.has(row) ? (how === 'constant' ? 5 : Number.NaN) : v)) }
            : { ...c, codes: c.codes.map((v, row) => (flat.has(row) ? (how === 'constant' ? 1 : -1) : v)) },
        )
        return { ...m, columns }
      })
      // Within the budget, and beyond it.
      for (const budget of [64, 5]) {
        const { methods, model } = train({ ...given, data: { ...given.data, modalities } }, { budget })
        expect(model.preparations[1].columns).toEqual([])
        expect(model.students.some((s) => s.name.includes('visit'))).toBe(false)
        for (const { name, test } of methods) expect(rowsOf(test), name).toBe(name === 'single:visit' ? 0 : 30)
        expect(readModel(writeModel(model))).toEqual(model)
        const without = { ...given.data, modalities: [modalities[0], modalities[2]] }
        expect(predictionOf(model, { ...given, data: without }).values.every(Number.isFinite)).toBe(true)
      }
    },
  )

  test('from every row but a few: a batch may be one that a student sees nothing of', () => {
    const { model, methods } = train(study({ present: (row, m) => m !== 0 || row % 50 === 1 || row % 50 === 7 }))
    expect(model.students.some((s) => s.name.includes('scan'))).toBe(true)
    expect(rowsOf(methods[0].test)).toBe(30)
  })
})

describe('a feature of which training knows one value or none', () => {
  const given = study()
  const known = new Set<number>([...SPLITS.train, ...SPLITS.validation])
  /** One more column of the lab, with one value in the rows that are learned from and another in those to be predicted. */
  const withColumn = (before: number, later: number): Study => {
    const values = Float64Array.from({ length: ROWS }, (_, row) => (known.has(row) ? before : later))
    const lab = given.data.modalities[2]
    const wider = { ...lab, columns: [...lab.columns, { kind: 'number', name: 'new', values } as const] }
    return { ...given, data: { ...given.data, modalities: [...given.data.modalities.slice(0, 2), wider] } }
  }
  // A decay that leaves a weight that nothing is learned of where it was.
  const config = { extractors: { '*': ['skip', 'raw', 'mlp(4,2)', 'pca(2)'], visit: ['raw'] }, optimizer: { decay: 0 } }

  test.each([
    ['none', Number.NaN, 0, 900],
    ['one', 100, 100, 140],
  ])('%s: whatever it is later, it changes no prediction', (_, before, same, later) => {
    const [expected, other] = [same, later].map((value) => train(withColumn(before, value), config))
    expect(other.model.students).toEqual(expected.model.students)
    expect(other.model.students.some((s) => s.name.includes('lab:mlp'))).toBe(true)
    other.methods.forEach(({ test }, i) => {
      const [mine, theirs] = [test, expected.methods[i].test].map((m) => (m && 'mse' in m ? m.mse : Number.NaN))
      // A PCA leaves of such a column what rounding leaves of 0.
      expect(mine / theirs).toBeCloseTo(1, 5)
    })
  })
})

describe('students that diverge', () => {
  // A linear network on eight features is past the largest rate at which descent is stable, on one or two features it is not.
  const diverging = {
    head: [],
    optimizer: { kind: 'sgd', rate: 0.5, momentum: 0 },
    extractors: { scan: ['skip', 'mlp(300,8)'], '*': ['skip', 'raw'] },
    epochs: 8,
  } as const
  const given = study()
  const { model, methods } = train(given, diverging)
  const gone = model.students.filter((s) => !Number.isFinite(s.loss))

  test('are told of and have no say, and the rest is a model', () => {
    expect(gone.length).toBeGreaterThan(0)
    expect(gone.length).toBeLessThan(model.students.length)
    expect(model.provenance.notes).toEqual([
      `${gone.length} of ${model.students.length} students have no say: their validation loss did not stay finite`,
    ])
    for (const { teacher, name } of gone) {
      expect(teacher).toBe(0)
      const i = model.students.findIndex((s) => s.name === name)
      for (const rule of builtRules(model.ensembles)) {
        expect(model.ensembles.weights[rule]!.every((w) => w[i] === 0)).toBe(true)
      }
    }
    const { values } = predictionOf(model, given)
    expect(values.every(Number.isFinite)).toBe(true)
    for (const name of usual('regression').slice(0, 5)) expect(rowsOf(methods.find((m) => m.name === name)?.test)).toBe(30)
  })

  test('can be written and read', () => {
    expect(readModel(writeModel(model))).toEqual(model)
  })

  test('all of them: the run ends and says what to do', () => {
    const run = trainModel(module, given.data, given.splits, { ...QUICK, optimizer: { kind: 'sgd', rate: 1e6 } })
    expect(() => {
      for (const _ of run);
    }).toThrow('no student reached a finite validation loss: lower the learning rate, or check the target for extreme values')
  })
})

describe('refusals come before any training', () => {
  const given = study({ present: SOME })

  test.each([
    [{ epochs: 0 }, 'ConfigError: epochs is 0: allowed is a whole number from 1 to 100000'],
    [
      { extractors: { mri: ['raw'] } },
      'ConfigError: extractors is "mri": allowed is the modalities scan, visit, lab, or "*" for all others',
    ],
    [
      { extractors: { lab: ['pca(4)'] } },
      /^ConfigError: extractors\.lab is "pca\(4\)": allowed is at most pca\(3\): there are 3 features and \d+ training rows/,
    ],
  ])('of the configuration %j', (config, sentence) => {
    expect(refusal(given, config)).toMatch(sentence)
  })

  test.each([
    [
      'no row for train',
      { ...SPLITS, train: new Int32Array() },
      'DataError: the split leaves no row for train: give it at least one',
    ],
    [
      'a row that is not there',
      { ...SPLITS, test: Int32Array.of(9, 150) },
      'DataError: the split names row 150 and there are 150 rows',
    ],
    ['a row below 0', { ...SPLITS, train: Int32Array.of(-1) }, 'DataError: the split names row -1 and there are 150 rows'],
    [
      'a row in two parts',
      { ...SPLITS, test: Int32Array.of(9, 6) },
      'DataError: row 6 ("s6") is in two parts of the split: give each row to one',
    ],
    [
      'a row twice in a part',
      { ...SPLITS, test: Int32Array.of(9, 9) },
      'DataError: row 9 ("s9") is in two parts of the split: give each row to one',
    ],
  ])('of a split with %s', (_, splits, sentence) => {
    expect(refusal({ ...given, splits })).toBe(sentence)
  })

  test('of data that is none', () => {
    const ids = given.data.ids.map((id, i) => (i === 4 ? 's3' : id))
    expect(refusal({ ...given, data: { ...given.data, ids } })).toBe('DataError: id "s3" stands twice: give each subject one row')
  })

  test('where nobody could learn', () => {
    const apart = study({ present: (row, m) => m === row % 3 })
    const all = { extractors: { '*': ['raw'] } }
    expect(refusal(apart, all)).toBe(
      'ConfigError: no student has both a training row and a validation row with all of its modalities: ' +
        'list "skip" among the extractors, or give rows with more modalities',
    )
    expect(refusal(apart, { ...all, extractors: { '*': ['skip', 'raw'] } })).toBe('it began')
  })
})

test('a batch larger than the training set is the training set, and needs no more room', () => {
  const given = study({ present: SOME })
  const [whole, more] = [train(given, { batch: 90 }), train(given, { batch: 65536 })]
  expect(learned(more.model)).toEqual(learned(whole.model))
  // 65536 rows of this head would be 15 GiB.
  const wide = { batch: 65536, head: [4000], epochs: 1, rho: [0], baselines: false }
  expect(train(given, wide).model.students).toHaveLength(15)
})

test('a budget smaller than the cohort: every single modality and all together are among its students', () => {
  const { model } = train(study({ present: SOME }), { budget: 6 })
  expect(model.students).toHaveLength(6)
  expect(model.students.slice(0, 4).map((s) => s.name)).toEqual([
    'scan:raw',
    'visit:raw',
    'lab:raw',
    'scan:raw+visit:raw+lab:raw',
  ])
})
