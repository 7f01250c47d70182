// Students of a plan that take no steps, solved: the penalty of each is the one whose loss on rows it has not seen is the smallest.

import { kindOf } from '../nn/dense.ts'
import type { Memory } from '../wasm/memory.ts'
import { gatherStudent } from './outputs.ts'
import { type FittedRows, type Norm, pathBytes, penalisedPath, penaltiesOf } from './penalised.ts'
import type { Problem } from './problem.ts'
import type { Solved, Start } from './stage.ts'
import type { Plan } from './step.ts'

/** Rows to fit on, and rows to judge by. */
export interface Part {
  readonly train: Int32Array
  readonly held: Int32Array
}

/**
 * Solves the students of a plan that take no steps.
 * @param starts what all students begin with
 * @param parts each penalty is judged by the mean loss over the held rows of all parts
 * @param last the rows of the last fit; the first part's block is taken where it has the same
 * @yields often
 */
export function* solve(plan: Plan, starts: readonly Start[], parts: readonly Part[], last: Int32Array): Generator<void, Solved> {
  const none = (): (Start | undefined)[] => starts.map(() => undefined)
  const solved = parts.map(none)
  const whole = none()
  for (const [i, solver] of (plan.problem.solved ?? []).entries()) {
    if (!solver) continue
    const norm: Norm = solver === 'lasso' ? 'sizes' : 'squares'
    // A hidden layer that stays as it was drawn, its values about 1 where features are.
    const before = hiddenOf(plan, i, starts[i].block)
    const sums = new Float64Array(penaltiesOf(norm, plan.problem.target.task).length)
    const paths: Float32Array[][] = []
    for (const { train, held } of parts) {
      const { path, losses } = yield* judgedPath(plan, i, before, train, held, norm)
      paths.push(path)
      for (let l = 0; l < sums.length; l++) sums[l] += losses[l] ?? Number.POSITIVE_INFINITY
    }
    const chosen = sums.reduce((best, loss, l) => (loss < sums[best] ? l : best), 0)
    const blockOf = (path: readonly Float32Array[]): Start => {
      const last = path[Math.min(chosen, path.length - 1)]
      const block = new Float32Array(before.length + last.length)
      block.set(before)
      block.set(last, before.length)
      return { block }
    }
    paths.forEach((path, p) => {
      solved[p][i] = blockOf(path)
    })
    whole[i] =
      parts.length === 1 && last === parts[0].train
        ? solved[0][i]
        : blockOf(yield* fitted(plan, i, before, last, norm, chosen + 1))
  }
  return { parts: solved, whole }
}

/** Takes, in a memory that is only counted, what solving any one student takes at its most, and gives it back. */
export function countSolving(memory: Memory, { students, sees, solved, target, train, validation, folds }: Problem): void {
  const { task, outputs: D } = target
  const parts = folds ?? [validation]
  students.forEach(({ head: { widths } }, i) => {
    if (!solved?.[i]) return
    const H = widths.length > 2 ? widths[1] : 0
    const seen = (rows: Int32Array) => rows.reduce((sum, row) => sum + sees[i][row], 0)
    const take = (B: number) => {
      for (const size of [
        B,
        B * widths[0],
        ...(H > 0 ? [(widths[0] + 1) * H, B * H] : []),
        B * (task === 'classification' ? 1 : D),
        B,
      ])
        memory.alloc(4 * size)
    }
    for (const held of parts) {
      const mark = memory.mark()
      const B = folds ? seen(train) - seen(held) : seen(train)
      take(seen(held))
      memory.alloc(4 * seen(held) * D)
      memory.alloc(4 * ((H || widths[0]) + 1) * D)
      take(B)
      memory.alloc(pathBytes(B, H || widths[0], D, task))
      memory.release(mark)
    }
    const mark = memory.mark()
    take(seen(train))
    memory.alloc(pathBytes(seen(train), H || widths[0], D, task))
    memory.release(mark)
  })
}

