// What every baseline is given, and what it leaves: models like any other, by the names they have in the table.

import type { Dataset, Inputs } from '../data/dataset.ts'
import { builtRules, type Rule } from '../fusion/ensemble.ts'
import type { Model, Provenance } from '../fusion/model.ts'
import type { StudentSpec } from '../fusion/student.ts'
import { trainStage } from '../train/cross-fit.ts'
import { ensemblesFor, modelOf, tempered } from '../train/model.ts'
import { batchOrder, type Group, groupOf, type Premises, type Setting } from '../train/setting.ts'
import type { BatchDone, Stage, StageResult } from '../train/stage.ts'
import { alone, load, validate } from '../train/step.ts'

/** What everyone is trained on, and Meta Fusion's cohort. */
export interface Ground {
  readonly setting: Premises
  readonly cohort: readonly StudentSpec[]
}

/** The run that the baselines are part of. */
export interface Arena extends Ground {
  readonly setting: Setting
  /** The compiled train.wasm. */
  readonly module: WebAssembly.Module
  /** What screening left of the cohort. */
  readonly screened: StageResult
  /** At ρ = 0. */
  readonly provenance: Provenance
  /** What several baselines share is trained once. */
  readonly kept: Map<string, Model>
}

/** A model to compare with, and the rule it predicts by. */
export interface Rival {
  readonly name: string
  readonly model: Model
  readonly rule: Rule
  /** What it predicts from, where that is not the data set itself. */
  readonly inputs?: Inputs
}

/** Yields after every batch, and undefined between pieces of other work. */
export type Contest<Result = readonly Rival[]> = Generator<BatchDone | undefined, Result>

export interface Baseline {
  /** Trained where `baselines` is true. */
  readonly usual?: true
  /** Needs validation rows of its own: it cannot be cross-fitted. */
  readonly validates?: true
  /** Why there is none for this data set and these ρ; undefined when there is. */
  readonly refusal?: (data: Dataset, rho: readonly number[]) => string | undefined
  /** The students it trains, each as often as it does. Baselines that share a training share this function. */
  readonly trains: (ground: Ground) => readonly StudentSpec[]
  readonly train: (arena: Arena) => Contest
}

export const notForClasses = ({ target }: Dataset): string | undefined =>
  target.task === 'regression' ? undefined : 'is for a regression'

/** The students of a cohort that take steps: what methods that train them all together are about. */
export const trainees = (cohort: readonly StudentSpec[]): StudentSpec[] => cohort.filter(({ solved }) => !solved)

/** Rivals of the students that take steps, trained together. Where anybody learns, some of those do. */
export const amongTrainees = (arena: Arena, work: (group: Group) => Contest): Contest =>
  inRoom(arena, trainees(arena.cohort), work)

/** Students in memory for as long as the work takes. */
export function* inRoom<Result>(
  { setting }: Arena,
  specs: readonly StudentSpec[],
  work: (group: Group) => Contest<Result>,
): Contest<Result> {
  const { memory } = setting.session
  const mark = memory.mark()
  const result = yield* work(groupOf(setting, specs))
  memory.release(mark)
  return result
}

/** Trains a group from its first weights, on the rows, in the order and for the epochs that everything else is. */
export const trainGroup = (
  { setting }: Arena,
  { plan, starts }: Group,
  objective: Stage['objective'],
  given: Partial<Stage> = {},
): Generator<BatchDone, StageResult> => {
  const { epochs, batch, optimizer, schedule, patience } = setting.resolved
  const order = batchOrder(setting)
  const like = { epochs, batch, optimizer, schedule, patience, starts, order }
  return trainStage(plan, { rho: 0, objective, keepMoments: false, ...like, ...given })
}

/** A cohort as a training left it, combined by every rule: `name-greedy` and so on. */
export function* cohortRivals(
  { setting, provenance }: Arena,
  name: string,
  group: Group,
  stage: StageResult,
  more: { readonly teachers?: Float32Array; readonly rhoLosses?: Provenance['rhoLosses'] } = {},
): Contest {
  // A rival is not trained again for rows left out.
  const { ensembles: asked, stacking } = setting.resolved
  const rules = asked.filter((rule) => rule !== 'stacking' || stacking.rows !== 'out-of-fold')
  const { ensembles: combined, notes } = yield* ensemblesFor(setting, group, stage, rules)
  const said = [...provenance.notes, ...notes]
  const origin = { ...provenance, rho: stage.rho, rhoLosses: more.rhoLosses ?? [], notes: said }
  const { stage: sure, ensembles } = tempered(setting, group, stage, combined, builtRules(combined)[0])
  const model = modelOf(setting, group, sure, ensembles, origin, more.teachers)
  return builtRules(ensembles).map((rule) => ({ name: `${name}-${rule}`, model, rule }))
}

/** Of trainings in which all students were judged together, the one with the smallest loss, the first of equals; and the loss at each ρ. */
export function bestOf(results: readonly StageResult[]): { chosen: StageResult; rhoLosses: Provenance['rhoLosses'] } {
  const chosen = results.reduce((best, next) => (next.losses[0] < best.losses[0] ? next : best))
  return { chosen, rhoLosses: results.map(({ rho, losses }) => ({ rho, loss: losses[0] })) }
}

/** A stage whose students were judged together, each with the loss it has alone; ∞ for all where what they did together diverged. */
export function eachAlone({ plan }: Group, stage: StageResult): StageResult {
  load(
    plan,
    stage.best.map(({ block }) => block),
  )
  const { task } = validate(plan, plan.problem.validation, alone(plan))
  return {
    ...stage,
    losses: task.map((loss, i) => (stage.losses[i] < Number.POSITIVE_INFINITY ? loss : Number.POSITIVE_INFINITY)),
  }
}
