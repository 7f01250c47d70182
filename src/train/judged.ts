// What a stage is judged by: what its students say of rows that they have not learned from, and what those rows are.

import type { Judged } from './ensembling.ts'
import { targetOf } from './frame.ts'
import { judgedOutputs } from './outputs.ts'
import type { StageResult } from './stage.ts'
import type { Plan } from './step.ts'

export const judgedRows = (plan: Plan, stage: StageResult, rows: Int32Array): Judged => {
  const { outputs: width, weights } = plan.problem.target
  return {
    outputs: judgedOutputs(plan, stage, rows),
    students: plan.states.length,
    target: knownTarget(plan, rows),
    width,
    weights: weights && Array.from(rows, (row) => weights[row]),
  }
}

/** The target of rows, out of the session: labels (rows), or values (rows, outputs). */
export function knownTarget({ problem: { session, target } }: Plan, rows: Int32Array): Int32Array | Float32Array {
  const { memory } = session
  const count = rows.reduce((most, row) => Math.max(most, row), -1) + 1
  const all = target.task === 'classification' ? memory.i32(target.at, count) : memory.f32(target.at, count * target.outputs)
  return targetOf(all.slice(), rows, target.outputs)
}
