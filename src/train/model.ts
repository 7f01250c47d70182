// What a trained group becomes: its ensembles, judged on the validation rows, and a model.

import { during } from '../core/during.ts'
import type { Dataset } from '../data/dataset.ts'
import { ableStudents, type Pattern } from '../fusion/availability.ts'
import type { Calibration } from '../fusion/calibration.ts'
import { askedOf, type Doubt, heardModalities } from '../fusion/doubt.ts'
import { builtRules, type Ensembles, isVote, type Rule } from '../fusion/ensemble.ts'
import type { Model, Provenance } from '../fusion/model.ts'
import type { StudentSpec } from '../fusion/student.ts'
import { calibrate, distances } from './calibrate.ts'
import { BELIEF, scaled } from './cross-fit.ts'
import { ensemblesOf, type Judged, MOST_PATTERNS, patternsWorth } from './ensembling.ts'
import { targetOf } from './frame.ts'
import { cohortOutputs, judgedOutputs } from './outputs.ts'
import { scaleOf } from './scale.ts'
import type { Group, Premises, Setting } from './setting.ts'
import { type Again, fitMeta, foldsOf, type MetaFit, outOfFold } from './stacking.ts'
import type { BatchDone, StageResult } from './stage.ts'

/**
 * The ensembles of a group as a stage left it, judged on the validation rows.
 * @param again trains the group without some rows: what stacking on out-of-fold rows needs
 * @returns them, and what is to be said of them
 * @yields after each batch of the group, and undefined between pieces of other work
 */
export function* ensemblesFor<Step = BatchDone>(
  setting: Setting,
  group: Group,
  stage: StageResult,
  rules: readonly Rule[],
  again?: Again<Step>,
): Generator<Step | undefined, { ensembles: Ensembles; notes: readonly string[] }> {
  const { session, splits, patterns, names, resolved, random } = setting
  const worth = patternsWorth(
    names.length,
    [...splits.train, ...splits.validation].map((row) => patterns[row]),
    MOST_PATTERNS,
  )
  const rows = Array.from(splits.validation, (row) => patterns[row])
  const able = (pattern: Pattern) => ableStudents(group.specs, pattern)
  const judged = judgedOn(setting, splits.validation, judgedOutputs(group.plan, stage, splits.validation))
  const teams = stage.outOfFold ? (members: readonly number[]) => soloists(group.specs, members) : undefined
  const spec = { ...resolved, rules, teams }
  const found = yield* ensemblesOf(session, judged, rows, worth, able, stage.losses, spec, random.fork('bagging'))
  const doubt = rules.includes('greedy') ? doubtFor(setting, group.specs) : undefined
  const weighed = doubt ? { ...found, doubt } : found
  if (!rules.includes('stacking')) return { ensembles: weighed, notes: [] }
  const { block, diverged } = yield* stackingFor(setting, group, stage, again)
  const note = 'the meta learner of stacking diverged: lower stacking.rate, or go by another ensemble'
  return { ensembles: { ...weighed, stacking: block }, notes: diverged ? [note] : [] }
}

/** What a classification's ensemble believes of its modalities before it looks; undefined where it never doubts. */
function doubtFor(
  { resolved, target, wanted, targetRows, splits, names }: Setting,
  specs: readonly StudentSpec[],
): Doubt | undefined {
  if (target.task !== 'classification' || resolved.doubt === 0) return undefined
  const full = '1'.repeat(names.length)
  const answered = heardModalities(specs, names.length).every((m) =>
    Object.values(askedOf(full, m)).every((pattern) => ableStudents(specs, pattern).length > 0),
  )
  if (!answered) return undefined
  const counts = new Float64Array(target.classes.length).fill(1)
  for (const row of splits.train) counts[wanted[row]] += targetRows.weights?.[row] ?? 1
  const sum = counts.reduce((total, n) => total + n, 0)
  return { chance: resolved.doubt, caution: 1, prior: Float32Array.from(counts, (n) => n / sum) }
}

/**
 * Teams of students that look at one modality each: the solved ones, the others, and all of them. Their averages are late fusion, which
 * is a candidate for the ensemble like any student.
 */
function soloists(specs: readonly StudentSpec[], members: readonly number[]): number[][] {
  const alone = members.filter((i) => specs[i].extractors.filter((e) => e.kind !== 'skip').length === 1)
  const [solved, others] = [alone.filter((i) => specs[i].solved), alone.filter((i) => !specs[i].solved)]
  return [solved, others, alone].filter((team) => team.length > 1)
}

/** Rows of nothing known that the last scale minds, whatever the number of classes: one of each of many would make it unsure of what it knows. */
const UNKNOWN = 2

