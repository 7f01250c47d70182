// One seed of an experiment: its data, one screened cohort, every variant of teaching on it, the baselines, and their test errors.

import { type Asked, askedBaselines, trainedBy } from '../baselines/baselines.ts'
import type { Arena } from '../baselines/rival.ts'
import { during } from '../core/during.ts'
import type { Progress } from '../core/types.ts'
import { VERSION } from '../core/version.ts'
import { digest } from '../data/dataset.ts'
import { weightsByLoss } from '../fusion/ensemble.ts'
import { evaluate } from '../fusion/evaluate.ts'
import type { Provenance } from '../fusion/model.ts'
import { createPredictor } from '../fusion/predictor.ts'
import { chooseSplits } from '../recipe/choose-splits.ts'
import { RHO } from '../train/config.ts'
import { greedy, type Judged, juryOf } from '../train/ensembling.ts'
import { targetOf } from '../train/frame.ts'
import { chooseTeachers, type Teachers } from '../train/mutual.ts'
import { cohortOutputs } from '../train/outputs.ts'
import { type Course, judgesOf, type Screened, screen, share, type Teaching } from '../train/rho.ts'
import { batchOrder, type Group, groupOf, type Setting, settingOf } from '../train/setting.ts'
import { stackOutputs } from '../train/stacking.ts'
import { type BatchDone, runStage, type StageResult, type Start } from '../train/stage.ts'
import { alone } from '../train/step.ts'
import { openTrainSession } from '../wasm/session.ts'
import type { Experiment, Variant } from './settings.ts'
import { synthetic } from './synthetic.ts'
import type { Scores } from './table.ts'

/** A cohort as one ρ left it. */
export interface CohortResult {
  readonly rho: number
  /** Mean validation loss by which ρ was chosen. */
  readonly judged: number
  /** Test errors of its ensembles, of its mean and its best student. */
  readonly scores: Scores
  /** Test error of each student. */
  readonly students: readonly number[]
  /** Greedy's members in the order they came, and the ensemble's validation loss after each. */
  readonly greedy: { readonly members: readonly number[]; readonly trace: readonly number[] }
}

export interface VariantResult {
  readonly name: string
  /** The ρ that was chosen. */
  readonly rho: number
  /** Clusters found among the screening losses, and the students that teach. */
  readonly k: number
  readonly teachers: readonly number[]
  /** Every ρ that was tried, in the variant's order. */
  readonly cohorts: readonly CohortResult[]
}

/** What one seed gives: plain data. Errors are mean squared errors on test rows, in the outcome's units. */
export interface SeedResult {
  readonly experiment: string
  readonly seed: number
  /** Fingerprint of the data. */
  readonly digest: string
  /** Test error by method: what the table is made of. */
  readonly scores: Scores
  readonly students: readonly string[]
  readonly variants: readonly VariantResult[]
}

/** A trained stage without its weights: what it says of the rows of each part. */
interface Said {
  readonly losses: Float64Array
  readonly train: Float32Array
  readonly validation: Float32Array
  readonly test: Float32Array
}

const PREPARING: Progress = { stage: 'preparing', rho: 0, students: 0, epoch: 0, epochs: 0, done: 0, total: 1 }

/**
 * Runs one seed. The seed draws the data, the split, the first weights and the batch orders, each from a stream of its own, so
 * what a method gives does not depend on what else is run.
 */
export function* runSeed(module: WebAssembly.Module, experiment: Experiment, seed: number): Generator<Progress, SeedResult> {
  const { variants, baselines } = experiment
  const data = { ...synthetic(openTrainSession(module), experiment.data, seed), title: experiment.title }
  const config = { ...experiment.config, seed }
  const asked = askedBaselines(baselines, data, config.rho ?? RHO)
  const { splits } = chooseSplits(module, data, config)
  const setting = yield* during(settingOf(module, data, splits, config), () => PREPARING)
  const rivals = trainedBy(asked, { setting, cohort: setting.specs }).length
  const tell = clockOf(setting, variants, rivals)
  const mark = setting.session.memory.mark()
  const group = groupOf(setting, setting.specs, { losing: true })
  const taught = yield* teach(setting, group, variants, tell)
  setting.session.memory.release(mark)
  const scores = { ...scoresOf(experiment, taught), ...(yield* compare(module, setting, asked, tell)) }
  return { experiment: experiment.name, seed, digest: digest(data), scores, students: group.names, variants: taught }
}

