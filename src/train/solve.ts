// Linear students of a plan, solved: the penalty of each is the one whose loss on rows it has not seen is the smallest.

import { gatherStudent } from './outputs.ts'
import { PENALTIES, type RidgeRows, ridgePath } from './ridge.ts'
import type { Start } from './stage.ts'
import type { Plan } from './step.ts'

/** Rows to fit on, and rows to judge by. */
export interface Part {
  readonly train: Int32Array
  readonly held: Int32Array
}

/** The first blocks of a plan, those of its linear students solved: fitted on each part, and on all training rows. */
export interface Solved {
  readonly parts: readonly (readonly Start[])[]
  readonly whole: readonly Start[]
}

/**
 * Solves the linear students of a plan.
 * @param starts what all students begin with
 * @param parts each penalty is judged by the mean loss over the held rows of all parts
 * @param last the rows of the last fit; the first part's block is taken where it has the same
 * @yields often
 */
export function* solve(plan: Plan, starts: readonly Start[], parts: readonly Part[], last: Int32Array): Generator<void, Solved> {
  const solved = parts.map(() => [...starts])
  const whole = [...starts]
  for (const [i, is] of (plan.problem.solved ?? []).entries()) {
    if (!is) continue
    const sums = new Float64Array(PENALTIES.length)
    const paths: Float32Array[][] = []
    for (const { train, held } of parts) {
      const path = yield* fitted(plan, i, train, PENALTIES)
      paths.push(path)
      lossesOn(plan, i, held, path).forEach((loss, l) => {
        sums[l] += loss
      })
      yield
    }
    const chosen = sums.reduce((best, loss, l) => (loss < sums[best] ? l : best), 0)
    paths.forEach((path, p) => {
      solved[p][i] = { block: path[chosen] }
    })
    whole[i] =
      parts.length === 1 && last === parts[0].train
        ? solved[0][i]
        : { block: (yield* fitted(plan, i, last, PENALTIES.slice(0, chosen + 1)))[chosen] }
  }
  return { parts: solved, whole }
}

/** A student's rows out of some: its features, what they should give, and what they count. Nothing is released. */
function rowsFor({ problem }: Plan, i: number, among: Int32Array): RidgeRows & { readonly sum: number } {
  const { session, students, sees, target, sources } = problem
  const { memory, kernels } = session
  const rows = among.filter((row) => sees[i][row])
  const B = rows.length
  const index = memory.put(rows)
  const width = students[i].head.widths[0]
  const x = memory.alloc(4 * B * width)
  gatherStudent(kernels, students[i], sources, x, index, B)
  const D = target.task === 'classification' ? 1 : target.outputs
  const wanted = memory.alloc(4 * B * D)
  kernels.gatherRows(wanted, target.at, index, B, D, D, D)
  const weigh = (row: number) => target.weights?.[row] ?? 1
  const sum = rows.reduce((total, row) => total + weigh(row), 0)
  const weights = memory.put(Float32Array.from(rows, (row) => weigh(row) / sum))
  return { x, rows: B, width, task: target.task, target: wanted, outputs: target.outputs, weights, sum }
}

function* fitted(plan: Plan, i: number, rows: Int32Array, penalties: readonly number[]): Generator<void, Float32Array[]> {
  const { session } = plan.problem
  const mark = session.memory.mark()
  const path = yield* ridgePath(session, rowsFor(plan, i, rows), penalties)
  session.memory.release(mark)
  return path
}

/** The summed task loss of each block on the rows that the student sees. */
function lossesOn(plan: Plan, i: number, rows: Int32Array, blocks: readonly Float32Array[]): number[] {
  const { kernels, memory } = plan.problem.session
  const mark = memory.mark()
  const { x, rows: B, width, task, target, outputs: D, weights, sum } = rowsFor(plan, i, rows)
  const out = memory.alloc(4 * B * D)
  const block = memory.alloc(4 * (width + 1) * D)
  const losses = blocks.map((values) => {
    memory.f32(block, values.length).set(values)
    kernels.gemmNT(out, x, block, B, D, width, D, width, width, false)
    kernels.biasActivation(out, block + 4 * width * D, B, D, D, 0)
    if (B === 0) return 0
    const mean =
      task === 'classification'
        ? kernels.crossEntropyLabels(out, target, weights, B, D)
        : kernels.squaredError(out, target, weights, B, D) / D
    return mean * sum
  })
  memory.release(mark)
  return losses
}