/**
 * A cross-fitted cohort whose own ensemble is as sure as it should be: the outputs of all its students are scaled alike, so that
 * the loss of the ensemble, all modalities believed, on rows out of fold is the smallest. Of such rows no prediction of a class changes.
 * Where modalities are doubted, what one says alone counts as if one row of each class more had been minded.
 * @param rule the ensemble that the model predicts by
 */
export function tempered(
  { session, splits, patterns, head: { outputs: D }, wanted, targetRows }: Setting,
  { plan }: Group,
  stage: StageResult,
  ensembles: Ensembles,
  rule: Rule,
): { readonly stage: StageResult; readonly ensembles: Ensembles } {
  const { patterns: listed, weights, average, doubt } = ensembles
  const { outOfFold } = stage
  if (!outOfFold || average !== 'logits' || isVote(rule) || rule === 'stacking') return { stage, ensembles }
  const shares = new Map(listed.map((pattern, p) => [pattern, weights[rule]?.[p]]))
  const n = splits.train.length
  const heard = Array.from(splits.train.keys()).filter((at) => shares.has(patterns[splits.train[at]]))
  if (heard.length === 0) return { stage, ensembles }
  const logits = new Float32Array(heard.length * D)
  heard.forEach((at, b) => {
    shares.get(patterns[splits.train[at]])?.forEach((share, i) => {
      if (share > 0) for (let d = 0; d < D; d++) logits[b * D + d] += share * outOfFold[(i * n + at) * D + d]
    })
  })
  const rows = Int32Array.from(heard, (at) => splits.train[at])
  const target = targetOf(wanted, rows, D)
  const counts = targetRows.weights && Array.from(rows, (row) => targetRows.weights?.[row] ?? 1)
  const scaleBy = (unknown: number) =>
    scaleOf(session, logits, target, D, counts, rows.length / (rows.length + BELIEF), unknown).scale
  const scale = scaleBy(UNKNOWN)
  const caution = doubt && Math.min(1, scaleBy(D) / scale)
  return {
    stage: scaledBy(
      plan,
      stage,
      plan.problem.students.map(() => scale),
    ),
    ensembles: doubt && caution ? { ...ensembles, doubt: { ...doubt, caution } } : ensembles,
  }
}

/** Students that speak for themselves, each more sure by as much as fewer rows of nothing known make it. */
export function temperedAlone(
  { session, splits, head: { outputs: D }, wanted, targetRows }: Setting,
  { plan }: Group,
  stage: StageResult,
): StageResult {
  const { outOfFold } = stage
  if (!outOfFold) return stage
  const { train } = splits
  const scales = plan.problem.sees.map((mine, i) => {
    const places = Array.from(train.keys()).filter((at) => mine[train[at]] && Number.isFinite(stage.losses[i]))
    if (places.length === 0) return 1
    const rows = Int32Array.from(places, (at) => train[at])
    const outputs = new Float32Array(rows.length * D)
    places.forEach((at, b) => {
      outputs.set(outOfFold.subarray((i * train.length + at) * D, (i * train.length + at + 1) * D), b * D)
    })
    const counts = targetRows.weights && Array.from(rows, (row) => targetRows.weights?.[row] ?? 1)
    const belief = rows.length / (rows.length + BELIEF)
    const scaleBy = (unknown: number) => scaleOf(session, outputs, targetOf(wanted, rows, D), D, counts, belief, unknown).scale
    return scaleBy(UNKNOWN) / scaleBy(D)
  })
  return scaledBy(plan, stage, scales)
}

/** A stage whose students say so many times as much. */
function scaledBy({ problem: { students } }: Group['plan'], stage: StageResult, scales: readonly number[]): StageResult {
  const { outOfFold } = stage
  const size = outOfFold ? outOfFold.length / students.length : 0
  return {
    ...stage,
    best: stage.best.map(({ block }, i) => {
      const { head } = students[i]
      return { block: scaled(block, head.widths.at(-2) as number, head.widths.at(-1) as number, scales[i]) }
    }),
    outOfFold: outOfFold?.map((v, k) => v * scales[Math.floor(k / size)]),
  }
}

/**
 * What the model's sets and intervals are made of: by rows that were held out for it, or, cross-fitted, by all training rows as copies
 * judged them. A model that was chosen by validation rows alone has none: they would say too much good of it.
 */
