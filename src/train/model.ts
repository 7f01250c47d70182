// What a trained group becomes: its ensembles, judged on the validation rows, and a model.

import { during } from '../core/during.ts'
import type { Dataset } from '../data/dataset.ts'
import { ableStudents, type Pattern } from '../fusion/availability.ts'
import type { Ensembles, Rule } from '../fusion/ensemble.ts'
import type { Model, Provenance } from '../fusion/model.ts'
import { ensemblesOf, type Judged, patternsWorth } from './ensembling.ts'
import { targetOf } from './frame.ts'
import { cohortOutputs } from './outputs.ts'
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
  )
  const rows = Array.from(splits.validation, (row) => patterns[row])
  const able = (pattern: Pattern) => ableStudents(group.specs, pattern)
  const judged = judgedOn(setting, splits.validation, cohortOutputs(group.plan, stage.best, splits.validation))
  const spec = { ...resolved, rules }
  const weighed = yield* ensemblesOf(session, judged, rows, worth, able, stage.losses, spec, random.fork('bagging'))
  if (!rules.includes('stacking')) return { ensembles: weighed, notes: [] }
  const { block, diverged } = yield* stackingFor(setting, group, stage, again)
  const note = 'the meta learner of stacking diverged: lower stacking.rate, or go by another ensemble'
  return { ensembles: { ...weighed, stacking: block }, notes: diverged ? [note] : [] }
}

/** Steps of a meta learner are not among those that progress counts. */
const uncounted = () => undefined

/** The meta learner of a group. A student that cannot speak for a row, or has no finite loss, says 0. */
function* stackingFor<Step>(
  setting: Setting,
  { plan, specs }: Group,
  { best, losses }: StageResult,
  again?: Again<Step>,
): Generator<Step | undefined, MetaFit> {
  const { session, data, splits, head, resolved } = setting
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
  const held = judged(validation, cohortOutputs(plan, best, validation))
  const spec = { ...stacking, batch }
  if (stacking.rows === 'validation')
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
): Model {
  const students = specs.map((spec, i) => ({
    name: names[i],
    spec,
    block: stage.best[i].block,
    loss: stage.losses[i],
    teacher: teachers[i],
  }))
  return { preparations, projections, target, students, ensembles, best: resolved.greedy.best, provenance }
}
