import { describe, expect, test } from 'vitest'
import { askedBaselines, BASELINES } from '../../src/baselines/baselines.ts'
import type { Rival } from '../../src/baselines/rival.ts'
import { synthetic } from '../../src/experiments/synthetic.ts'
import { noEnsembles } from '../../src/fusion/ensemble.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import { createPredictor, openTrainSession, readModel, type TrainConfig, writeModel } from '../../src/index.ts'
import { module, SOME, SPLITS, type Study, study, train } from '../recipe/studies.ts'

const RHO = [0, 0.5, 2]
const three = study({ present: SOME })
const classes = study({ present: SOME, task: 'classification' })
const two: Study = { ...three, data: { ...three.data, modalities: three.data.modalities.slice(0, 2) } }
const known: Study = { ...two, data: { ...two.data, oracle: study({ seed: 8 }).data.modalities.slice(0, 2) } }

const asked = ({ data }: Study, names: boolean | readonly string[], rho = RHO) => {
  try {
    return askedBaselines(names, data, rho).map(({ baseline }) => Object.keys(BASELINES).find((n) => BASELINES[n] === baseline))
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

describe('what is asked for', () => {
  test('true is the usual ones that fit the task; false and an empty list are none', () => {
    expect(asked(three, true)).toEqual(['independent', 'ridge', 'early-fusion', 'late-fusion', 'late-sum', 'single'])
    expect(asked(classes, true)).toEqual(['independent', 'ridge', 'early-fusion', 'late-fusion', 'single'])
    expect(asked(three, false)).toEqual([])
    expect(asked(three, [])).toEqual([])
  })

  test('names choose others, in the order of the table', () => {
    expect(asked(three, ['adversarial', 'cooperative', 'early-fusion'])).toEqual(['early-fusion', 'cooperative', 'adversarial'])
  })

  test('single:<modality> is one of the single networks', () => {
    const { methods } = train(three, { baselines: ['single:lab', 'single:scan'], rho: [0] })
    expect(methods.slice(4).map(({ name }) => name)).toEqual(['single:scan', 'single:lab'])
  })

  test.each<[string, Study, string, number[], RegExp]>([
    [
      'an unknown name',
      three,
      'late',
      RHO,
      /^ConfigError: baselines is "late": allowed is independent, .*, single:lab; "late" is unknown$/,
    ],
    ['a modality that is not there', three, 'single:mri', RHO, /"single:mri" is unknown$/],
    ['what objects have', three, 'toString', RHO, /"toString" is unknown$/],
    [
      'a sum of classes',
      classes,
      'late-sum',
      RHO,
      /allowed is independent, ridge, early-fusion, late-fusion, single, .*; "late-sum" is for a regression$/,
    ],
    [
      'two networks of three',
      three,
      'cooperative-reference',
      RHO,
      /"cooperative-reference" is for a regression on two modalities$/,
    ],
    ['latents that nobody knows', three, 'oracle', RHO, /"oracle" is for data that know what they were made of$/],
    ['bad teachers without sharing', three, 'adversarial', [0], /"adversarial" needs a rho above 0$/],
  ])('refused: %s', (_, given, name, rho, sentence) => expect(asked(given, [name], rho)).toMatch(sentence))

  test('what is refused is refused before any work', () => {
    expect(() => train(three, { baselines: ['late'] })).toThrow(/"late" is unknown/)
    expect(() => train(three, { baselines: ['adversarial'], rho: [0] })).toThrow(/needs a rho above 0/)
  })
})

const every = (given: Study) => Object.keys(BASELINES).filter((name) => BASELINES[name].refusal?.(given.data, RHO) === undefined)

describe.each([
  ['a regression on two modalities, with latents', known],
  ['a regression on three', three],
  ['three classes', classes],
])('all baselines of %s, with modalities missing', (_, given) => {
  const config: TrainConfig = { baselines: every(given), rho: RHO, extractors: { '*': ['skip', 'raw'] } }
  const { methods, rivals, told, model } = train(given, config)

  test('each is in the table, with the score that its model gives', () => {
    const own = methods.length - rivals.length
    expect(methods.slice(own).map(({ name }) => name)).toEqual(rivals.map(({ name }) => name))
    rivals.forEach(({ model: of, rule, inputs = given.data }, i) => {
      const prediction = createPredictor(openTrainSession(module), of, rule).predict(inputs, SPLITS.test)
      expect(evaluate(prediction, given.data.target, SPLITS.test)).toEqual(methods[own + i].test)
    })
  })

  test('each predicts every row that has any modality, but for the single networks', () => {
    const any = [...SPLITS.test].filter((row) => given.data.modalities.some((m) => m.present[row])).length
    for (const { name, test: score } of methods) {
      if (name.startsWith('oracle')) expect(score?.rows, name).toBe(SPLITS.test.length)
      else if (!name.startsWith('single')) expect(score?.rows, name).toBe(any)
    }
  })

  test('each is a model like any other: the same after writing and reading', () => {
    for (const { name, model: of } of rivals) expect(readModel(writeModel(of)), name).toEqual(of)
  })

  test('they change nothing about the model, and progress ends at its total', () => {
    expect(train(given, { ...config, baselines: false }).model.students).toEqual(model.students)
    const running = told.filter((p) => p.stage !== 'preparing')
    expect(running.at(-1)?.done).toBe(running[0].total)
  })

  test('the same seed gives the same bits', () => {
    const again = train(given, config).rivals
    expect(again.map(({ model: of }) => of)).toEqual(rivals.map(({ model: of }) => of))
  })
})

const predicted = (given: Study, { model, rule, inputs = given.data }: Rival, rows = SPLITS.test) =>
  createPredictor(openTrainSession(module), model, rule).predict(inputs, rows).values
const named = (rivals: readonly Rival[], name: string) => rivals.find((rival) => rival.name === name) as Rival

describe.each([true, false])('sums, the target standardised: %s', (standardizeTarget) => {
  const { rivals } = train(three, { baselines: ['late-sum', 'single', 'cooperative'], rho: RHO, standardizeTarget })
  const target = named(rivals, 'late-sum').model.target
  const mean = target.task === 'regression' ? target.mean[0] : Number.NaN

  test('the mean is that of the outcome over the training rows', () => {
    const { target: known } = three.data
    if (known.task !== 'regression') throw new Error('the outcome is a number')
    const sum = SPLITS.train.reduce((total, row) => total + known.values[row], 0)
    expect(mean).toBeCloseTo(sum / SPLITS.train.length, 5)
  })

  test('late-sum adds up what the single networks say of the distance from the mean, of the modalities that are there', () => {
    const alone = ['scan', 'visit', 'lab'].map((name) => predicted(three, named(rivals, `single:${name}`)))
    predicted(three, named(rivals, 'late-sum')).forEach((value, i) => {
      const said = alone.map((values) => values[i]).filter((v) => !Number.isNaN(v))
      if (said.length === 0) expect(value).toBeNaN()
      else
        expect(value).toBeCloseTo(
          said.reduce((sum, v) => sum + v - mean, mean),
          4,
        )
    })
  })

  test('weights are 0 or 1, and a pattern that is not listed is not predicted', () => {
    for (const name of ['late-sum', 'cooperative']) {
      const rival = named(rivals, name)
      const { model } = rival
      const listed = model.ensembles.weights['simple-average'] ?? []
      expect(listed.length).toBeGreaterThan(0)
      for (const weights of listed) expect(weights.every((w) => w === 0 || w === 1)).toBe(true)
      const unlisted = { ...model, ensembles: noEnsembles() }
      expect(predicted(three, { ...rival, model: unlisted }).every(Number.isNaN)).toBe(true)
    }
  })

  test('cooperative learning chooses its ρ below 1 by the validation loss of the sum, and has a network on all modalities', () => {
    const { students, provenance } = named(rivals, 'cooperative').model
    expect(students.map(({ name }) => name)).toEqual(['scan:raw', 'visit:raw', 'lab:raw', 'scan:raw+visit:raw+lab:raw'])
    expect(provenance.rhoLosses.map(({ rho }) => rho)).toEqual([0, 0.5])
    const least = Math.min(...provenance.rhoLosses.map(({ loss }) => loss))
    expect(provenance.rhoLosses.find(({ rho }) => rho === provenance.rho)?.loss).toBe(least)
  })

  test('where no row has all modalities, cooperative learning does without that network', () => {
    const apart = study({ present: (row, m) => (row % 2 ? m === 0 : m > 0) })
    const { model } = train(apart, { baselines: ['cooperative'], rho: RHO }).rivals[0]
    expect(model.students.map(({ name }) => name)).toEqual(['scan:raw', 'visit:raw', 'lab:raw'])
    expect(model.provenance.notes.at(-1)).toBe(
      'no training or no validation row has all modalities: there is no interaction network',
    )
  })
})

describe('cohorts', () => {
  const { rivals } = train(three, { baselines: ['independent', 'joint', 'joint-best-epoch'], rho: RHO })

  test('the independent one is what screening left: Meta Fusion itself where ρ is 0', () => {
    const screened = named(rivals, 'independent-greedy').model
    expect(screened.provenance.rho).toBe(0)
    const { model: own } = train(three, { baselines: false, rho: [0] })
    expect(screened.students.map(({ block, loss }) => [block, loss])).toEqual(
      own.students.map(({ block, loss }) => [block, loss]),
    )
    expect(screened.ensembles).toEqual(own.ensembles)
  })

  test('the adversarial one is taught by the worst students, at the largest ρ', () => {
    // Of complete rows: the losses that students are chosen by are then those they have.
    const { rivals, model } = train(study(), { baselines: ['independent', 'adversarial'], rho: RHO })
    const { students, provenance } = named(rivals, 'adversarial-greedy').model
    const screened = named(rivals, 'independent-greedy').model.students
    expect(provenance.rho).toBe(2)
    const taught = (teaches: boolean) => screened.filter((_, i) => students[i].teacher > 0 === teaches).map(({ loss }) => loss)
    expect(Math.min(...taught(true))).toBeGreaterThan(Math.max(...taught(false)))
    expect(students.some(({ teacher }, i) => teacher > 0 && model.students[i].teacher > 0)).toBe(false)
  })

  test('the joint ones have each student with the loss it has alone', () => {
    for (const name of ['joint-greedy', 'joint-best-epoch-greedy']) {
      const { students } = named(rivals, name).model
      expect(new Set(students.map(({ loss }) => loss)).size).toBe(students.length)
    }
  })
})

test.each<[string, TrainConfig]>([
  ['cooperative', { optimizer: { kind: 'sgd', rate: 0.8 }, rho: [0], head: [32] }],
  ['all-at-once', { optimizer: { kind: 'sgd', rate: 0.02 }, rho: [1000], batch: 2 }],
])('%s: what diverged together is a model that predicts nothing, in a file too', (name, wild) => {
  const { rivals, methods } = train(study(), { ...wild, extractors: { '*': ['skip', 'raw'] }, baselines: [name] })
  expect(methods.at(-1)).toEqual({ name, test: undefined })
  const { model, rule } = named(rivals, name)
  const { values } = createPredictor(openTrainSession(module), readModel(writeModel(model)), rule).predict(study().data)
  expect(values.every(Number.isNaN)).toBe(true)
})

test('networks on what the data were made of are trained and combined as the others are', () => {
  const { data, splits } = study({ task: 'classification' })
  const of = (config: TrainConfig) => train({ data: { ...data, oracle: data.modalities }, splits }, config)
  const config = { labelSmoothing: 0.2, classWeights: { low: 3 }, average: 'probabilities', rho: [0] } as const
  const { rivals } = of({ ...config, baselines: ['early-fusion', 'late-fusion', 'oracle'] })
  for (const name of ['early-fusion', 'late-fusion']) {
    const [mine, known] = [named(rivals, name).model, named(rivals, `oracle:${name}`).model]
    expect(known.students, name).toEqual(mine.students)
    expect(known.ensembles, name).toEqual(mine.ensembles)
  }
})

test('networks on what the data were made of do better than those on noise over it', () => {
  const session = openTrainSession(module)
  const view = (name: string) => ({ name, features: 30, latents: 3, noise: 0.8, transform: 'linear', share: 1 }) as const
  const none = { latents: 0, transform: 'linear', share: 0 } as const
  const data = synthetic(session, { rows: 150, modalities: [view('a'), view('b')], shared: none }, 4)
  const config: TrainConfig = {
    baselines: ['early-fusion', 'oracle'],
    epochs: 60,
    rho: [0],
    extractors: { '*': ['skip', 'raw'] },
  }
  const { methods } = train({ data, splits: SPLITS }, config)
  const r2 = Object.fromEntries(methods.map(({ name, test }) => [name, test && 'r2' in test ? test.r2 : Number.NaN]))
  expect(r2['oracle:early-fusion']).toBeGreaterThan(0.85)
  expect(r2['oracle:early-fusion']).toBeGreaterThan(r2['early-fusion'] + 0.2)
  for (const name of ['a', 'b']) expect(r2[`oracle:single:${name}`]).toBeLessThan(r2['oracle:early-fusion'])
})
