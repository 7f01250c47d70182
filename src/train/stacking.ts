// The meta learner of stacking, trained as any student is: its modality is what the cohort says.

import { metaLearner, runMeta, sideBySide } from '../fusion/stacking.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Random } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'
import type { Judged } from './ensembling.ts'
import { firstBlocks } from './init.ts'
import { ADAM } from './optimizer.ts'
import type { Problem, TargetRows } from './problem.ts'
import { type BatchDone, runStage, type StageResult } from './stage.ts'
import { alone, capacityFor, type Plan, planOf } from './step.ts'

/**
 * Rows that a meta learner is fitted on:
 * - `train`: the students' outputs on their own training rows, which they have fitted closer than any other: the authors' code
 * - `validation`: their outputs on validation rows; the number of epochs by cross-validation among those
 * - `out-of-fold`: every training row by students that were trained without its fold; costs `folds` trainings of the cohort. What is
 *   fitted before the students (PCA, networks that are cut) has seen all training rows.
 * With `train` and `out-of-fold` the epoch is chosen on validation rows.
 */
export const STACKING_ROWS = ['train', 'validation', 'out-of-fold'] as const

/** How a meta learner is trained, with Adam: `rate` per step, `decay` as L2 in the gradient. */
export interface StackingSpec {
  readonly rows: (typeof STACKING_ROWS)[number]
  readonly epochs: number
  readonly rate: number
  readonly decay: number
  readonly folds: number
}

export type MetaCourse = Pick<StackingSpec, 'epochs' | 'rate' | 'decay'> & {
  readonly batch: number
  /** First parameters, and the order of the rows fitted on in an epoch, from 0. */
  readonly start: Float32Array
  readonly order: (epoch: number) => Int32Array
}

/**
 * Trains a meta learner on the rows that `order` names.
 * @param rows what M students say of rows, 0 where one says nothing, and what they should say
 * @param choose rows by whose loss the epoch is chosen; the last epoch where there are none
 * @yields after each batch
 */
export function* trainMeta(
  session: Session<TrainKernels>,
  rows: Judged,
  choose: Int32Array,
  { epochs, batch, rate, decay, start, order }: MetaCourse,
): Generator<BatchDone, StageResult> {
  const { memory } = session
  const { outputs, students, target, width, weights } = rows
  const everyone = Array.from({ length: students }, (_, i) => i)
  const count = outputs.length / students / width
  const mark = memory.mark()
  const said = memory.put(sideBySide(outputs, everyone, students, width))
  const wanted: TargetRows = {
    task: target instanceof Int32Array ? 'classification' : 'regression',
    at: memory.put(target),
    outputs: width,
    weights: weights && Float64Array.from(weights),
  }
  const problem = metaProblem(session, students, said, wanted, count)
  const plan = metaPlan({ ...problem, train: order(0), validation: choose }, batch)
  const result = yield* runStage(plan, {
    rho: 0,
    objective: () => alone(plan),
    epochs,
    batch,
    optimizer: { ...ADAM, rate, decay },
    starts: [{ block: start }],
    order,
    keepMoments: false,
  })
  memory.release(mark)
  return result
}

/** A meta learner on what students say of so many rows, (rows, students · outputs) at `said`. */
export const metaProblem = (
  session: Session<TrainKernels>,
  students: number,
  said: Pointer,
  target: TargetRows,
  rows: number,
): Omit<Problem, 'train' | 'validation'> => ({
  session,
  students: [metaLearner(students, target.outputs)],
  sees: [new Uint8Array(rows).fill(1)],
  sources: new Map([['0:raw', { at: said, width: students * target.outputs }]]),
  target,
})

/** It in memory, planned for batches of so many rows. */
export const metaPlan = (problem: Problem, batch: number): Plan => planOf(problem, capacityFor(batch, problem.sees[0].length))

/** What a meta learner is fitted on, and the rows its epoch is chosen by; without those, by folds of the former. */
export interface MetaRows {
  readonly fit: Judged
  readonly choose?: Judged
  /** Group of each row of `fit`: a group is in one fold. */
  readonly groups?: readonly string[]
}

/** A meta learner's parameters, and whether it diverged: its loss did not stay finite, or it is left as it began. */
export interface MetaFit {
  readonly block: Float32Array
  readonly diverged: boolean
}

