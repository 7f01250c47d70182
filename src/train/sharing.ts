// Mutual learning: the task loss, and ρ times the mean divergence from the teachers.

import type { Pointer } from '../wasm/memory.ts'
import type { Objective } from './objective.ts'
import { fillShare } from './row-weights.ts'
import { alone, type Plan } from './step.ts'

/**
 * What the sum of the divergences from all teachers j is divided by: the weights of all of them, the student's own among them, as
 * in the authors' code (a teacher of m equals then hears (m - 1) / m of ρ), or the weights of the others.
 */
export const NORMALIZERS = ['all', 'others'] as const
export type Normalizer = (typeof NORMALIZERS)[number]

/** How strongly students are drawn to their teachers, and how much each of those counts (no teachers: all 0). */
export interface Sharing {
  readonly rho: number
  readonly teachers: Float32Array
  /** `all` when left out. */
  readonly normalizer?: Normalizer
}

/**
 * L_i = task + ρ Σ_{j≠i} w_j D(f_i, f_j) / Σ_j w_j, with D the mean squared error, or KL(teacher ‖ student); teachers are
 * constants of the batch. arXiv 2507.20089, by way of the consensus (ARCHITECTURE.md, idea 2).
 * @param base what stands for the task loss
 */
export function mutual(plan: Plan, { rho, teachers, normalizer = 'all' }: Sharing, base: Objective = alone(plan)): Objective {
  if (rho === 0) return base
  const { problem, cohort, weights, outputs, told, share } = plan
  const { session, target } = problem
  const { kernels, memory } = session
  const M = cohort.students.length
  const D = target.outputs
  const classes = target.task === 'classification'
  /** What all who teach a row of the batch weigh together: in f64, so that a teacher's own part can be taken off again. */
  const heard = new Float64Array(cohort.capacity)

  /** Row weights of student i's divergence. */
  function shareOf(i: number, B: number): Pointer {
    const group = weights.groups[weights.of[i]].share
    if (normalizer === 'all' || teachers[i] === 0) return group
    // The consensus is a mean over all who teach a row: what is left of them without i is scaled up to a mean of its own.
    const floats = memory.floats()
    const spoken = share.teachers / 4 + i * B
    for (let b = 0; b < B; b++) {
      const others = heard[b] - floats[spoken + b]
      floats[share.own / 4 + b] = others > 0 ? (floats[group / 4 + b] * heard[b]) / others : 0
    }
    return share.own
  }

  return {
    ...base,
    look(rows) {
      base.look?.(rows)
      const B = rows.length
      const floats = memory.floats()
      heard.fill(0)
      for (let i = 0; i < M; i++) {
        const { sees } = weights.groups[weights.of[i]]
        const spoken = share.teachers / 4 + i * B
        for (let b = 0; b < B; b++) {
          floats[spoken + b] = sees[rows[b]] ? teachers[i] : 0
          heard[b] += floats[spoken + b]
        }
      }
      kernels.consensus(share.consensus, share.taught, told, share.teachers, M, B, D)
      kernels.spread(share.spread, share.consensus, told, share.teachers, classes, M, B, D)
      fillShare(problem, weights, share.taught, B)
    },
    trained(i, B, task) {
      const w = shareOf(i, B)
      const out = outputs + 4 * i * B * D
      // Mean divergence from the teachers = divergence from their consensus + their own spread around it.
      const apart = classes
        ? kernels.crossEntropy(out, share.consensus, w, B, D) + kernels.dot(w, share.spread, B)
        : (kernels.squaredError(out, share.consensus, w, B, D) + kernels.dot(w, share.spread, B)) / D
      return (base.trained?.(i, B, task) ?? task) + rho * apart
    },
    gradient(i, B) {
      base.gradient(i, B)
      const scale = classes ? rho : (2 / D) * rho
      kernels.addGradient(plan.dOut, told + 4 * i * B * D, share.consensus, shareOf(i, B), scale, B, D)
    },
  }
}
