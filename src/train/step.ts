// One batch: forward all, consensus, then per student backward and step. The hot loop of training: after the first step it
// allocates nothing in WASM memory.

import { type Cohort, chooseRows, cohortOf, runCohort } from '../fusion/cohort.ts'
import type { Pointer } from '../wasm/memory.ts'
import { type BackwardScratch, backwardScratch, studentGradient } from './backward/student.ts'
import { noSteps, type OptimizerSpec, type OptimizerState, optimize } from './optimizer.ts'
import type { Problem } from './problem.ts'
import { fillShare, fillTask, type RowWeights, rowWeightsOf, seenRows } from './row-weights.ts'

/** Everything a training keeps in session memory, planned once. Buffers are (M, capacity, outputs) or (capacity, outputs). */
export interface Plan {
  readonly problem: Problem
  readonly cohort: Cohort
  readonly states: readonly OptimizerState[]
  readonly weights: RowWeights
  readonly gradient: Pointer
  readonly scratch: BackwardScratch
  /** Logits or outputs of all students, and what they tell each other: softmax, or the outputs themselves. */
  readonly outputs: Pointer
  readonly told: Pointer
  readonly target: Pointer
  readonly teachers: Pointer
  readonly consensus: Pointer
  readonly taught: Pointer
  readonly spread: Pointer
  readonly dOut: Pointer
}

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
  return {
    problem,
    states,
    cohort: cohortOf(memory, students, blocks, sources, capacity, true),
    weights: rowWeightsOf(problem, capacity),
    gradient: memory.alloc(4 * Math.max(...students.map((s) => s.layout.size))),
    scratch: backwardScratch(memory, students, capacity),
    outputs,
    told: target.task === 'classification' ? memory.alloc(M * row) : outputs,
    target: memory.alloc(row),
    teachers: memory.alloc(4 * M * capacity),
    consensus: memory.alloc(row),
    taught: memory.alloc(4 * capacity),
    spread: memory.alloc(4 * capacity),
    dOut: memory.alloc(row),
  }
}

/** How strongly students are drawn to the consensus, and how much each counts in it (no teachers: all 0). */
export interface Sharing {
  readonly rho: number
  readonly teachers: Float32Array
}

/** Losses of every student, means over the rows it saw. */
export interface Losses {
  readonly task: Float64Array
  /** task + ρ · divergence from the teachers */
  readonly total: Float64Array
}

/** Trains every student on the given rows, once. @returns losses before the step; how many rows each student saw */
export function trainBatch(
  plan: Plan,
  rows: Int32Array,
  sharing: Sharing,
  optimizer: OptimizerSpec,
): { losses: Losses; seen: number[] } {
  const { problem, cohort, weights, states, scratch, gradient } = plan
  const { session, target } = problem
  const { kernels, memory } = session
  const B = rows.length
  const counts = weights.complete ? weights.groups.map(() => B) : seenRows(weights, rows)
  forward(plan, rows, counts, sharing)
  const losses = measure(plan, B, sharing)
  const seen = weights.of.map((g) => counts[g])
  const dOut = { at: plan.dOut, ld: target.outputs }
  states.forEach((state, i) => {
    // A student that sees no row of the batch has nothing to learn from it; Adam's momentum must not move it either.
    if (seen[i] === 0) return
    memory.f32(plan.dOut, B * target.outputs).fill(0)
    lossGradient(plan, i, B, sharing.rho)
    studentGradient(kernels, gradient, dOut, cohort.students[i], cohort.layers[i], cohort.work[i], cohort.batches, scratch, B)
    optimize(kernels, optimizer, state, gradient)
  })
  return { losses, seen }
}

