import { chooseRows, runCohort } from '../fusion/cohort.ts'
import type { Source, Student } from '../fusion/student.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { StageResult, Start } from './stage.ts'
import type { Plan } from './step.ts'

/** Outputs (M, rows, outputs) of the cohort with the given blocks: logits, or what a regression says. */
export function cohortOutputs(plan: Plan, blocks: readonly Start[], rows: Int32Array): Float32Array {
  plan.states.forEach((state, i) => {
    plan.problem.session.memory.f32(state.block, state.size).set(blocks[i].block)
  })
  return outputsNow(plan, rows)
}

/** The same of the cohort as it stands in memory. */
export function outputsNow({ problem, cohort, states, outputs }: Plan, rows: Int32Array): Float32Array {
  const { session, target } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const M = states.length
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

/** The same of a stage, on rows it may be judged by: where it was cross-fitted, what copies said that had not seen the row. */
export function judgedOutputs(
  plan: Plan,
  { best, outOfFold }: Pick<StageResult, 'best' | 'outOfFold'>,
  rows: Int32Array,
): Float32Array {
  if (!outOfFold) return cohortOutputs(plan, best, rows)
  const { train, target } = plan.problem
  const D = target.outputs
  const place = new Map(Array.from(train, (row, at) => [row, at]))
  const all = new Float32Array(plan.states.length * rows.length * D)
  for (let i = 0; i < plan.states.length; i++) {
    rows.forEach((row, b) => {
      const from = (i * train.length + (place.get(row) as number)) * D
      all.set(outOfFold.subarray(from, from + D), (i * rows.length + b) * D)
    })
  }
  return all
}

/** x (B, inputs) = what the head of a student without encoders reads of the rows that `index` (B) i32 chooses. */
export function gatherStudent(
  kernels: TrainKernels,
  { ports, head }: Student,
  sources: ReadonlyMap<string, Source>,
  x: Pointer,
  index: Pointer,
  B: number,
): void {
  const ld = head.widths[0]
  for (const { source, offset, width } of ports) {
    const from = sources.get(source) as Source
    kernels.gatherRows(x + 4 * offset, from.at, index, B, width, ld, from.width)
  }
}
