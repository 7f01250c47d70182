import type { Random } from '../wasm/random.ts'
import type { Losses, Objective } from './objective.ts'
import { noSteps, type OptimizerSpec, type Steps } from './optimizer.ts'
import { rateAt, type Schedule } from './schedule.ts'
import { load, type Plan, trainBatch, validate } from './step.ts'

/** A student as it can be gone on from: its block, and Adam's memory if the run goes on where it was. */
export interface Start {
  readonly block: Float32Array
  readonly moments?: Float32Array
  readonly steps?: Readonly<Steps>
}

/** One training of the whole cohort. */
export interface Stage {
  /** The sharing strength, for the record. */
  readonly rho: number
  /** What is lowered in an epoch, from 1, given the last epoch's losses on validation rows. */
  readonly objective: (epoch: number, last: Losses | undefined) => Objective
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerSpec
  readonly starts: readonly Start[]
  /** Order of the training rows in an epoch, from 0. Stages that are compared are given the same. */
  readonly order: (epoch: number) => Int32Array
  /** Whether a checkpoint holds the optimizer's moments too. */
  readonly keepMoments: boolean
  /** Of the optimizer's rate; constant when left out. */
  readonly schedule?: Schedule
  /** The stage ends after this many epochs in which no student improved on its best validation loss; 0 or left out: never. */
  readonly patience?: number
  /** Which epoch of a student is kept: its best on validation rows (when left out), or the last, if its loss is finite; or the one named for each student. */
  readonly keep?: 'best' | 'last' | Int32Array
  /** Called after each epoch, when students stand in memory as it left them. */
  readonly after?: (epoch: number) => void
  /** Of a stage before on the same rows: nothing is solved again. */
  readonly solutions?: Solved
  /** Whether cross-fitting may scale logits of each student by itself: not where they are terms of something. */
  readonly scaled?: boolean
}

/** What students that take no steps were solved to, undefined for the others: for each fold without it, and on all training rows. */
export interface Solved {
  readonly parts: readonly (readonly (Start | undefined)[])[]
  readonly whole: readonly (Start | undefined)[]
}

/** The orders of a stage: in every epoch the rows are shuffled anew. */
export const shuffled =
  (rows: Int32Array, random: Random) =>
  (epoch: number): Int32Array =>
    random
      .fork(`epoch ${epoch}`)
      .permutation(rows.length)
      .map((i) => rows[i])

/** The batches of an epoch, views of its order. */
function chunks(order: Int32Array, batch: number): Int32Array[] {
  const count = Math.ceil(order.length / batch)
  return Array.from({ length: count }, (_, b) => order.subarray(b * batch, (b + 1) * batch))
}

/** Mean losses of an epoch, by student; of training rows before the steps, with its dropout, each batch by the weight of its rows. */
export interface EpochLosses {
  readonly train: Losses
  readonly validation: Losses
}

/** What a stage leaves: every student at its own best validation task loss, or as its last epoch left it. */
export interface StageResult {
  readonly rho: number
  readonly best: readonly Start[]
  readonly losses: Float64Array
  /** From 1; 0 for a student without a finite validation loss, which is taken after the last epoch, or as it began if it diverged. */
  readonly bestEpoch: Int32Array
  readonly epochs: readonly EpochLosses[]
  /** Where it was cross-fitted: outputs (M, rows, D) on the training rows by copies that had not seen them, as the losses are of. */
  readonly outOfFold?: Float32Array
  /** Where students were solved. */
  readonly solutions?: Solved
}

/**
 * One batch done: its epoch, from 1, and the losses before its step. `batches` is how many of the stage's are behind it since the
 * one before: 1, and with the last one of a stage that ends early those that are left out too. A stage has but one of these, which
 * the next batch overwrites: copy what is to be kept.
 */
export interface BatchDone {
  readonly rho: number
  readonly epoch: number
  readonly losses: Losses
  readonly batches: number
}