export function* calibrationOf(
  setting: Setting,
  { plan, specs }: Group,
  stage: StageResult,
  ensembles: Ensembles,
): Generator<undefined, Calibration | undefined> {
  const { session, data, preparations, splits, patterns, wanted, head, resolved } = setting
  const rows = splits.calibration ?? (stage.outOfFold ? splits.train : new Int32Array())
  const outputs = splits.calibration ? cohortOutputs(plan, stage.best, rows) : judgedOutputs(plan, stage, rows)
  const heard = {
    source: splits.calibration ? ('held' as const) : ('out-of-fold' as const),
    outputs,
    target: targetOf(wanted, rows, head.outputs),
    width: head.outputs,
    patterns: Array.from(rows, (row) => patterns[row]),
    combining: { students: specs.map((spec, i) => ({ spec, loss: stage.losses[i] })), ensembles, best: resolved.greedy.best },
    rule: builtRules(ensembles)[0],
  }
  return yield* calibrate(session, heard, distances(preparations, data, splits.calibration ?? splits.train))
}

/** Steps of a meta learner are not among those that progress counts. */
const uncounted = () => undefined

/** The meta learner of a group. A student that cannot speak for a row, or has no finite loss, says 0. */
function* stackingFor<Step>(
  setting: Setting,
  { plan, specs }: Group,
  stage: StageResult,
  again?: Again<Step>,
): Generator<Step | undefined, MetaFit> {
  const { session, data, splits, head, resolved } = setting
  const { best, losses } = stage
  const { stacking, batch } = resolved
  const random = setting.random.fork('stacking')
  const { sees } = plan.problem
  const speaks = (i: number, row: number) => sees[i][row] === 1 && Number.isFinite(losses[i])
  const heard = (row: number) => specs.some((_, i) => speaks(i, row))
  function judged(rows: Int32Array, outputs: Float32Array): Judged {
    const D = head.outputs
    specs.forEach((_, i) => {
      rows.forEach((row, b) => {
        if (!speaks(i, row)) outputs.fill(0, (i * rows.length + b) * D, (i * rows.length + b + 1) * D)
      })
    })
    return judgedOn(setting, rows, outputs)
  }
  const train = splits.train.filter(heard)
  const validation = splits.validation.filter(heard)
  const held = judged(validation, judgedOutputs(plan, stage, validation))
  const spec = { ...stacking, batch }
  // Cross-fitted, all that is said of a training row is out of fold.
  if (stacking.rows === 'validation' || stage.outOfFold)
    return yield* during(fitMeta(session, { fit: held, groups: groupsOf(data, validation) }, spec, random), uncounted)
  if (stacking.rows === 'out-of-fold' && !again) throw new TypeError('out-of-fold rows need students that are trained again')
  const outputs =
    stacking.rows === 'train' || !again
      ? cohortOutputs(plan, best, train)
      : yield* outOfFold(plan, train, cohortFolds(setting, train), again)
  return yield* during(fitMeta(session, { fit: judged(train, outputs), choose: held }, spec, random), uncounted)
}

/** The folds that students are trained without, of training rows that some of them speak for. */
export const cohortFolds = ({ resolved, random, data }: Premises, rows: Int32Array): Int32Array =>
  foldsOf(rows.length, resolved.stacking.folds, random.fork('stacking').fork('cohort'), groupsOf(data, rows))

const groupsOf = ({ groups }: Dataset, rows: Int32Array) => groups && Array.from(rows, (row) => groups[row])

/** Outputs (M, rows, D) on rows, and what they should be. */
const judgedOn = (
  { wanted, targetRows, head: { outputs: width } }: Setting,
  rows: Int32Array,
  outputs: Float32Array,
): Judged => ({
  outputs,
  students: outputs.length / rows.length / width,
  target: targetOf(wanted, rows, width),
  width,
  weights: targetRows.weights && Array.from(rows, (row) => targetRows.weights?.[row] ?? 1),
})

/** A group of students as a stage left it. @param teachers what each counted as a teacher; nobody was one when left out */
export function modelOf(
  { preparations, projections, target, resolved }: Setting,
  { specs, names }: Pick<Group, 'specs' | 'names'>,
  stage: Pick<StageResult, 'best' | 'losses'>,
  ensembles: Ensembles,
  provenance: Provenance,
  teachers: ArrayLike<number> = new Float32Array(specs.length),
  calibration?: Calibration,
): Model {
  const students = specs.map((spec, i) => ({
    name: names[i],
    spec: plainSpec(spec),
    block: stage.best[i].block,
    loss: stage.losses[i],
    teacher: teachers[i],
  }))
  const sure = calibration ? { calibration } : {}
  return { preparations, projections, target, students, ensembles, best: resolved.greedy.best, ...sure, provenance }
}

/** What of a spec a model has: how it runs, not how it was made. */
function plainSpec({ solved, variant, ...spec }: StudentSpec): StudentSpec {
  return spec
}
