// Replays a step-exact case recorded from the authors' own code: from its data, first weights and batch orders.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readSafetensors, type Stored } from '../../src/formats/safetensors.ts'
import { sees } from '../../src/fusion/availability.ts'
import { argmax } from '../../src/fusion/ensemble.ts'
import { type Extractor, extractorName } from '../../src/fusion/extractor.ts'
import { project } from '../../src/fusion/projection.ts'
import { type Source, type Student, studentOf } from '../../src/fusion/student.ts'
import { BY_CLUSTER } from '../../src/train/mutual.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { pcaLayer } from '../../src/train/pca.ts'
import type { Problem } from '../../src/train/problem.ts'
import type { Course, Teaching } from '../../src/train/rho.ts'
import type { BatchDone, StageResult, Start } from '../../src/train/stage.ts'
import type { Plan } from '../../src/train/step.ts'
import { trainSession } from '../kernels/kernels.ts'

// Tolerances are those of the recording's README for another float32 implementation, where float32 against float64 of the same
// code was measured; scalars are held an order tighter than the issue asks.
export const SCALAR = 1e-5 // relative
export const WEIGHT = 1e-4 // absolute
export const GRADIENT = 5e-5 // absolute
export const STEP_LOSS = 5e-5 // absolute
export const OUTPUT = 1e-4 // absolute
export const TEST_MSE = 1e-4 // relative

/** What a stage of the recording holds, by epoch and student. */
export interface RecordedStage {
  readonly train_loss: number[][]
  readonly train_task_loss: number[][]
  readonly val_loss: number[][]
  readonly val_task_loss: number[][]
  readonly best_epoch: number[]
  readonly best_val_task_loss: number[]
  readonly start_adam_steps: number[]
}

export interface Recording {
  readonly stages: Record<string, RecordedStage>
  readonly clustering: { losses: number[]; weights: number[]; k: number; cluster_idxs: number[] }
  readonly avg_val_loss_of_cluster: Record<string, number>
  readonly best_rho: number
  readonly greedy_ens_idxs?: number[]
  readonly test: Scores
  readonly test_indep: Scores
}

export type Scores = Record<string, number> & { cohort: number[] }

export interface RecordedStudent {
  readonly dims: number[]
  readonly extractors: string[]
}

/** Networks that were trained together, at one ρ after the other. */
export interface Together {
  readonly students: RecordedStudent[]
  readonly stages: Record<string, RecordedStage>
  readonly test: Record<string, number>
}

export interface Coop extends Together {
  readonly idx_early: number | null
  readonly avg_best_val_task_loss: Record<string, number>
  readonly best_rho: number
  readonly test_per_rho: Record<string, number>
}

export interface Case {
  readonly name: string
  /** Recorded for this project, not brought by who runs the tests. */
  readonly ours: boolean
  readonly json: {
    config: {
      optimal_k?: number | null
      task_type: string
      output_dim: number
      rho_list: number[]
      epochs: number
      init_lr: number
      weight_decay: number
    }
    dims: number[]
    mod_outs: number[][]
    batch: number
    mod_hiddens: number[][] | null
    combined_hiddens: number[]
    n_train_val_test: [number, number, number]
    expect: Recording & {
      students: RecordedStudent[]
      cold?: Recording
      baselines?: Together
      fixed_rho?: number
      test_adaptive?: Scores
      adversarial?: { weights: number[]; worst_cluster_idxs: number[]; k: number }
      test_adversarial?: Record<string, number>
      encoders?: unknown
    } & Partial<Record<'coop' | 'coop_fixed' | 'coop2', Coop>>
  }
  tensor(name: string): Stored
}

type Expected = Case['json']['expect']

/** Widths of a modality's latents, widest first: those that neither leave it out nor take it as it is. */
export const latentsOf = ({ mod_outs, dims }: Case['json'], m: number): number[] =>
  mod_outs[m].filter((width) => width !== 0 && width !== dims[m]).sort((a, b) => b - a)

/** What a case can show, by what was recorded. */
const KINDS = {
  pipeline: ({ clustering, test }: Expected) => Boolean(clustering && test),
  encoders: ({ encoders }: Expected) => encoders !== undefined,
  adversarial: ({ adversarial }: Expected) => adversarial !== undefined,
  together: ({ baselines, coop, coop_fixed, coop2 }: Expected) => Boolean(baselines ?? coop ?? coop_fixed ?? coop2),
}

/** Cases of a kind: those beside this file, and those in the folder that METAFUSION_GOLDEN names. */
export function casesIn(kind: keyof typeof KINDS): Case[] {
  const more = process.env.METAFUSION_GOLDEN
  const all = [...read(import.meta.dirname, true), ...(more ? read(more, false) : [])]
  return all.filter(({ json }) => KINDS[kind](json.expect))
}

