// Who teaches, and how much each teacher counts.

import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { type ClusterCount, cluster } from './cluster.ts'
import { juryOf } from './ensembling.ts'
import { judgedRows } from './judged.ts'
import { ENOUGH_ROWS } from './problem.ts'
import type { StageResult } from './stage.ts'
import { alone, load, type Plan, validate } from './step.ts'

/**
 * - `cluster`: the students of the best cluster of screening losses, alike: adaptive mutual learning
 * - `best`: the best of them alone
 * - `uniform`: everyone, alike
 * - `inverse-loss`: everyone, by 1 / screening loss
 * - `adaptive`: everyone, by 1 / validation loss on the rows that each sees, anew in each epoch; in the first by 1 / screening loss
 * - `worst-cluster`: those of the worst cluster, alike: shows the harm of bad teachers
 */
export const TEACHERS = ['cluster', 'best', 'uniform', 'inverse-loss', 'adaptive', 'worst-cluster'] as const

/** How teachers are found. `scale` is the power of the inverse loss, a multiple of 0.5. */
export interface TeacherSpec {
  readonly teachers: (typeof TEACHERS)[number]
  readonly clusters: ClusterCount
  readonly scale: number
}

export const BY_CLUSTER: TeacherSpec = { teachers: 'cluster', clusters: 'silhouette', scale: 1 }

/** Who teaches: weights sum to 1. */
export interface Teachers {
  readonly weights: Float32Array
  readonly members: readonly number[]
  /** Clusters found; 1 when there was nothing to tell apart, 0 when none were asked for. */
  readonly k: number
}

/**
 * Teachers by the losses of screened students.
 *
 * Degenerate cases: with fewer than three students, or equal losses, all of them teach; a student without a finite loss (it saw
 * no validation row, or diverged) never teaches; a cluster of one is a lone teacher, who learns from labels only.
 */
export function chooseTeachers(session: Session<TrainKernels>, losses: Float64Array, spec: TeacherSpec = BY_CLUSTER): Teachers {
  const able = Array.from(losses.keys()).filter((i) => Number.isFinite(losses[i]))
  const finite = Float64Array.from(able, (i) => losses[i])
  switch (spec.teachers) {
    case 'cluster':
    case 'worst-cluster': {
      const { k, labels } = cluster(session, finite, spec.clusters)
      const chosen = spec.teachers === 'cluster' ? 0 : k - 1
      return {
        ...alike(
          losses,
          able.filter((_, i) => labels[i] === chosen),
        ),
        k,
      }
    }
    case 'best':
      return {
        ...alike(
          losses,
          able.filter((_, i) => i === finite.indexOf(Math.min(...finite))),
        ),
        k: 0,
      }
    case 'uniform':
      return { ...alike(losses, able), k: 0 }
    default:
      return { weights: inversePowers(losses, able, spec.scale), members: able, k: 0 }
  }
}

function alike(losses: Float64Array, members: readonly number[]): Omit<Teachers, 'k'> {
  const weights = new Float32Array(losses.length)
  for (const i of members) weights[i] = 1 / members.length
  return { weights, members }
}

/** Weights ∝ 1 / lossˢᶜᵃˡᵉ of the members, 0 for the others. A loss of 0 counts as 1e-12. Exact operations: no host's `pow`. */
function inversePowers(losses: Float64Array, members: readonly number[], scale: number): Float32Array {
  const inverse = members.map((i) => {
    const loss = Math.max(losses[i], 1e-12)
    let power = scale % 1 === 0 ? 1 : Math.sqrt(loss)
    for (let times = Math.floor(scale); times > 0; times--) power *= loss
    return 1 / power
  })
  const sum = inverse.reduce((total, v) => total + v, 0)
  const weights = new Float32Array(losses.length)
  members.forEach((student, i) => {
    weights[student] = inverse[i] / sum
  })
  return weights
}

/**
 * The losses by which screened students are compared: each at its best, on the validation rows that all of them see. A student
 * with a modality that only easy rows have would otherwise look best. Where all see too few rows in common, each is taken on
 * all the rows it sees.
 */
export function screeningLosses(plan: Plan, stage: StageResult): Float64Array {
  const { best, losses, outOfFold } = stage
  const { problem, weights } = plan
  const common = problem.validation.filter((row) => weights.groups.every(({ sees }) => sees[row]))
  if (weights.complete || common.length < ENOUGH_ROWS) return losses
  if (outOfFold) {
    const jury = juryOf(problem.session, judgedRows(plan, stage, common))
    jury.close()
    return jury.losses.map((loss, i) => (Number.isFinite(losses[i]) ? loss : losses[i]))
  }
  load(
    plan,
    best.map(({ block }) => block),
  )
  const { task } = validate(plan, common, alone(plan))
  return task.map((loss, i) => (Number.isFinite(losses[i]) ? loss : losses[i]))
}