/** Losses of every student over many rows, in chunks. A student that sees none of them gets ∞. */
export function validate(plan: Plan, rows: Int32Array, sharing: Sharing): Losses {
  const M = plan.states.length
  const counts = seenRows(plan.weights, rows)
  const losses = { task: new Float64Array(M), total: new Float64Array(M) }
  for (let at = 0; at < rows.length; at += plan.cohort.capacity) {
    const chunk = rows.subarray(at, at + plan.cohort.capacity)
    forward(plan, chunk, counts, sharing)
    const part = measure(plan, chunk.length, sharing)
    for (let i = 0; i < M; i++) {
      losses.task[i] += part.task[i]
      losses.total[i] += part.total[i]
    }
  }
  plan.weights.of.forEach((group, i) => {
    if (counts[group] === 0) losses.task[i] = losses.total[i] = Number.POSITIVE_INFINITY
  })
  return losses
}

/** Outputs of all students, what they tell, the target, the row weights and the consensus of the chosen rows. */
function forward(plan: Plan, rows: Int32Array, counts: readonly number[], { rho, teachers }: Sharing): void {
  const { problem, cohort, weights, outputs, told } = plan
  const { session, target } = problem
  const { kernels, memory } = session
  const B = rows.length
  const M = cohort.students.length
  const D = target.outputs
  chooseRows(session, cohort, rows)
  const width = target.task === 'classification' ? 1 : D
  kernels.gatherRows(plan.target, target.at, cohort.index, B, width, width, width)
  fillTask(problem, weights, rows, counts)
  runCohort(kernels, outputs, cohort, B)
  if (told !== outputs) kernels.softmax(told, outputs, M * B, D)
  if (rho === 0) return
  const spoken = memory.f32(plan.teachers, M * B)
  weights.of.forEach((group, i) => {
    const { sees } = weights.groups[group]
    for (let b = 0; b < B; b++) spoken[i * B + b] = sees[rows[b]] ? teachers[i] : 0
  })
  kernels.consensus(plan.consensus, plan.taught, told, plan.teachers, M, B, D)
  kernels.spread(plan.spread, plan.consensus, told, plan.teachers, target.task === 'classification', M, B, D)
  fillShare(problem, weights, plan.taught, B)
}

/** Task loss and divergence of every student on the rows of the last forward pass. */
function measure(plan: Plan, B: number, { rho }: Sharing): Losses {
  const { problem, weights, outputs } = plan
  const { kernels } = problem.session
  const D = problem.target.outputs
  const M = plan.states.length
  const task = new Float64Array(M)
  const total = new Float64Array(M)
  weights.of.forEach((group, i) => {
    const { task: w, share } = weights.groups[group]
    const out = outputs + 4 * i * B * D
    const classes = problem.target.task === 'classification'
    task[i] = classes
      ? kernels.crossEntropyLabels(out, plan.target, w, B, D)
      : kernels.squaredError(out, plan.target, w, B, D) / D
    total[i] = task[i]
    if (rho === 0) return
    // Mean divergence from the teachers = divergence from their consensus + their own spread around it.
    const apart = classes
      ? kernels.crossEntropy(out, plan.consensus, share, B, D) + kernels.dot(share, plan.spread, B)
      : (kernels.squaredError(out, plan.consensus, share, B, D) + kernels.dot(share, plan.spread, B)) / D
    total[i] += rho * apart
  })
  return { task, total }
}

/** dOut += gradient of student i's loss: the task's, and ρ times the same against the consensus. */
function lossGradient(plan: Plan, i: number, B: number, rho: number): void {
  const { problem, weights, dOut, told } = plan
  const { kernels } = problem.session
  const D = problem.target.outputs
  const { task, share } = weights.groups[weights.of[i]]
  const mine = told + 4 * i * B * D
  const scale = problem.target.task === 'classification' ? 1 : 2 / D
  if (problem.target.task === 'classification') kernels.addGradientLabels(dOut, mine, plan.target, task, scale, B, D)
  else kernels.addGradient(dOut, mine, plan.target, task, scale, B, D)
  if (rho !== 0) kernels.addGradient(dOut, mine, plan.consensus, share, scale * rho, B, D)
}