/** Trains, yielding after each batch; after the last of an epoch when that is validated. */
export function* runStage(plan: Plan, stage: Stage): Generator<BatchDone, StageResult> {
  const { problem, states } = plan
  const { memory } = problem.session
  const { rho, batch, schedule = { kind: 'constant' }, patience = 0 } = stage
  const M = states.length
  load(
    plan,
    stage.starts.map(({ block }) => block),
  )
  states.forEach((state, i) => {
    const { moments, steps } = stage.starts[i]
    if (moments) memory.f32(state.first, 2 * state.size).set(moments)
    else memory.f32(state.first, 2 * state.size).fill(0)
    state.steps = { ...(steps ?? noSteps()) }
  })
  const best: Start[] = []
  const keep = (i: number) => {
    const { block, first, size, steps } = states[i]
    const held = best[i] ?? { block: new Float32Array(size), moments: stage.keepMoments ? new Float32Array(2 * size) : undefined }
    held.block.set(memory.f32(block, size))
    held.moments?.set(memory.f32(first, 2 * size))
    best[i] = { ...held, steps: { ...steps } }
  }
  const losses = new Float64Array(M).fill(Number.POSITIVE_INFINITY)
  const bestEpoch = new Int32Array(M)
  const epochs: EpochLosses[] = []
  const optimizer = { ...stage.optimizer }
  const done = { rho, epoch: 0, losses: plan.trained.losses, batches: 1 }
  let over = false
  const until = stage.keep instanceof Int32Array ? Math.max(...stage.keep) : stage.epochs
  for (let epoch = 1; epoch <= until && !over; epoch++) {
    const order = stage.order(epoch - 1)
    const sums = { task: new Float64Array(M), total: new Float64Array(M) }
    const weight = new Float64Array(M)
    const objective = stage.objective(epoch, epochs.at(-1)?.validation)
    const batches = chunks(order, batch)
    const steps = batches.length
    done.epoch = epoch
    for (let b = 0; b < steps; b++) {
      if (b > 0) yield done
      optimizer.rate = rateAt(schedule, stage.optimizer.rate, epoch, (epoch - 1) * steps + b, stage.epochs * steps)
      const name = problem.dropout || problem.losing ? `${epoch} ${b}` : ''
      const { losses: before, seen } = trainBatch(plan, batches[b], objective, optimizer, name)
      for (let i = 0; i < M; i++) {
        sums.task[i] += before.task[i] * seen[i].weight
        sums.total[i] += before.total[i] * seen[i].weight
        weight[i] += seen[i].weight
      }
    }
    const mean = (sum: Float64Array) => sum.map((v, i) => v / weight[i])
    const validation = validate(plan, problem.validation, objective)
    epochs.push({ train: { task: mean(sums.task), total: mean(sums.total) }, validation })
    for (let i = 0; i < M; i++) {
      const wanted =
        stage.keep === undefined || stage.keep === 'best'
          ? validation.task[i] < losses[i]
          : epoch === (stage.keep === 'last' ? stage.epochs : stage.keep[i]) && validation.task[i] < Number.POSITIVE_INFINITY
      if (wanted) {
        losses[i] = validation.task[i]
        bestEpoch[i] = epoch
        keep(i)
      }
    }
    stage.after?.(epoch)
    over = patience > 0 && stage.keep !== 'last' && epoch - Math.max(...bestEpoch) >= patience
    if (over || epoch === until) done.batches += (stage.epochs - epoch) * steps
    if (steps > 0) yield done
  }
  for (let i = 0; i < M; i++) {
    if (best[i]) continue
    keep(i)
    // A student that diverged is left as it began: no number of a model is NaN. Its loss, ∞, gives it no say.
    if (!best[i].block.every(Number.isFinite)) best[i] = { block: stage.starts[i].block.slice() }
  }
  return { rho, best, losses, bestEpoch, epochs }
}