/** Fits a meta learner. @yields after each batch */
export function* fitMeta(
  session: Session<TrainKernels>,
  { fit, choose, groups }: MetaRows,
  spec: Pick<StackingSpec, 'epochs' | 'rate' | 'decay' | 'folds'> & { readonly batch: number },
  random: Random,
): Generator<BatchDone, MetaFit> {
  const n = rowsIn(fit)
  const [start] = firstBlocks([metaLearner(fit.students, fit.width)], ['meta'], random.fork('weights'))
  const orders = random.fork('order')
  const order = (epoch: number) => orders.fork(`epoch ${epoch}`).permutation(n)
  const course = { ...spec, start, order }
  if (choose) {
    const chosenBy = Int32Array.from({ length: rowsIn(choose) }, (_, i) => n + i)
    const { best, losses } = yield* trainMeta(session, joined(fit, choose), chosenBy, course)
    return { block: best[0].block, diverged: !Number.isFinite(losses[0]) }
  }
  const fold = foldsOf(n, spec.folds, random.fork('folds'), groups)
  const folds = new Set(fold).size
  const losses = new Float64Array(spec.epochs)
  for (let k = 0; k < folds && folds > 1; k++) {
    const mine = (row: number) => fold[row] === k
    const left = Int32Array.from({ length: n }, (_, row) => row).filter(mine)
    const { epochs } = yield* trainMeta(session, fit, left, {
      ...course,
      order: (epoch) => order(epoch).filter((row) => !mine(row)),
    })
    const worth = left.reduce((sum, row) => sum + (fit.weights?.[row] ?? 1), 0)
    epochs.forEach(({ validation }, e) => {
      losses[e] += validation.task[0] * worth
    })
  }
  const epochs = folds > 1 ? losses.reduce((best, loss, e) => (loss < losses[best] ? e : best), 0) + 1 : spec.epochs
  const { best } = yield* trainMeta(session, fit, new Int32Array(), { ...course, epochs })
  const { block } = best[0]
  const judged = folds < 2 || Number.isFinite(losses[epochs - 1])
  return { block, diverged: !judged || block.every((v, k) => v === start[k]) }
}

/**
 * What stacking makes of outputs that were kept, of a cohort that sees every row: probabilities or values, (rows, D).
 * @param fit outputs that the meta learner is fitted on and the truth, `choose` those that its epoch is chosen by; without, by folds
 * @param test outputs (M, rows, D) on the rows to predict
 */
export function stackOutputs(
  session: Session<TrainKernels>,
  { fit, choose, test }: MetaRows & { readonly test: Float32Array },
  spec: Pick<StackingSpec, 'epochs' | 'rate' | 'decay' | 'folds'> & { readonly batch: number },
  random: Random,
): Float32Array {
  const { memory, kernels } = session
  const { students, target, width } = fit
  const work = fitMeta(session, { fit, choose }, spec, random)
  let turn = work.next()
  while (!turn.done) turn = work.next()
  const { block } = turn.value
  const everyone = Array.from({ length: students }, (_, i) => i)
  const B = test.length / students / width
  const mark = memory.mark()
  const out = memory.alloc(4 * B * width)
  runMeta(session, out, memory.put(test), everyone, metaLearner(students, width), memory.put(block), B)
  if (target instanceof Int32Array) kernels.softmax(out, out, B, width)
  const said = memory.f32(out, B * width).slice()
  memory.release(mark)
  return said
}

/** Outputs (M, rows, D) on each of some lists of rows, by a group that is trained anew as a stage was, but without those rows. */
export type Again<Step = BatchDone> = (folds: readonly Int32Array[]) => readonly Generator<Step, Float32Array>[]

/** Outputs (M, rows, D) on rows by M students that were trained without the row's fold. */
export function* outOfFold<Step>(
  { states, problem }: Plan,
  rows: Int32Array,
  fold: Int32Array,
  again: Again<Step>,
): Generator<Step, Float32Array> {
  const D = problem.target.outputs
  const all = new Float32Array(states.length * rows.length * D)
  const folds = [...new Set(fold)]
  const works = again(folds.map((k) => rows.filter((_, b) => fold[b] === k)))
  for (const [at, k] of folds.entries()) {
    const outputs = yield* works[at]
    let from = 0
    for (let i = 0; i < states.length; i++) {
      fold.forEach((own, b) => {
        if (own !== k) return
        all.set(outputs.subarray(from, from + D), (i * rows.length + b) * D)
        from += D
      })
    }
  }
  return all
}

/** The fold of each of n rows: as equal in size as can be, at random; of groups, as many in each, and each whole. */
export function foldsOf(n: number, folds: number, random: Random, groups?: readonly string[]): Int32Array {
  if (groups) {
    const names = [...new Set(groups)]
    const own = foldsOf(names.length, folds, random)
    const foldOf = new Map(names.map((name, g) => [name, own[g]]))
    return Int32Array.from(groups, (name) => foldOf.get(name) as number)
  }
  const fold = new Int32Array(n)
  random.permutation(n).forEach((row, place) => {
    fold[row] = place % folds
  })
  return fold
}

const rowsIn = ({ outputs, students, width }: Judged): number => outputs.length / students / width

/** The rows of two, one behind the other. */
function joined(a: Judged, b: Judged): Judged {
  const { students, width } = a
  const [here, there] = [rowsIn(a) * width, rowsIn(b) * width]
  const outputs = new Float32Array(students * (here + there))
  for (let i = 0; i < students; i++) {
    outputs.set(a.outputs.subarray(i * here, (i + 1) * here), i * (here + there))
    outputs.set(b.outputs.subarray(i * there, (i + 1) * there), i * (here + there) + here)
  }
  const labels = a.target instanceof Int32Array
  const target = labels ? new Int32Array(rowsIn(a) + rowsIn(b)) : new Float32Array(here + there)
  target.set(a.target)
  target.set(b.target, a.target.length)
  const weights = a.weights && b.weights && [...Array.from(a.weights), ...Array.from(b.weights)]
  return { outputs, students, target, width, weights }
}