const read = (folder: string, ours: boolean): Case[] =>
  readdirSync(folder)
    .filter((file) => /^case.*\.json$/.test(file))
    .map((file) => ({ name: file.replace('.json', ''), ours, ...recording(file.replace('.json', ''), folder) }))

/** What is recorded in `name`.json, and the tensors of `name`.safetensors. */
export function recording(name: string, folder = import.meta.dirname) {
  const { tensors } = readSafetensors(readFileSync(join(folder, `${name}.safetensors`)))
  return {
    json: JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')),
    tensor(key: string): Stored {
      const found = tensors.get(key)
      if (!found) throw new Error(`${name} has no tensor ${key}`)
      return found
    },
  }
}

/** The recording as a problem of ours: train, validation and test rows one behind the other. */
export function problemOf(
  { json, tensor }: Case,
  recorded: readonly RecordedStudent[] = json.expect.students,
): Problem & { test: Int32Array } {
  const session = trainSession()
  const { memory } = session
  const [nTrain, nVal, nTest] = json.n_train_val_test
  const rows = nTrain + nVal + nTest
  const stacked = (name: string) => {
    const parts = ['train', 'val', 'test'].map((split) => tensor(`data/${split}/${name}`).values)
    const whole =
      name === 'y' && parts[0] instanceof Int32Array ? new Int32Array(rows) : new Float32Array((parts[0].length / nTrain) * rows)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }
  const sources = new Map<string, Source>()
  json.dims.forEach((width, m) => {
    sources.set(`${m}:raw`, { at: memory.put(stacked(`mod${m}`)), width })
  })
  const extractorOf = (kind: string, m: number, width: number): Extractor => {
    if (kind === 'none') return { kind: 'skip' }
    if (kind === 'full') return { kind: 'raw' }
    if (kind === 'mlp') return { kind: 'mlp', widths: [...(json.mod_hiddens?.[m] ?? []), width] }
    if (kind === 'pca') return { kind: 'pca', components: width }
    if (kind === 'sliced')
      return { kind, widths: [...(json.mod_hiddens?.[m] ?? []), ...latentsOf(json, m).filter((l) => l >= width)] }
    throw new Error(`the extractor ${kind} is not replayed`)
  }
  const outputs = json.config.output_dim
  const students: Student[] = recorded.map(({ dims, extractors }) =>
    studentOf(
      {
        extractors: extractors.map((kind, m) => extractorOf(kind, m, dims[m])),
        hidden: json.combined_hiddens,
        activation: 'relu',
        outputs,
      },
      json.dims,
    ),
  )
  for (const { spec } of students) {
    spec.extractors.forEach((e, m) => {
      const name = `${m}:${extractorName(e)}`
      if (e.kind !== 'pca' || sources.has(name)) return
      const of = (what: string) => tensor(`pca/mod${m}/k${e.components}/${what}`).values as Float32Array
      const pca = { components: of('components'), mean: of('mean'), variance: Float64Array.from(of('explained_variance')) }
      sources.set(name, project(session, sources.get(`${m}:raw`) as Source, pcaLayer(pca, m, name, false), rows))
    })
  }
  const range = (from: number, length: number) => Int32Array.from({ length }, (_, i) => from + i)
  const patterns = Array.from({ length: rows }, () => '1'.repeat(json.dims.length))
  return {
    session,
    students,
    sees: students.map(({ spec }) => sees(spec, patterns)),
    sources,
    target: {
      task: json.config.task_type === 'classification' ? 'classification' : 'regression',
      at: memory.put(stacked('y') as Float32Array | Int32Array),
      outputs,
    },
    train: range(0, nTrain),
    validation: range(nTrain, nVal),
    test: range(nTrain + nVal, nTest),
  }
}

/** First weights of students: `init/student0`, or `init/coop/student0`. @param of `coop/` */
export function startsOf({ tensor }: Case, of: string, students: number): Start[] {
  return Array.from({ length: students }, (_, i) => ({ block: tensor(`init/${of}student${i}`).values as Float32Array }))
}

/** How the authors select greedily, and how they choose ρ. */
export const GREEDY = { best: 3, prune: 0.2, most: 30 } as const
export const BY_TEACHERS = { chooseRho: 'teachers', greedy: GREEDY, average: 'logits' } as const

/** How every stage of a case was trained. @param orderAt the name of the batch order at a ρ */
export function courseOf({ json, tensor }: Case, orderAt: (rho: number) => string): Course {
  const n = json.n_train_val_test[0]
  return {
    epochs: json.config.epochs,
    batch: json.batch,
    optimizer: { ...ADAM, rate: json.config.init_lr, decay: json.config.weight_decay },
    order: (rho, epoch) => (tensor(orderAt(rho)).values as Int32Array).subarray(epoch * n, (epoch + 1) * n),
  }
}