/** The parameters of a student's hidden layer, drawn as those of every student and made as large as keeps its values like its features. */
function hiddenOf({ problem: { students } }: Plan, i: number, block: Float32Array): Float32Array {
  const { widths } = students[i].head
  const size = widths.length > 2 ? (widths[0] + 1) * widths[1] : 0
  return block.subarray(0, size).map((v) => v * SPREAD)
}

/** First weights have the variance 1 / (3 inputs): of 2 / inputs the mean square behind a rectifier is that before it (He et al., 2015). */
const SPREAD = Math.sqrt(6)

/** A student's rows out of some: its features, what they should give, and what they count. Nothing is released. */
function rowsFor({ problem }: Plan, i: number, before: Float32Array, among: Int32Array): FittedRows & { readonly sum: number } {
  const { session, students, sees, target, sources } = problem
  const { memory, kernels } = session
  const rows = among.filter((row) => sees[i][row])
  const B = rows.length
  const index = memory.put(rows)
  const [inputs, H] = students[i].head.widths
  const x = memory.alloc(4 * B * inputs)
  gatherStudent(kernels, students[i], sources, x, index, B)
  let features = { x, width: inputs }
  if (before.length > 0) {
    const layer = memory.put(before)
    features = { x: memory.alloc(4 * B * H), width: H }
    kernels.gemmNT(features.x, x, layer, B, H, inputs, H, inputs, inputs, false)
    kernels.biasActivation(features.x, layer + 4 * inputs * H, B, H, H, kindOf(students[i].head.activation))
  }
  const D = target.task === 'classification' ? 1 : target.outputs
  const wanted = memory.alloc(4 * B * D)
  kernels.gatherRows(wanted, target.at, index, B, D, D, D)
  const weigh = (row: number) => target.weights?.[row] ?? 1
  const sum = rows.reduce((total, row) => total + weigh(row), 0)
  const weights = memory.put(Float32Array.from(rows, (row) => weigh(row) / sum))
  return { ...features, rows: B, task: target.task, target: wanted, outputs: target.outputs, weights, sum }
}

function* fitted(
  plan: Plan,
  i: number,
  before: Float32Array,
  rows: Int32Array,
  norm: Norm,
  count: number,
): Generator<void, Float32Array[]> {
  const { session } = plan.problem
  const mark = session.memory.mark()
  let found = 0
  const path = yield* penalisedPath(session, rowsFor(plan, i, before, rows), norm, () => ++found < count)
  session.memory.release(mark)
  return path
}

/** How much larger than the smallest loss so far one may be before the path is left: it has turned, and weaker penalties take longest. */
const TURNED = 1.5
/** Fewer held rows than this cannot tell: by chance one of them may be told worse and worse. */
const JUDGES = 20

/** A path fitted on some rows, and the summed task loss of each of its blocks on others, as far as it was worth going. */
function* judgedPath(
  plan: Plan,
  i: number,
  before: Float32Array,
  rows: Int32Array,
  held: Int32Array,
  norm: Norm,
): Generator<void, { path: Float32Array[]; losses: number[] }> {
  const { kernels, memory } = plan.problem.session
  const mark = memory.mark()
  const { x, rows: B, width, task, target, outputs: D, weights, sum } = rowsFor(plan, i, before, held)
  const out = memory.alloc(4 * B * D)
  const block = memory.alloc(4 * (width + 1) * D)
  const losses: number[] = []
  const more = (values: Float32Array): boolean => {
    memory.f32(block, values.length).set(values)
    kernels.gemmNT(out, x, block, B, D, width, D, width, width, false)
    kernels.biasActivation(out, block + 4 * width * D, B, D, D, 0)
    const mean =
      B === 0
        ? 0
        : task === 'classification'
          ? kernels.crossEntropyLabels(out, target, weights, B, D)
          : kernels.squaredError(out, target, weights, B, D) / D
    losses.push(mean * sum)
    return B < JUDGES || mean * sum <= TURNED * Math.min(...losses)
  }
  const path = yield* penalisedPath(plan.problem.session, rowsFor(plan, i, before, rows), norm, more)
  memory.release(mark)
  return { path, losses }
}
