// One batch: forward all, the objective's look at all outputs, then per student backward and step. The hot loop of training: it
// allocates nothing, neither in WASM memory nor in JavaScript's.

import { type Cohort, chooseRows, cohortOf, runMember } from '../fusion/cohort.ts'
import type { Window } from '../nn/dense.ts'
import type { Between } from '../nn/mlp.ts'
import type { Pointer } from '../wasm/memory.ts'
import { type BackwardRoom, backwardRooms, studentGradient } from './backward/student.ts'
import { type Drops, dropping, dropsOf } from './dropout.ts'
import { lose } from './modality-dropout.ts'
import type { Losses, Objective } from './objective.ts'
import { noSteps, type OptimizerSpec, type OptimizerState, optimize } from './optimizer.ts'
import type { Problem } from './problem.ts'
import { fillTask, lookAt, type RowWeights, rowWeightsOf, type Seen } from './row-weights.ts'

/** Everything a training keeps in session memory, planned once. Buffers are (M, capacity, outputs) or (capacity, outputs). */
export interface Plan {
  readonly problem: Problem
  readonly cohort: Cohort
  readonly states: readonly OptimizerState[]
  readonly weights: RowWeights
  readonly gradient: Pointer
  readonly backward: readonly BackwardRoom[]
  /** Logits or outputs of all students, and what they tell each other: softmax, or the outputs themselves. */
  readonly outputs: Pointer
  readonly told: Pointer
  readonly target: Pointer
  readonly dOut: Pointer
  /** The same as a window. */
  readonly slope: Window
  /** What the last batch was like. */
  readonly trained: BatchResult
  /** With dropout: the masks of the last training batch. */
  readonly drops?: Drops
  /** With label smoothing: a target (capacity, outputs) of all classes alike. */
  readonly even?: Pointer
  /** What students that take no steps say of all rows (rows, outputs), by student: it is worked out once a stage. */
  readonly known: readonly (Pointer | undefined)[]
  /** What an objective may keep between its look at a batch and its gradients, planned with the rest. */
  readonly share: ShareBuffers
}

/** Losses before the step, and what each student saw. The next batch overwrites it. */
export interface BatchResult {
  readonly losses: Losses
  readonly seen: readonly Seen[]
}

/** Room for mutual learning: teacher weights (M, capacity), consensus (capacity, outputs), and by row who was taught, spread, share. */
export interface ShareBuffers {
  readonly teachers: Pointer
  readonly consensus: Pointer
  readonly taught: Pointer
  readonly spread: Pointer
  readonly own: Pointer
}

/** The most rows that are run at once: a batch, and at least 64 where there is nothing to learn from them. */
export const capacityFor = (batch: number, rows: number): number => Math.max(Math.min(batch, rows), 64)

/** @param capacity the most rows of a batch, or of a chunk of validation */
export function planOf(problem: Problem, capacity: number): Plan {
  const { session, students, sources, target } = problem
  const { memory } = session
  const M = students.length
  const states = students.map(({ layout: { size } }) => {
    const block = memory.alloc(12 * size)
    return { block, first: block + 4 * size, second: block + 8 * size, size, steps: noSteps() }
  })
  const blocks = states.map((s) => s.block)
  const row = 4 * capacity * target.outputs
  const outputs = memory.alloc(M * row)
  const cohort = cohortOf(memory, students, blocks, sources, capacity, true)
  const weights = rowWeightsOf(problem, capacity)
  const dOut = memory.alloc(row)
  const rows = [...problem.train, ...problem.validation].reduce((most, at) => Math.max(most, at + 1), 0)
  return {
    problem,
    known: students.map((_, i) => (problem.solved?.[i] ? memory.alloc(4 * rows * target.outputs) : undefined)),
    states,
    cohort,
    weights,
    gradient: memory.alloc(4 * Math.max(...students.map((s) => s.layout.size))),
    backward: backwardRooms(memory, students, capacity),
    outputs,
    told: target.task === 'classification' ? memory.alloc(M * row) : outputs,
    target: memory.alloc(row),
    dOut,
    slope: { at: dOut, ld: target.outputs },
    trained: { losses: lossesOf(M), seen: weights.of.map((group) => weights.groups[group].seen) },
    drops: problem.dropout && dropsOf(session, problem.dropout, cohort.work, capacity),
    even: target.smoothing ? memory.put(new Float32Array(capacity * target.outputs).fill(1 / target.outputs)) : undefined,
    share: {
      teachers: memory.alloc(4 * M * capacity),
      consensus: memory.alloc(row),
      taught: memory.alloc(4 * capacity),
      spread: memory.alloc(4 * capacity),
      own: memory.alloc(4 * capacity),
    },
  }
}