/** How the teachers of a case were found. */
export const teachingOf = ({ json }: Case): Teaching => ({
  ...BY_CLUSTER,
  clusters: json.config.optimal_k ?? 'silhouette',
  normalizer: 'all',
  burnIn: 0,
})

/** Where a stage was recorded. */
export interface StageAt {
  readonly at: string
  readonly recorded: RecordedStage
}

/** Runs a training and checks every weight, first gradient and step loss on the way. @param tasks whether each one's own task loss too */
export function follow<Result>(
  { json, tensor }: Case,
  plan: Plan,
  run: Generator<BatchDone, Result>,
  stageAt: (rho: number) => StageAt,
  tasks = true,
): Result {
  const { memory } = plan.problem.session
  const M = plan.states.length
  const steps = Math.ceil(plan.problem.train.length / json.batch)
  const seen = new Map<number, number>()
  for (let turn = run.next(); ; turn = run.next()) {
    if (turn.done) return turn.value
    const { rho, epoch, losses } = turn.value
    const { at, recorded } = stageAt(rho)
    const step = seen.get(rho) ?? 0
    seen.set(rho, step + 1)
    const theirs = (name: string) => tensor(`${at}/${name}`).values.subarray(step * M, (step + 1) * M)
    close(losses.total, theirs('step_loss'), STEP_LOSS, `${at} step ${step} loss`)
    if (tasks) close(losses.task, theirs('step_task_loss'), STEP_LOSS, `${at} step ${step} task`)
    for (let i = 0; i < M; i++) {
      const { block, first, size } = plan.states[i]
      if (step === 0) {
        // Adam's first moment holds the gradient: m = β₁ m₀ + (1 - β₁) g.
        const warm = recorded.start_adam_steps[i] > 0
        const before = warm ? tensor(`${at}/start_exp_avg/student${i}`).values : new Float32Array(size)
        const gradient = memory.f32(first, size).map((m, p) => (m - 0.9 * before[p]) / 0.1)
        close(gradient, tensor(`${at}/grad_step1/student${i}`).values, GRADIENT, `${at} gradient of student ${i}`)
      }
      if ((step + 1) % steps === 0) {
        close(
          memory.f32(block, size),
          tensor(`${at}/epoch${epoch}/student${i}`).values,
          WEIGHT,
          `${at} epoch ${epoch} student ${i}`,
        )
      }
    }
  }
}

export function close(mine: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number, what: string, relative = false) {
  expect(mine.length, what).toBe(theirs.length)
  let worst = 0
  for (let i = 0; i < mine.length; i++) {
    const error = Math.abs(mine[i] - theirs[i]) / (relative ? Math.abs(theirs[i]) : 1)
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error)
  }
  expect(worst, what).toBeLessThanOrEqual(tolerance)
}

export function checkStage(mine: StageResult, theirs: Recording['stages'][string], what: string) {
  mine.epochs.forEach(({ train, validation }, e) => {
    close(train.total, theirs.train_loss[e], SCALAR, `${what} train loss ${e}`, true)
    close(train.task, theirs.train_task_loss[e], SCALAR, `${what} train task loss ${e}`, true)
    close(validation.total, theirs.val_loss[e], SCALAR, `${what} validation loss ${e}`, true)
    close(validation.task, theirs.val_task_loss[e], SCALAR, `${what} validation task loss ${e}`, true)
  })
  expect([...mine.bestEpoch], `${what} best epochs`).toEqual(theirs.best_epoch)
  close(mine.losses, theirs.best_val_task_loss, SCALAR, `${what} best losses`, true)
}

/** MSE of outputs (rows), or the accuracy of the first of the largest of (rows, D), where the target is labels. */
export function score(outputs: ArrayLike<number>, target: ArrayLike<number>, D: number): number {
  let sum = 0
  for (let row = 0; row < target.length; row++) {
    sum += target instanceof Int32Array ? Number(argmax(outputs, row * D, D) === target[row]) : (outputs[row] - target[row]) ** 2
  }
  return sum / target.length
}

/** The same on the test rows of a case. */
export const testScore = ({ json, tensor }: Case, outputs: Float32Array): number =>
  score(outputs, tensor('data/test/y').values, json.config.output_dim)

export function average(outputs: Float32Array, weights: ArrayLike<number>): Float32Array {
  const size = outputs.length / weights.length
  const sum = new Float32Array(size)
  for (let i = 0; i < weights.length; i++) for (let k = 0; k < size; k++) sum[k] += weights[i] * outputs[i * size + k]
  return sum
}
