// The method again, slow and in f64: what a student says, what it loses, and the slope of that by finite differences.
// Nothing here is taken from the code that is tested but the order of a block: encoders by modality, then the head; in each,
// layer by layer, weight (outputs, inputs) and bias (outputs).

import { extractorName } from '../../src/fusion/extractor.ts'
import type { StudentSpec } from '../../src/fusion/student.ts'
import type { Activation } from '../../src/nn/dense.ts'
import type { Normalizer } from '../../src/train/sharing.ts'
import type { Made } from './cohort.ts'

export const ACTIVATION: Record<Activation, (z: number) => number> = {
  identity: (z) => z,
  relu: (z) => Math.max(z, 0),
  tanh: Math.tanh,
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
}

/** A network on one row. Its parameters stand in `block` from `at` on; `masks` are factors of its hidden layers, from first to last. */
export function network(
  x: readonly number[],
  widths: readonly number[],
  activation: Activation,
  block: ArrayLike<number>,
  at = 0,
  masks: readonly ArrayLike<number>[] = [],
): number[] {
  let y = x
  let p = at
  for (let l = 1; l < widths.length; l++) {
    const act = l === widths.length - 1 ? ACTIVATION.identity : ACTIVATION[activation]
    const bias = p + widths[l] * y.length
    const z: number[] = []
    for (let o = 0; o < widths[l]; o++) {
      let sum = block[bias + o]
      for (let k = 0; k < y.length; k++) sum += block[p++] * y[k]
      z.push(act(sum) * (masks[l - 1]?.[o] ?? 1))
    }
    y = z
    p += widths[l]
  }
  return [...y]
}

/** How many parameters a network has. */
export const sizeOf = (widths: readonly number[]): number =>
  widths.slice(1).reduce((sum, outputs, l) => sum + outputs * (widths[l] + 1), 0)

/** What a student says to one row of its sources; masks of its encoders' hidden layers, then of its head's. */
export function speak(
  spec: StudentSpec,
  features: readonly number[],
  block: ArrayLike<number>,
  row: (s: string) => number[],
  masks: readonly ArrayLike<number>[] = [],
): number[] {
  let at = 0
  let hidden = 0
  const input = spec.extractors.flatMap((e, m) => {
    if (e.kind === 'skip') return []
    if (e.kind === 'raw') return row(`${m}:raw`)
    if (e.kind === 'pca') return row(`${m}:${extractorName(e)}`)
    if (e.kind === 'frozen-sliced') return row(`${m}:${extractorName(e)}`)
    const widths = [features[m], ...e.widths]
    const latent = network(row(`${m}:raw`), widths, spec.activation, block, at, masks.slice(hidden, hidden + widths.length - 2))
    hidden += widths.length - 2
    at += sizeOf(widths)
    return e.kind === 'sliced' ? latent.map(ACTIVATION[spec.activation]) : latent
  })
  return network(input, [input.length, ...spec.hidden, spec.outputs], spec.activation, block, at, masks.slice(hidden))
}

/** What the sources of a made problem hold in a row. */
export function sourcesAt({ tables }: Made, row: number): (source: string) => number[] {
  const rows = new Map(
    [...tables].map(([name, { values, width }]) => [name, Array.from(values.subarray(row * width, (row + 1) * width))]),
  )
  return (source) => {
    const found = rows.get(source)
    if (!found) throw new Error(`there is no source ${source}`)
    return found
  }
}

export function softmax(z: readonly number[]): number[] {
  const top = Math.max(...z)
  const e = z.map((v) => Math.exp(v - top))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((v) => v / sum)
}

/** A task: its loss on one row, and how far one student's row is from another's. */
export interface Task {
  loss(out: readonly number[], row: number): number
  /** The loss against all classes alike. */
  blurred(out: readonly number[]): number
  /** Mean squared difference, or KL(softmax other ‖ softmax out). */
  apart(out: readonly number[], other: readonly number[]): number
}

