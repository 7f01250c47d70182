import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { cluster } from './cluster.ts'

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
