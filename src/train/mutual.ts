import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { cluster } from './cluster.ts'
import { ENOUGH_ROWS } from './problem.ts'
import type { StageResult } from './stage.ts'
import { type Plan, validate } from './step.ts'

/** Who teaches: the students of the best cluster of screening losses, each with the same weight; weights sum to 1. */
export interface Teachers {
  readonly weights: Float32Array
  readonly members: readonly number[]
  /** Clusters found; 1 when there was nothing to tell apart. */
  readonly k: number
}

/**
 * Teachers by adaptive mutual learning: the cluster with the smallest mean validation loss.
 *
 * Degenerate cases: with fewer than three students, or equal losses, all of them teach; a student without a finite loss (it saw
 * no validation row, or diverged) never teaches; a cluster of one is a lone teacher, who learns from labels only.
 */
export function chooseTeachers(session: Session<TrainKernels>, losses: Float64Array): Teachers {
  const able = Array.from(losses.keys()).filter((i) => Number.isFinite(losses[i]))
  const { k, labels } = cluster(
    session,
    Float64Array.from(able, (i) => losses[i]),
  )
  const members = able.filter((_, i) => labels[i] === 0)
  const weights = new Float32Array(losses.length)
  for (const i of members) weights[i] = 1 / members.length
  return { weights, members, k }
}

/**
 * The losses by which screened students are compared: each at its best, on the validation rows that all of them see. A student
 * with a modality that only easy rows have would otherwise look best. Where all see too few rows in common, each is taken on
 * all the rows it sees.
 */
export function screeningLosses(plan: Plan, { best, losses }: StageResult): Float64Array {
  const { problem, states, weights } = plan
  const common = problem.validation.filter((row) => weights.groups.every(({ sees }) => sees[row]))
  if (weights.complete || common.length < ENOUGH_ROWS) return losses
  states.forEach(({ block, size }, i) => {
    problem.session.memory.f32(block, size).set(best[i].block)
  })
  const { task } = validate(plan, common, { rho: 0, teachers: new Float32Array(states.length) })
  return task.map((loss, i) => (Number.isFinite(losses[i]) ? loss : losses[i]))
}
