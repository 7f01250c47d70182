import { ConfigError } from '../core/errors.ts'
import { chooseTeachers, screeningLosses, type Teachers } from './mutual.ts'
import type { OptimizerSpec } from './optimizer.ts'
import { type BatchDone, runStage, type StageResult, type Start } from './stage.ts'
import type { Plan } from './step.ts'

/**
 * The grid of sharing strengths and how each is trained. `order(rho, epoch)` is the order of the training rows.
 * `warmStart`: the first ρ > 0 goes on from the screened students and their optimizer instead of starting over, as the authors'
 * code does (so it gets twice the epochs).
 */
export interface Grid {
  readonly rho: readonly number[]
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerSpec
  readonly warmStart: boolean
  readonly order: (rho: number, epoch: number) => Int32Array
}

export interface RhoResult {
  readonly stage: StageResult
  /** Mean best validation task loss of the teachers; of all students where there is one teacher. */
  readonly loss: number
}

/** The cohort at the ρ that suits its teachers best, and the independent cohort (ρ = 0) it is compared with. */
export interface GridResult {
  readonly teachers: Teachers
  readonly results: readonly RhoResult[]
  readonly chosen: RhoResult
  readonly independent: StageResult
}

/**
 * Adaptive mutual learning: screening at ρ = 0, teachers, then every ρ > 0 from the same first weights and batch order; the ρ
 * with the smallest mean loss of the teachers (of all students, where one teaches) wins, the first of equals. ρ = 0 always takes part.
 */
export function* runGrid(plan: Plan, starts: readonly Start[], grid: Grid): Generator<BatchDone, GridResult> {
  const { epochs, batch, optimizer } = grid
  const sharing = grid.rho.filter((rho) => rho > 0)
  const M = plan.states.length
  let teachers: Teachers = { weights: new Float32Array(M), members: [], k: 0 }
  const train = (rho: number, from: readonly Start[], keepMoments: boolean) =>
    runStage(plan, {
      sharing: { rho, teachers: teachers.weights },
      epochs,
      batch,
      optimizer,
      starts: from,
      order: (epoch) => grid.order(rho, epoch),
      keepMoments,
    })

  const independent = yield* train(0, starts, grid.warmStart && sharing.length > 0)
  if (!independent.losses.some(Number.isFinite)) {
    throw new ConfigError(
      'no student reached a finite validation loss: lower the learning rate, or check the target for extreme values',
    )
  }
  teachers = chooseTeachers(plan.problem.session, screeningLosses(plan, independent))
  // A lone teacher has nobody to learn from, so its own loss is the same at every ρ: then all students judge.
  const able = Array.from(independent.losses.keys()).filter((i) => Number.isFinite(independent.losses[i]))
  const judges = teachers.members.length > 1 ? teachers.members : able
  const rate = (stage: StageResult): RhoResult => ({
    stage,
    loss: judges.reduce((sum, i) => sum + stage.losses[i], 0) / judges.length,
  })
  const results: RhoResult[] = []
  let first = true
  for (const rho of grid.rho.includes(0) ? grid.rho : [0, ...grid.rho]) {
    if (rho === 0) {
      results.push(rate(independent))
      continue
    }
    results.push(rate(yield* train(rho, first && grid.warmStart ? independent.best : starts, false)))
    first = false
  }
  const chosen = results.reduce((best, next) => (next.loss < best.loss ? next : best))
  return { teachers, results, chosen, independent }
}