/** Puts parameters in the place of the students', and works out what those say who take no steps. */
export function load(plan: Plan, blocks: readonly Float32Array[]): void {
  const { problem, states, cohort, known, outputs } = plan
  const { session, target } = problem
  const { kernels, memory } = session
  states.forEach(({ block, size }, i) => {
    memory.f32(block, size).set(blocks[i])
  })
  if (!problem.solved) return
  const D = target.outputs
  const rows = Int32Array.from(new Set([...problem.train, ...problem.validation])).sort()
  for (let at = 0; at < rows.length; at += cohort.capacity) {
    const chunk = rows.subarray(at, at + cohort.capacity)
    chooseRows(session, cohort, chunk)
    known.forEach((table, i) => {
      if (table === undefined) return
      runMember(kernels, outputs, cohort, i, chunk.length)
      const said = memory.f32(outputs, chunk.length * D)
      chunk.forEach((row, b) => {
        memory.f32(table + 4 * row * D, D).set(said.subarray(b * D, (b + 1) * D))
      })
    })
  }
}

/**
 * Trains every student on the given rows, once.
 * @param name of the batch: what its dropout masks and the modalities lost depend on
 * @returns valid until the next batch
 */
export function trainBatch(plan: Plan, rows: Int32Array, objective: Objective, optimizer: OptimizerSpec, name = ''): BatchResult {
  const { problem, cohort, weights, states, backward, gradient, dOut, slope, drops, trained } = plan
  const { session, target, dropout, losing } = problem
  const { kernels, memory } = session
  const B = rows.length
  const restore = losing && lose(losing, weights.groups, rows, name)
  lookAt(problem, weights, rows)
  forward(plan, rows, dropout && drops && dropping(dropout, drops, name))
  objective.look?.(rows)
  measure(plan, B, objective, trained.losses)
  for (let i = 0; i < states.length; i++) {
    // A student that sees no row of the batch has nothing to learn from it; Adam's momentum must not move it either.
    if (trained.seen[i].rows === 0 || problem.solved?.[i]) continue
    memory.floats().fill(0, dOut / 4, dOut / 4 + B * target.outputs)
    objective.gradient(i, B)
    studentGradient(kernels, gradient, slope, cohort, i, backward[i], B, drops)
    optimize(kernels, optimizer, states[i], gradient)
  }
  objective.finish?.(B)
  restore?.()
  return trained
}

/** Losses of every student over many rows, in chunks. A student that sees none of them gets ∞. */
export function validate(plan: Plan, rows: Int32Array, objective: Objective): Losses {
  const { problem, weights, states, trained } = plan
  const M = states.length
  lookAt(problem, weights, rows)
  const losses = lossesOf(M)
  const part = lossesOf(M)
  for (let at = 0; at < rows.length; at += plan.cohort.capacity) {
    const chunk = rows.subarray(at, at + plan.cohort.capacity)
    forward(plan, chunk)
    objective.look?.(chunk)
    measure(plan, chunk.length, objective, part)
    for (let i = 0; i < M; i++) {
      losses.task[i] += part.task[i]
      losses.total[i] += part.total[i]
    }
  }
  for (let i = 0; i < M; i++) {
    if (trained.seen[i].rows === 0) losses.task[i] = losses.total[i] = Number.POSITIVE_INFINITY
  }
  return losses
}

const lossesOf = (M: number): Losses => ({ task: new Float64Array(M), total: new Float64Array(M) })

