import { ConfigError } from '../core/errors.ts'
import type { Average } from '../fusion/ensemble.ts'
import { trainStage } from './cross-fit.ts'
import { type GreedySpec, greedy, juryOf, part } from './ensembling.ts'
import { judgedRows } from './judged.ts'
import { chooseTeachers, screeningLosses, type TeacherSpec, type Teachers } from './mutual.ts'
import type { Losses } from './objective.ts'
import type { OptimizerSpec } from './optimizer.ts'
import { cohortOutputs } from './outputs.ts'
import { ENOUGH_ROWS } from './problem.ts'
import type { Schedule } from './schedule.ts'
import { mutual, type Normalizer } from './sharing.ts'
import type { BatchDone, Solved, StageResult, Start } from './stage.ts'
import { alone, type Plan } from './step.ts'

/**
 * Where a ρ > 0 starts from:
 * - `none`: the first weights, as screening did
 * - `first`: the first ρ > 0 goes on from the screened students and their optimizer, so it gets twice the epochs, and the others
 *   start from the first weights: the authors' code
 * - `all`: every ρ goes on from the screened students and their optimizer
 * - `weights`: every ρ goes on from the screened students with a fresh optimizer
 */
export const WARM_STARTS = ['none', 'first', 'all', 'weights'] as const
export type WarmStart = (typeof WARM_STARTS)[number]

/** How the students of a run teach each other. `burnIn`: the first epochs of each ρ without sharing. */
export interface Teaching extends TeacherSpec {
  readonly normalizer: Normalizer
  readonly burnIn: number
}

/** How every stage of a run is trained. `order(rho, epoch)` is the order of the training rows, epochs from 0. */
export interface Course {
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerSpec
  readonly schedule?: Schedule
  readonly patience?: number
  readonly order: (rho: number, epoch: number) => Int32Array
}

/**
 * What ρ is chosen by, on validation rows:
 * - `ensemble`: the loss of the greedy ensemble, which is what predicts in the end
 * - `teachers`: the teachers' mean loss, as the authors' code does
 */
export const RHO_CHOICES = ['ensemble', 'teachers'] as const
export type RhoChoice = (typeof RHO_CHOICES)[number]

/** The grid of sharing strengths and how each is trained. */
export interface Grid extends Course {
  readonly rho: readonly number[]
  readonly warmStart: WarmStart
  readonly teaching: Teaching
  readonly chooseRho: RhoChoice
  /** How the ensemble that ρ may be chosen by is selected. */
  readonly greedy: GreedySpec
  readonly average: Average
}

export interface RhoResult {
  readonly stage: StageResult
  /**
   * What ρ is chosen by: the greedy ensemble's validation loss; or the mean best validation task loss of the judges, which are the
   * teachers, or all students where one teaches or all do.
   */
  readonly loss: number
}

/** The cohort at the ρ that suits its teachers best, and the independent cohort (ρ = 0) it is compared with. */
export interface GridResult {
  readonly teachers: Teachers
  readonly results: readonly RhoResult[]
  readonly chosen: RhoResult
  readonly independent: StageResult
}

/** The students before anyone shares, with their losses as the teachers are chosen by. */
export interface Screened {
  readonly stage: StageResult
  readonly losses: Float64Array
}

/** Trains every student for itself. @throws ConfigError when no loss stays finite */
export function* screen(
  plan: Plan,
  starts: readonly Start[],
  course: Course,
  keepMoments = false,
): Generator<BatchDone, Screened> {
  return screened(plan, yield* screening(plan, starts, course, keepMoments))
}

/** The stage of that. Students do not look at each other: it can be trained in parts, unless patience waits for all of them. */
export const screening = (
  plan: Plan,
  starts: readonly Start[],
  course: Course,
  keepMoments: boolean,
): Generator<BatchDone, StageResult> =>
  trainStage(plan, {
    ...course,
    rho: 0,
    scaled: true,
    objective: () => alone(plan),
    starts,
    order: (epoch) => course.order(0, epoch),
    keepMoments,
  })

