import { chooseRows, runCohort } from '../fusion/cohort.ts'
import type { Start } from './stage.ts'
import type { Plan } from './step.ts'

/** Outputs (M, rows, outputs) of the cohort with the given blocks: logits, or what a regression says. */
export function cohortOutputs(plan: Plan, blocks: readonly Start[], rows: Int32Array): Float32Array {
  const { problem, cohort, states, outputs } = plan
  const { session, target } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const M = states.length
  states.forEach((state, i) => {
    memory.f32(state.block, state.size).set(blocks[i].block)
  })
  const all = new Float32Array(M * rows.length * D)
  for (let at = 0; at < rows.length; at += cohort.capacity) {
    const chunk = rows.subarray(at, at + cohort.capacity)
    const B = chunk.length
    chooseRows(session, cohort, chunk)
    runCohort(kernels, outputs, cohort, B)
    for (let i = 0; i < M; i++) all.set(memory.f32(outputs + 4 * i * B * D, B * D), (i * rows.length + at) * D)
  }
  return all
}