/** Every variant on the same screened students; stages that are the same are trained once. */
function* teach(setting: Setting, group: Group, variants: readonly Variant[], tell: Clock): Generator<Progress, VariantResult[]> {
  if (variants.length === 0) return []
  const course = courseOf(setting)
  const stages = new Map<string, Said>()
  const screened = yield* during(screen(group.plan, group.starts, course, variants.some(keepsMoments)), tell)
  stages.set(keyOf({ start: 'none', rho: 0, lengths: 1 }), said(setting, group, screened.stage))
  const results: VariantResult[] = []
  for (const variant of variants) {
    const teaching = { ...setting.resolved.teaching, ...variant.teaching }
    const teachers = chooseTeachers(setting.session, screened.losses, teaching)
    const judges = judgesOf(screened.stage, teachers, teaching)
    const cohorts: CohortResult[] = []
    for (const rho of variant.rho) {
      const stage = stageOf(variant, rho, teaching)
      const key = keyOf(stage)
      let known = stages.get(key)
      if (!known) {
        const work = train(group, screened, { ...course, epochs: course.epochs * variant.lengths }, stage, teaching, teachers)
        known = said(setting, group, yield* during(work, tell))
        stages.set(key, known)
      }
      const { losses } = known
      const judged = judges.reduce((sum, i) => sum + losses[i], 0) / judges.length
      cohorts.push({ rho, judged, ...scored(setting, known) })
    }
    const best = cohorts.reduce((a, b) => (b.judged < a.judged ? b : a))
    results.push({ name: variant.name, rho: best.rho, k: teachers.k, teachers: teachers.members, cohorts })
  }
  return results
}

/** Test errors of the baselines. The independent cohort is not among them: it is a variant's ρ = 0. */
function* compare(
  module: WebAssembly.Module,
  setting: Setting,
  asked: readonly Asked[],
  tell: Clock,
): Generator<Progress, Scores> {
  const { data, splits, resolved } = setting
  const rows = { train: splits.train.length, validation: splits.validation.length, test: splits.test.length }
  const provenance: Provenance = {
    library: VERSION,
    title: data.title ?? '',
    seed: resolved.seed,
    digest: digest(data),
    subjects: '',
    split: { source: 'drawn', ...rows, testIds: '' },
    config: {},
    rho: 0,
    rhoLosses: [],
    notes: [],
  }
  const screened: StageResult = { rho: 0, best: [], losses: new Float64Array(), bestEpoch: new Int32Array(), epochs: [] }
  const arena: Arena = { module, setting, cohort: setting.specs, screened, provenance, kept: new Map() }
  const scores: Record<string, number> = {}
  for (const { baseline, wants } of asked) {
    const work = baseline.train(arena)
    let turn = work.next()
    for (; !turn.done; turn = work.next()) if (turn.value) yield tell(turn.value)
    for (const { name, model, rule, inputs = data } of turn.value.filter((rival) => wants(rival.name))) {
      const prediction = createPredictor(openTrainSession(module), model, rule).predict(inputs, splits.test)
      const metrics = evaluate(prediction, data.target, splits.test)
      if (metrics && 'mse' in metrics) scores[name] = metrics.mse
    }
  }
  return scores
}

/**
 * Errors by method. The first variant's ensembles go by their own names, those of its ρ = 0 by `independent/…`, those of the ρ whose
 * greedy ensemble is best on validation rows by `by-ensemble/…`; the other variants' by `variant/…` and `variant/by-ensemble/…`; at a
 * fixed ρ, `variant@ρ/…`.
 */
function scoresOf({ fixed }: Experiment, variants: readonly VariantResult[]): Scores {
  const at = (variant: VariantResult, rho: number) => variant.cohorts.find((c) => c.rho === rho)?.scores ?? {}
  const named = (prefix: string, scores: Scores) => Object.entries(scores).map(([name, v]) => [`${prefix}${name}`, v])
  if (variants.length === 0) return {}
  const [main, ...others] = variants
  return Object.fromEntries([
    ...named('', at(main, main.rho)),
    ...named('independent/', at(main, 0)),
    ...named('by-ensemble/', at(main, bestEnsemble(main))),
    ...others.flatMap((v) => [
      ...named(`${v.name}/`, at(v, v.rho)),
      ...(v.cohorts.length > 1 ? named(`${v.name}/by-ensemble/`, at(v, bestEnsemble(v))) : []),
    ]),
    ...(fixed === undefined ? [] : variants.flatMap((v) => named(`${v.name}@${fixed}/`, at(v, fixed)))),
  ])
}

/** The first ρ whose greedy ensemble has the smallest validation loss: what `chooseRho` is by default. */
function bestEnsemble({ cohorts }: VariantResult): number {
  const loss = ({ greedy: { trace } }: CohortResult) => trace[trace.length - 1]
  return cohorts.reduce((best, next) => (loss(next) < loss(best) ? next : best)).rho
}

function courseOf(setting: Setting): Course {
  const order = batchOrder(setting)
  return { ...setting.resolved, order: (_, epoch) => order(epoch) }
}

/** What makes two stages the same. */
interface StageKey {
  readonly start: Variant['warmStart']
  readonly rho: number
  readonly lengths: number
  readonly teaching?: Teaching
}

