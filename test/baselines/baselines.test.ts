import { describe, expect, test } from 'vitest'
import { askedBaselines, BASELINES } from '../../src/baselines/baselines.ts'
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
    expect(asked(three, true)).toEqual(['independent', 'early-fusion', 'late-fusion', 'late-sum', 'single'])
    expect(asked(classes, true)).toEqual(['independent', 'early-fusion', 'late-fusion', 'single'])
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
      /allowed is independent, early-fusion, late-fusion, single, .*; "late-sum" is for a regression$/,
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
  const config: TrainConfig = { baselines: every(given), rho: RHO }
  const { methods, rivals, told, model } = train(given, config)

  test('each is in the table, with the score that its model gives', () => {
    expect(methods.slice(4).map(({ name }) => name)).toEqual(rivals.map(({ name }) => name))
    rivals.forEach(({ model: of, rule, inputs = given.data }, i) => {
      const prediction = createPredictor(openTrainSession(module), of, rule).predict(inputs, SPLITS.test)
      expect(evaluate(prediction, given.data.target, SPLITS.test)).toEqual(methods[4 + i].test)
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