/** Outputs of all students, what they tell, the target and the row weights of the chosen rows. */
function forward(plan: Plan, rows: Int32Array, between?: readonly Between[]): void {
  const { problem, cohort, weights, outputs, told, known } = plan
  const { session, target } = problem
  const { kernels } = session
  const B = rows.length
  const D = target.outputs
  chooseRows(session, cohort, rows)
  const width = target.task === 'classification' ? 1 : D
  kernels.gatherRows(plan.target, target.at, cohort.index, B, width, width, width)
  fillTask(problem, weights, rows)
  for (let i = 0; i < cohort.students.length; i++) {
    const table = known[i]
    if (table === undefined) runMember(kernels, outputs + 4 * i * B * D, cohort, i, B, between?.[i])
    else kernels.gatherRows(outputs + 4 * i * B * D, table, cohort.index, B, D, D, D)
  }
  if (told !== outputs) kernels.softmax(told, outputs, cohort.students.length * B, D)
}

/** The losses of every student on the rows of the last forward pass. */
function measure(plan: Plan, B: number, objective: Objective, { task, total }: Losses): void {
  for (let i = 0; i < task.length; i++) {
    task[i] = objective.judged?.(i, B) ?? taskLoss(plan, i, B)
    total[i] = objective.trained?.(i, B, task[i]) ?? task[i]
  }
}

/** Mean task loss of outputs (B, outputs) on the rows of the last forward pass, by the weights (B) of rows. */
export function lossOf({ problem, target }: Plan, out: Pointer, rowWeights: Pointer, B: number): number {
  const { kernels } = problem.session
  const D = problem.target.outputs
  return problem.target.task === 'classification'
    ? kernels.crossEntropyLabels(out, target, rowWeights, B, D)
    : kernels.squaredError(out, target, rowWeights, B, D) / D
}

/**
 * The loss that `addLossGradient` lowers, given the one above: with label smoothing ε, the cross-entropy with (1 - ε) of the label
 * and ε / K of each of K classes (Szegedy et al., arXiv 1512.00567). Nobody is judged by it.
 */
export function smoothed({ problem, even }: Plan, out: Pointer, rowWeights: Pointer, B: number, loss: number): number {
  const { outputs: D, smoothing } = problem.target
  if (!even || !smoothing) return loss
  return (1 - smoothing) * loss + smoothing * problem.session.kernels.crossEntropy(out, even, rowWeights, B, D)
}

/** dOut += gradient of that. @param told softmax of the outputs in classification, else the outputs themselves */
export function addLossGradient(
  { problem, target, even }: Plan,
  dOut: Pointer,
  told: Pointer,
  rowWeights: Pointer,
  B: number,
): void {
  const { kernels } = problem.session
  const { outputs: D, smoothing = 0 } = problem.target
  if (problem.target.task === 'classification') {
    kernels.addGradientLabels(dOut, told, target, rowWeights, 1 - smoothing, B, D)
    if (even) kernels.addGradient(dOut, told, even, rowWeights, smoothing, B, D)
  } else kernels.addGradient(dOut, told, target, rowWeights, 2 / D, B, D)
}

/** Student i's own mean task loss on the B rows of the last forward pass. */
const taskLoss = (plan: Plan, i: number, B: number): number => lossOf(plan, outputsOf(plan, i, B), taskWeights(plan, i), B)

const outputsOf = ({ outputs, problem }: Plan, i: number, B: number): Pointer => outputs + 4 * i * B * problem.target.outputs
const taskWeights = ({ weights }: Plan, i: number): Pointer => weights.groups[weights.of[i]].task

/** dOut += gradient of student i's own task loss, smoothed. */
function addTaskGradient(plan: Plan, i: number, B: number): void {
  const { problem, dOut, told } = plan
  addLossGradient(plan, dOut, told + 4 * i * B * problem.target.outputs, taskWeights(plan, i), B)
}

/** Every student for itself: the task loss. */
export const alone = (plan: Plan): Objective => ({
  trained: (i, B, task) => smoothed(plan, outputsOf(plan, i, B), taskWeights(plan, i), B, task),
  gradient: (i, B) => addTaskGradient(plan, i, B),
})