function screened(plan: Plan, stage: StageResult): Screened {
  if (!stage.losses.some(Number.isFinite)) {
    throw new ConfigError(
      'no student reached a finite validation loss: lower the learning rate, or check the target for extreme values',
    )
  }
  return { stage, losses: screeningLosses(plan, stage) }
}

/** Trains the cohort at one ρ > 0. @param solutions what students that take no steps were solved to, where that is known */
export function* share(
  plan: Plan,
  starts: readonly Start[],
  course: Course,
  rho: number,
  teaching: Teaching,
  { weights }: Teachers,
  solutions?: Solved,
): Generator<BatchDone, StageResult> {
  const { session } = plan.problem
  const { normalizer, burnIn } = teaching
  // What weighs by the loss of an epoch weighs by that of screening in the first.
  const teachersAfter = (last: Losses | undefined) =>
    last && teaching.teachers === 'adaptive' ? chooseTeachers(session, last.task, teaching).weights : weights
  return yield* trainStage(plan, {
    ...course,
    rho,
    solutions,
    scaled: true,
    objective: (epoch, last) =>
      epoch <= burnIn ? alone(plan) : mutual(plan, { rho, teachers: teachersAfter(last), normalizer }),
    starts,
    order: (epoch) => course.order(rho, epoch),
    keepMoments: false,
  })
}

/** A stage at a ρ > 0, as plain data. */
export interface Sharing {
  readonly rho: number
  readonly teachers: Teachers
  /** The first weights when left out. */
  readonly starts?: readonly Start[]
  /** What screening solved. */
  readonly solutions?: Solved
}

/** Who trains the stages of a grid. Those of sharing need nothing of each other, and each is asked for in its turn. */
export interface Trainers<Step> {
  readonly screen: (keepMoments: boolean) => Generator<Step, StageResult>
  readonly share: (stages: readonly Sharing[]) => readonly Generator<Step, StageResult>[]
}

/** One stage after the other. */
export const oneByOne = (plan: Plan, starts: readonly Start[], grid: Grid): Trainers<BatchDone> => ({
  screen: (keepMoments) => screening(plan, starts, grid, keepMoments),
  share: (stages) =>
    stages.map(({ rho, teachers, solutions, ...stage }) =>
      share(plan, stage.starts ?? starts, grid, rho, grid.teaching, teachers, solutions),
    ),
})

/** A grid from start to end. */
export const runGrid = (plan: Plan, starts: readonly Start[], grid: Grid): Generator<BatchDone, GridResult> =>
  gridBy(oneByOne(plan, starts, grid), plan, grid)

/**
 * Adaptive mutual learning: screening at ρ = 0, teachers, then every ρ > 0 with the same batch order; the ρ with the smallest loss
 * that it is chosen by wins, the first of equals. ρ = 0 always takes part.
 */
export function* gridBy<Step>(trainers: Trainers<Step>, plan: Plan, grid: Grid): Generator<Step, GridResult> {
  const { teaching } = grid
  const keepMoments = grid.rho.some((rho) => goesOn(grid, rho) && grid.warmStart !== 'weights')
  const independent = screened(plan, yield* trainers.screen(keepMoments))
  const { stage } = independent
  const teachers = chooseTeachers(plan.problem.session, independent.losses, teaching)
  const rate = rateBy(plan, grid, judgesOf(stage, teachers, teaching))
  const above = grid.rho.filter((rho) => rho > 0)
  const shared = trainers.share(
    above.map((rho) => ({ rho, teachers, starts: startsAt(grid, rho, independent), solutions: stage.solutions })),
  )
  const results: RhoResult[] = []
  for (const rho of grid.rho.includes(0) ? grid.rho : [0, ...grid.rho]) {
    results.push(rate(rho === 0 ? stage : yield* shared[above.indexOf(rho)]))
  }
  const chosen = results.reduce((best, next) => (next.loss < best.loss ? next : best))
  return { teachers, results, chosen, independent: stage }
}

/**
 * The cohort trained anew as it was at one ρ of a grid, with the same teachers: on other rows, if the grid's order names others.
 * Where that ρ goes on from screening, so does this, from a screening of its own.
 */