export function taskOf({ problem, target }: Made): Task {
  if (problem.target.task === 'classification') {
    return {
      loss: (z, row) => -Math.log(softmax(z)[target[row]]),
      blurred: (z) => softmax(z).reduce((sum, p) => sum - Math.log(p) / z.length, 0),
      apart: (z, other) => {
        const p = softmax(z)
        return softmax(other).reduce((sum, q, d) => sum + q * Math.log(q / p[d]), 0)
      },
    }
  }
  const squares = (a: readonly number[], b: ArrayLike<number>) => a.reduce((sum, v, d) => sum + (v - b[d]) ** 2, 0) / a.length
  return {
    loss: (out, row) => squares(out, target.subarray(row * out.length, (row + 1) * out.length)),
    blurred: () => Number.NaN,
    apart: squares,
  }
}

/**
 * The loss of student i: task + ρ · Σ_{j≠i} w_j D(f_i, f_j) / Σ_j w_j, the mean over the rows it sees, the sum over the students
 * that see the row, the denominator over all of them, i too, or not, by the normaliser; without a teacher in the row, no
 * divergence. The task loss goes by the weights of the rows; what is trained blurs it by label smoothing. What the others say is
 * given and does not move.
 * @param mine what student i says to row b of the batch
 * @param said what all say, (students, rows)
 */
export function lossOf(
  made: Made,
  i: number,
  rows: Int32Array,
  rho: number,
  teachers: ArrayLike<number>,
  mine: (b: number) => readonly number[],
  said: readonly (readonly number[])[][],
  normalizer: Normalizer = 'all',
): { task: number; total: number } {
  const { loss, blurred, apart } = taskOf(made)
  const { sees, target } = made.problem
  const { weights, smoothing = 0 } = target
  let task = 0
  let trained = 0
  let weighed = 0
  let divergence = 0
  let seen = 0
  rows.forEach((row, b) => {
    if (!sees[i][row]) return
    seen++
    const out = mine(b)
    const own = weights?.[row] ?? 1
    weighed += own
    task += own * loss(out, row)
    trained += own * (smoothing > 0 ? (1 - smoothing) * loss(out, row) + smoothing * blurred(out) : loss(out, row))
    const teaches = (j: number) => sees[j][row] && teachers[j] > 0 && (normalizer === 'all' || j !== i)
    const able = Array.from(sees.keys()).filter(teaches)
    const weight = able.reduce((sum, j) => sum + teachers[j], 0)
    for (const j of able) if (j !== i) divergence += (teachers[j] * apart(out, said[j][b])) / weight
  })
  return { task: task / weighed, total: trained / weighed + (rho * divergence) / seen }
}

/** The slope of f at x by central differences: off by about 1e-9 for functions and arguments of size 1. */
export function slope(f: (x: Float64Array) => number, x: ArrayLike<number>, step = 1e-5): Float64Array {
  const at = Float64Array.from(x)
  return at.map((v, p) => {
    at[p] = v + step
    const above = f(at)
    at[p] = v - step
    const below = f(at)
    at[p] = v
    return (above - below) / (2 * step)
  })
}

/** Loss and gradient of every student by definition. @param masks of student i in row b of the batch */
export function defined(
  made: Made,
  blocks: readonly Float32Array[],
  rho: number,
  teachers: ArrayLike<number>,
  rows: Int32Array = made.problem.train,
  { normalizer, masks = () => [] }: { normalizer?: Normalizer; masks?: (i: number, b: number) => ArrayLike<number>[] } = {},
): { task: number[]; total: number[]; gradients: Float64Array[] } {
  const { students, sources } = made.problem
  const features = Array.from({ length: students[0].spec.extractors.length }, (_, m) => sources.get(`${m}:raw`)?.width ?? 0)
  const readers = Array.from(rows, (row) => sourcesAt(made, row))
  const outputOf = (i: number, block: ArrayLike<number>, b: number) =>
    speak(students[i].spec, features, block, readers[b], masks(i, b))
  const said = blocks.map((block, i) => Array.from(rows, (_, b) => outputOf(i, block, b)))
  const losses = blocks.map((_, i) => lossOf(made, i, rows, rho, teachers, (b) => said[i][b], said, normalizer))
  const gradients = blocks.map((block, i) => {
    const f = (x: Float64Array) => lossOf(made, i, rows, rho, teachers, (b) => outputOf(i, x, b), said, normalizer).total
    return slope(f, block)
  })
  return { task: losses.map((l) => l.task), total: losses.map((l) => l.total), gradients }
}
