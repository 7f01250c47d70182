// Small cohorts on made-up rows, for every test that trains.

import { type Pattern, sees } from '../../src/fusion/availability.ts'
import { extractorName, parseExtractor, sourceName } from '../../src/fusion/extractor.ts'
import { type Source, type StudentSpec, studentOf } from '../../src/fusion/student.ts'
import type { Activation } from '../../src/nn/dense.ts'
import type { Losses } from '../../src/train/objective.ts'
import { ADAM, type OptimizerSpec } from '../../src/train/optimizer.ts'
import type { Problem } from '../../src/train/problem.ts'
import { mutual, type Sharing } from '../../src/train/sharing.ts'
import { type Plan, planOf, trainBatch } from '../../src/train/step.ts'
import type { TrainKernels } from '../../src/wasm/kernels.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import type { Session } from '../../src/wasm/session.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'

type Values = Float32Array<ArrayBuffer>

/** `specOf('raw skip mlp(4,3)', 2)`: one extractor per modality, outputs, and what else a head has. */
export function specOf(
  extractors: string,
  outputs = 1,
  head: { hidden?: number[]; activation?: Activation; fills?: boolean } = {},
): StudentSpec {
  return { extractors: extractors.split(' ').map(parseExtractor), hidden: [], activation: 'relu', outputs, ...head }
}

/** Rows of one source, row-major, as they are in memory. */
export interface Table {
  readonly values: Values
  readonly width: number
}

/** A problem, and the numbers it is made of. */
export interface Made {
  readonly problem: Problem
  readonly tables: ReadonlyMap<string, Table>
  readonly target: Values | Int32Array<ArrayBuffer>
}

export interface Making {
  readonly specs: readonly StudentSpec[]
  readonly features: readonly number[]
  readonly rows: number
  readonly task?: 'classification' | 'regression'
  /** Modalities of each row; all there when left out. */
  readonly patterns?: readonly Pattern[]
  readonly seed?: number
  /** The first of these rows are for training, the rest for validation; all and none when left out. */
  readonly train?: number
  /** In place of made-up ones. */
  readonly tables?: ReadonlyMap<string, Table>
  readonly target?: Values | Int32Array<ArrayBuffer>
  /** What each row counts in the task loss. */
  readonly weights?: Float64Array
  readonly smoothing?: number
  /** The rate of dropout; student i has the stream of its extractors. */
  readonly dropout?: number
}

/** Rows of uniform numbers for every source that a student reads, scores of a PCA included: training does not know what they are. */
export function make({ specs, features, rows, task = 'regression', seed = 1, dropout, ...given }: Making): Made {
  const random = numbers(seed)
  const session = trainSession()
  const students = specs.map((spec) => studentOf(spec, features))
  const tables = new Map<string, Table>(given.tables)
  features.forEach((width, m) => {
    const name = sourceName(m, { kind: 'raw' })
    if (!tables.has(name)) tables.set(name, { values: random.f32(rows * width, -1.5, 1.5), width })
  })
  for (const { source, width, encoder } of students.flatMap((s) => s.ports)) {
    if (!encoder && !tables.has(source)) tables.set(source, { values: random.f32(rows * width, -1.5, 1.5), width })
  }
  const outputs = specs[0].outputs
  const target = given.target ?? (task === 'classification' ? random.i32(rows, outputs) : random.f32(rows * outputs, -2, 2))
  const sources = new Map<string, Source>()
  for (const [name, { values, width }] of tables) sources.set(name, { at: session.memory.put(values), width })
  const patterns = given.patterns ?? Array.from({ length: rows }, () => '1'.repeat(features.length))
  const split = given.train ?? rows
  const all = Int32Array.from({ length: rows }, (_, row) => row)
  const problem: Problem = {
    session,
    students,
    sees: specs.map((spec) => sees(spec, patterns)),
    sources,
    target: { task, at: session.memory.put(target), outputs, weights: given.weights, smoothing: given.smoothing },
    dropout: dropout ? { rate: dropout, streams: specs.map((spec) => streamOf(session, spec)) } : undefined,
    train: all.slice(0, split),
    validation: all.slice(split),
  }
  return { problem, tables, target }
}

const streamOf = (session: Session<TrainKernels>, spec: StudentSpec) =>
  randomFrom(session, 4).fork(spec.extractors.map(extractorName).join(' '))

/** The masks of student i in row b of the last training batch: of its encoders' hidden layers, then of its head's. */
export const masksOf =
  ({ cohort, drops, problem }: Plan) =>
  (i: number, b: number): Values[] =>
    [...cohort.work[i].encoders.flat(), ...cohort.work[i].hidden].map((layer) => {
      const mask = drops?.layers.get(layer)?.mask
      return mask === undefined ? new Float32Array() : problem.session.memory.f32(mask + 4 * b * layer.ld, layer.ld).slice()
    })

/** Blocks of uniform numbers, one for each student. */
export function blocksOf({ students }: Problem, seed = 2): Values[] {
  const random = numbers(seed)
  return students.map(({ layout }) => random.f32(layout.size, -0.7, 0.7))
}

/** Steps that keep the gradient: the velocity of SGD without momentum is the gradient itself. */
export const PLAIN: OptimizerSpec = { ...ADAM, kind: 'sgd', rate: 1, momentum: 0, decay: 0 }

/** Puts blocks into a plan, with nothing remembered. */
export function begin(plan: Plan, blocks: readonly Float32Array[]): void {
  const { memory } = plan.problem.session
  plan.states.forEach((state, i) => {
    memory.f32(state.block, state.size).set(blocks[i])
    memory.f32(state.first, 2 * state.size).fill(0)
    state.steps = { beta1t: 1, beta2t: 1 }
  })
}

/** What a plan holds: the students' blocks, or their gradients after a PLAIN step, or all that an optimizer remembers. */
export const held = ({ problem: { session }, states }: Plan, what: 'block' | 'first' | 'second'): Values[] =>
  states.map((state) => session.memory.f32(state[what], state.size).slice())

/** One step of a cohort: losses before it, and every student's gradient. */
export function stepOf(
  { problem }: Pick<Made, 'problem'>,
  blocks: readonly Float32Array[],
  sharing: Sharing,
  rows: Int32Array = problem.train,
): { losses: Losses; gradients: Values[]; seen: number[]; plan: Plan } {
  const plan = planOf(problem, Math.max(rows.length, 1))
  begin(plan, blocks)
  const { losses, seen } = trainBatch(plan, rows, mutual(plan, sharing), PLAIN)
  return { losses, gradients: held(plan, 'first'), seen: seen.map(({ rows }) => rows), plan }
}

export const alone = (M: number): Sharing => ({ rho: 0, teachers: new Float32Array(M) })
export const shared = (rho: number, ...teachers: number[]): Sharing => ({ rho, teachers: Float32Array.from(teachers) })