const keyOf = (stage: StageKey): string => JSON.stringify(stage)
const keepsMoments = ({ warmStart }: Variant): boolean => warmStart === 'first' || warmStart === 'all'

function stageOf({ warmStart, lengths, rho: list }: Variant, rho: number, teaching: Teaching): StageKey {
  if (rho === 0) return { start: 'none', rho, lengths }
  const firstOne = rho === list.find((r) => r > 0)
  const start = warmStart === 'first' ? (firstOne ? 'all' : 'none') : warmStart
  return { start, rho, lengths, teaching }
}

function* train(
  { plan, starts }: Group,
  { stage: { best } }: Screened,
  course: Course,
  { start, rho }: StageKey,
  teaching: Teaching,
  teachers: Teachers,
): Generator<BatchDone, StageResult> {
  const from: readonly Start[] = start === 'none' ? starts : start === 'weights' ? best.map(({ block }) => ({ block })) : best
  if (rho > 0) return yield* share(plan, from, course, rho, teaching, teachers)
  const order = (epoch: number) => course.order(0, epoch)
  return yield* runStage(plan, { ...course, rho, objective: () => alone(plan), starts: from, order, keepMoments: false })
}

function said({ splits }: Setting, { plan }: Group, { best, losses }: StageResult): Said {
  return {
    losses,
    train: cohortOutputs(plan, best, splits.train),
    validation: cohortOutputs(plan, best, splits.validation),
    test: cohortOutputs(plan, best, splits.test),
  }
}

/** How the authors stack: on outputs of the training rows. */
const STACKING = { epochs: 10, rate: 0.1, decay: 0, folds: 2 }

/** Test errors of every ensemble, chosen on validation rows alone. */
function scored(setting: Setting, { losses, train, validation, test }: Said): Omit<CohortResult, 'rho' | 'judged'> {
  const { session, wanted, splits, head, resolved, random } = setting
  const M = losses.length
  const judged = (outputs: Float32Array, rows: Int32Array): Judged => ({
    outputs,
    students: M,
    target: targetOf(wanted, rows, head.outputs),
    width: head.outputs,
  })
  const choose = judged(validation, splits.validation)
  const jury = juryOf(session, choose)
  const chosen = greedy(jury, resolved.greedy)
  jury.close()
  const everyone = Array.from(losses.keys())
  const truth = targetOf(wanted, splits.test, head.outputs)
  const error = (weights: ArrayLike<number>) => meanSquares(test, weights, truth)
  const students = everyone.map((i) => error(everyone.map((j) => (j === i ? 1 : 0))))
  const rows = { fit: judged(train, splits.train), choose, test }
  const stacked = stackOutputs(session, rows, { ...STACKING, batch: resolved.batch }, random.fork('stacking'))
  const scores = {
    'meta-fusion': error(chosen.weights),
    'best-single': error(weightsByLoss('best-single', losses, everyone, 1)),
    'simple-average': error(weightsByLoss('simple-average', losses, everyone, 1)),
    'weighted-average': error(weightsByLoss('weighted-average', losses, everyone, 1)),
    stacking: meanSquares(stacked, [1], truth),
    'cohort-mean': students.reduce((a, b) => a + b, 0) / M,
    'cohort-best': Math.min(...students),
  }
  return { scores, students, greedy: { members: chosen.members, trace: chosen.trace } }
}

/** Mean squared error of the weighted sum of outputs (M, rows · D). */
function meanSquares(outputs: Float32Array, weights: ArrayLike<number>, truth: ArrayLike<number>): number {
  const size = truth.length
  let total = 0
  for (let k = 0; k < size; k++) {
    let sum = 0
    for (let i = 0; i < weights.length; i++) sum += weights[i] * outputs[i * size + k]
    total += (sum - truth[k]) * (sum - truth[k])
  }
  return total / size
}

type Clock = (batch: BatchDone) => Progress

/** Counts steps of one student, of all that the seed will take. @param rivals students that the baselines train */
function clockOf({ splits, resolved, specs }: Setting, variants: readonly Variant[], rivals: number): Clock {
  const { epochs, batch, teaching } = resolved
  const lengths = new Map(variants.length > 0 ? [[keyOf({ start: 'none', rho: 0, lengths: 1 }), 1]] : [])
  for (const variant of variants) {
    for (const rho of variant.rho)
      lengths.set(keyOf(stageOf(variant, rho, { ...teaching, ...variant.teaching })), variant.lengths)
  }
  const steps = Math.ceil(splits.train.length / batch) * epochs
  const total = steps * (specs.length * [...lengths.values()].reduce((sum, length) => sum + length, 0) + rivals)
  let done = 0
  return ({ rho, epoch, losses, batches }) => {
    const students = losses.task.length
    done += students * batches
    return { stage: rho > 0 ? 'sharing' : 'screening', rho, students, epoch, epochs, done, total }
  }
}
