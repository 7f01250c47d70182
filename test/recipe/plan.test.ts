import { describe, expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import { planOfTraining } from '../../src/recipe/plan.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { ensemblesFor } from '../../src/train/model.ts'
import { runGrid } from '../../src/train/rho.ts'
import { batchOrder, groupOf, settingOf } from '../../src/train/setting.ts'
import { finish } from '../finish.ts'
import { module, QUICK, ROWS, SOME, SPLITS, type Study, study, train } from './studies.ts'

const CUTS: TrainConfig = {
  ...QUICK,
  extractors: { scan: ['skip', 'pca(2)', 'mlp(4,2)', 'sliced(6,4)', 'frozen-sliced(6)'], '*': ['skip', 'raw'] },
  encoders: { scan: { epochs: 4 } },
}
/** Extractors of 71 students. */
const MANY = {
  scan: ['skip', 'raw', 'pca(2)', 'pca(3)', 'mlp(4,2)', 'mlp(5,2)'],
  visit: ['skip', 'raw', 'mlp(3,2)'],
  lab: ['skip', 'raw', 'mlp(2)', 'pca(2)'],
}
const given = study({ task: 'classification', present: SOME })
const planOf = (of: Study = given, config: TrainConfig = CUTS) => planOfTraining(module, of.data, of.splits, config)
const { plan, trials } = planOf()
const trained = train(given, CUTS)

describe('a plan', () => {
  test('names the students that training makes, and counts their parameters', () => {
    const made = trained.model.students.map(({ name, block }) => ({ name, parameters: block.length }))
    expect(plan.students).toEqual(made)
    expect(plan.parameters).toBe(made.reduce((sum, { parameters }) => sum + parameters, 0))
    expect(plan.config).toEqual(trained.config)
    expect(plan.notes).toEqual(trained.model.provenance.notes)
    expect(plan.rows).toEqual({ train: 90, validation: 30, test: 30 })
  })

  test('names who is trained before, on how many rows', () => {
    const rows = SPLITS.train.filter((row) => SOME(row, 0)).length
    const parameters = 9 * 6 + 7 * 4 + 5 * 3
    expect(plan.encoders).toEqual([{ name: 'scan', parameters, widths: [6, 4], epochs: 4, rows }])
    expect(plan.steps.encoders).toBe(4 * Math.ceil(rows / 16))
  })

  test('counts the steps that training counts', () => {
    expect(plan.steps.students + plan.steps.baselines).toBe(trained.told.at(-1)!.total)
    expect(plan.baselines.map(({ name }) => name)).toEqual([
      'ridge scan:raw+visit:raw+lab:raw',
      'scan:raw+visit:raw+lab:raw',
      'scan:raw',
      'visit:raw',
      'lab:raw',
    ])
    const alone = planOf(given, { ...CUTS, baselines: false }).plan
    expect(alone.baselines).toEqual([])
    expect(alone.steps).toEqual({ ...plan.steps, baselines: 0 })
  })

  const stacked = (warmStart: TrainConfig['warmStart'], rho: number[]): TrainConfig => ({
    ...QUICK,
    ensembles: ['greedy', 'stacking'],
    stacking: { rows: 'out-of-fold', folds: 4 },
    extractors: { '*': ['skip', 'raw'] },
    warmStart,
    rho,
  })

  test.each<[string, TrainConfig, number]>([
    ['once at any ρ', stacked('none', [0, 1]), 1],
    ['and screened before the ρ that goes on from it', stacked('all', [0, 1]), 2],
    ['once where nobody shares', stacked('first', [0]), 1],
  ])('counts the students that are trained again without each fold, %s', (_, config, times) => {
    const { steps, bytes, parameters } = planOf(given, config).plan
    const { told } = train(given, config)
    expect(steps.students + steps.baselines).toBe(told.at(-1)!.total)
    // 90 rows, of whom two have nothing to say: 22 in a fold, so 68 are left, five batches; six of all. Seven students, six epochs.
    const stages = config.rho!.length
    expect(steps.students).toBe(7 * 6 * (6 * stages + 4 * 5 * times))
    const moments = config.warmStart === 'all' ? 4 : 0
    expect(bytes.checkpoints).toBe(4 * parameters * (1 + stages + times + moments))
    const running = told.filter(({ stage }) => stage !== 'preparing')
    running.forEach((p, i) => {
      expect(p.done).toBeGreaterThanOrEqual(running[Math.max(0, i - 1)].done)
      expect(p.total).toBe(running[0].total)
    })
    expect(running.filter((p) => p.stage === 'combining' && p.epoch > 0).at(-1)!.done).toBeLessThanOrEqual(steps.students)
    expect(running.at(-1)!.done).toBe(running[0].total)
  })

  test.each([1, 2])('names and counts the students of a cohort cross-fitted %i times, those that are solved too', (repeats) => {
    const crossed = { ...given, splits: { ...SPLITS, validation: new Int32Array() } }
    const config = { ...QUICK, head: [[8], [4, 4]], budget: 20, repeats }
    const { students, steps, notes } = planOf(crossed, config).plan
    const { model, told } = train(crossed, config)
    expect(students).toEqual(model.students.map(({ name, block }) => ({ name, parameters: block.length })))
    expect(notes).toEqual(model.provenance.notes)
    expect(new Set(students.map(({ name }) => /^(ridge|lasso|random)? ?[^ ]+( \(4,4\))?$/.exec(name)?.slice(1).join()))).toEqual(
      new Set([',', ', (4,4)', 'ridge,', 'lasso,', 'random,']),
    )
    expect(steps.students + steps.baselines).toBe(told.at(-1)!.total)
    expect(told.at(-1)!.done).toBe(told.at(-1)!.total)
    // 90 rows less a fold of 18 are five batches, all of them are six; two ρ, six epochs.
    expect(steps.students).toBe(students.length * 2 * 6 * (repeats * 5 * 5 + 6))
  })

  test('does not count the steps of a meta learner, nor does training', () => {
    const { told } = train(given, { ...CUTS, ensembles: ['greedy', 'stacking'] })
    expect(told.at(-1)!.done).toBe(plan.steps.students + plan.steps.baselines)
  })

  test('is the same whether its trials were run or not', () => {
    for (const { run } of trials) run()
    expect(planOf().plan).toEqual(plan)
  })

  test('tells leaks as training does', () => {
    const { data } = study({ task: 'classification' })
    if (data.target.task !== 'classification') throw new Error('the study is a classification')
    const outcome = modality('outcome', Float64Array.from(data.target.labels), 1)
    const leaking = { ...study({ task: 'classification' }), data: { ...data, modalities: [...data.modalities, outcome] } }
    expect(() => planOf(leaking, QUICK)).toThrow(/allowLeakage/)
    expect(planOf(leaking, { ...QUICK, allowLeakage: true }).plan.notes.join()).toMatch(/"0" of "outcome"/)
  })

  test('refuses what training refuses', () => {
    const nobody = study({ present: (row, m) => m !== 0 || row === SPLITS.train[0] || row === SPLITS.train[1] })
    expect(() => planOf(nobody, { ...QUICK, extractors: { scan: ['raw'], '*': ['raw'] } })).toThrow(/^no student has both/)
    expect(() => planOf(given, { extractors: { scan: ['sliced(9)'] } })).toThrow(/^extractors.scan is "sliced\(9\)"/)
  })
})

describe('the memory of a plan', () => {
  test('is the parts by their definition', () => {
    const { bytes, parameters } = plan
    // 8 + 4 + 3 prepared features, 2 scores, 6 frozen numbers, and the label.
    expect(bytes.rows).toBe(4 * ROWS * (8 + 4 + 3 + 2 + 6 + 1))
    expect(bytes.students).toBe(12 * parameters)
    expect(bytes.checkpoints).toBe(4 * parameters * 5)
    expect(bytes.data).toBe(8 * ROWS * 12 + 4 * ROWS + 3 * ROWS + 4 * ROWS)
    expect(bytes.total).toBe(bytes.data + bytes.session + bytes.checkpoints)
    expect(planOf(given, { ...CUTS, warmStart: 'none' }).plan.bytes.checkpoints).toBe(4 * parameters * 3)
  })

  test.each<[string, TrainConfig]>([
    ['students', { head: [256, 128] }],
    ['a large batch', { batch: 90, head: [300], baselines: false }],
    ['the masks of dropout', { head: [256, 128], dropout: 0.5 }],
    ['a meta learner', { extractors: MANY, encoders: {}, ensembles: ['stacking'], stacking: { rows: 'train' } }],
    ['cuts of a wide network', { extractors: { scan: ['skip', 'frozen-sliced(2000,8)'], '*': ['skip', 'raw'] } }],
    ['students that are solved', { solved: ['ridge', 'lasso', 'random'], warmStart: 'none' }],
    ['the same, cross-fitted', { extractors: QUICK.extractors, encoders: {}, folds: 5 }],
  ])('is what the session takes, to a hundredth and a page: %s', (_, part) => {
    const config = { ...CUTS, ...part, epochs: 1, rho: [0] }
    const splits = part.folds ? { ...given.splits, validation: new Int32Array() } : given.splits
    const setting = finish(settingOf(module, given.data, splits, config))
    const group = groupOf(setting, setting.specs)
    const grid = { ...setting.resolved, order: (_: number, epoch: number) => batchOrder(setting)(epoch) }
    const { chosen } = finish(runGrid(group.plan, group.starts, grid))
    finish(ensemblesFor(setting, group, chosen.stage, setting.resolved.ensembles))
    const real = setting.session.memory.size()
    expect(real).toBeGreaterThan(2 ** 20)
    expect(Math.abs(planOf({ ...given, splits }, config).plan.bytes.session - real)).toBeLessThan(0.01 * real + 65536)
  })
})

describe('the trials of a plan', () => {
  test('are a step of its students, what it takes to solve some, and a PCA where there is one', () => {
    expect(trials).toHaveLength(3)
    expect(planOf(given, { ...CUTS, extractors: {}, encoders: {} }).trials).toHaveLength(2)
    expect(planOf(given, { ...CUTS, extractors: {}, encoders: {}, baselines: false }).trials).toHaveLength(1)
  })

  test('count a solved student by its products, and not by steps', () => {
    const of = (config: TrainConfig) =>
      planOf(study(), { ...QUICK, baselines: false, extractors: { '*': ['raw'] }, ...config }).trials
    const [step, solve] = of({ solved: ['ridge'] })
    expect(step.times).toBe(of({})[0].times)
    expect(of({ solved: ['ridge', 'lasso'] })[1].times).toBeCloseTo(3 * solve.times, 6)
  })

  test('stand for the whole of the training', () => {
    const lone = { ...QUICK, extractors: { scan: ['raw'], '*': ['skip', 'raw'] }, budget: 1, baselines: false }
    const of = (config: TrainConfig) => planOf(study(), { ...lone, ...config }).trials[0].times
    // 90 rows in batches of 16, and 30 that are only looked at; 6 epochs, twice.
    expect(of({})).toBeCloseTo((2 * 6 * (90 + 30 / 3)) / 16, 6)
    expect(of({ epochs: 12 })).toBeCloseTo(2 * of({}), 6)
    expect(of({ rho: [0, 1, 2] })).toBeCloseTo(1.5 * of({}), 6)
    expect(of({ baselines: true })).toBeGreaterThan(of({}))
    // Two folds, each of them half of the rows; each is screened first, unless its ρ starts anew.
    const stacking = { rows: 'out-of-fold', folds: 2 } as const
    expect(of({ ensembles: ['stacking'], stacking })).toBeCloseTo(2 * of({}), 6)
    expect(of({ ensembles: ['stacking'], stacking, warmStart: 'none' })).toBeCloseTo(1.5 * of({}), 6)
  })

  test('take of many students 32, from small to large, by whose parameters the others are counted', () => {
    const { plan, trials } = planOf(study(), { ...QUICK, extractors: MANY, rho: [0], epochs: 1, batch: 90, baselines: false })
    expect(plan.students).toHaveLength(64)
    const cohorts = trials[0].times / ((90 + 30 / 3) / 90)
    expect(Math.abs(cohorts - 64 / 32)).toBeLessThan(0.1)
  })
})