export function* trainAgain(
  plan: Plan,
  starts: readonly Start[],
  grid: Grid,
  rho: number,
  teachers: Teachers,
): Generator<BatchDone, StageResult> {
  if (rho > 0 && !goesOn(grid, rho)) return yield* share(plan, starts, grid, rho, grid.teaching, teachers)
  const before = yield* screen(plan, starts, grid, rho > 0 && grid.warmStart !== 'weights')
  if (rho === 0) return before.stage
  return yield* share(plan, startsAt(grid, rho, before) ?? starts, grid, rho, grid.teaching, teachers)
}

/** What a fold of the training rows is to be judged by: the cohort as it was at a ρ, without those rows. Plain data. */
export interface Fold {
  readonly rho: number
  readonly teachers: Teachers
  readonly rows: Int32Array
}

/** Outputs (M, rows, D) on the rows of a fold by students that were trained without them. */
export function* foldOutputs(plan: Plan, starts: readonly Start[], grid: Grid, fold: Fold): Generator<BatchDone, Float32Array> {
  const { rho, teachers, rows } = fold
  const left = new Set(rows)
  const others = (all: Int32Array) => all.filter((row) => !left.has(row))
  const part: Grid = { ...grid, order: (at, epoch) => others(grid.order(at, epoch)) }
  const problem = { ...plan.problem, train: others(plan.problem.train) }
  const { best } = yield* trainAgain({ ...plan, problem }, starts, part, rho, teachers)
  return cohortOutputs(plan, best, rows)
}

/** How many stages `trainAgain` takes at a ρ. */
export const stagesAgain = (grid: Pick<Grid, 'rho' | 'warmStart'>, rho: number): number => (goesOn(grid, rho) ? 2 : 1)

/** Whether a ρ goes on from the screened students. */
const goesOn = ({ rho: all, warmStart }: Pick<Grid, 'rho' | 'warmStart'>, rho: number): boolean =>
  rho > 0 && (warmStart === 'first' ? rho === all.find((r) => r > 0) : warmStart !== 'none')

/** What a ρ goes on from; undefined for the first weights. */
function startsAt(grid: Grid, rho: number, { stage }: Screened): readonly Start[] | undefined {
  if (!goesOn(grid, rho)) return undefined
  return grid.warmStart === 'weights' ? stage.best.map(({ block }) => ({ block })) : stage.best
}

/**
 * The students by whose mean loss a ρ is chosen: the teachers. A lone teacher has nobody to learn from, so its own loss is the
 * same at every ρ; then, and where the teachers are not the best, all students judge.
 */
export function judgesOf({ losses }: StageResult, { members }: Teachers, { teachers }: Teaching): readonly number[] {
  if (members.length > 1 && teachers !== 'worst-cluster') return members
  return Array.from(losses.keys()).filter((i) => Number.isFinite(losses[i]))
}

/** How a stage is rated. The ensemble is judged on validation rows that all students see; where those are few, the judges decide. */
function rateBy(plan: Plan, grid: Grid, judges: readonly number[]): (stage: StageResult) => RhoResult {
  const { validation, sees } = plan.problem
  const common = validation.filter((row) => sees.every((mine) => mine[row]))
  if (grid.chooseRho === 'ensemble' && common.length >= ENOUGH_ROWS)
    return (stage) => ({ stage, loss: ensembleLoss(plan, grid, stage, common) })
  return (stage) => ({ stage, loss: judges.reduce((sum, i) => sum + stage.losses[i], 0) / judges.length })
}

/** The loss of the greedy ensemble of a stage on rows that all students see. */
function ensembleLoss(plan: Plan, { greedy: spec, average }: Grid, stage: StageResult, rows: Int32Array): number {
  const { session } = plan.problem
  const members = Array.from(stage.losses.keys()).filter((i) => Number.isFinite(stage.losses[i]))
  // Where all diverged there is no ensemble.
  if (members.length === 0) return Number.POSITIVE_INFINITY
  const jury = juryOf(session, part(judgedRows(plan, stage, rows), members, [...rows.keys()]), { average })
  const { trace } = greedy(jury, { ...spec, metric: 'loss' })
  jury.close()
  return trace[trace.length - 1]
}
