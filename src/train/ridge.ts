// Linear students are not trained but solved: penalised (multinomial) logistic or linear regression, for a path of penalties.

import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'

/**
 * Penalties λ of the mean task loss + λ/2 ‖W‖², strongest first: half decades. The bias is free. scikit-learn's
 * `LogisticRegression(C)` has λ = 1 / (C n).
 */
export const PENALTIES: readonly number[] = [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]

/** What is fitted: features (rows, width) f32 in memory, labels (rows) i32 or values (rows, outputs) f32, and row weights of sum 1. */
export interface RidgeRows {
  readonly x: Pointer
  readonly rows: number
  readonly width: number
  readonly task: 'classification' | 'regression'
  readonly target: Pointer
  readonly outputs: number
  readonly weights: Pointer
}

/** Steps of a fit at the most; it rarely takes half of them. */
const STEPS = 200
/** Pairs that L-BFGS remembers. */
const PAIRS = 8
/** A fit ends where a step gains less than this part of the loss: f32 products carry no more. */
const GAIN = 1e-6

/**
 * Blocks (weight (outputs, width), bias (outputs)) for each penalty, each solved from the one before by L-BFGS (Liu & Nocedal, 1989):
 * products in f32 by the kernels, everything else in f64.
 * @yields after each step
 */
export function* ridgePath(
  session: Session<TrainKernels>,
  rows: RidgeRows,
  penalties: readonly number[] = PENALTIES,
): Generator<void, Float32Array[]> {
  const mark = session.memory.mark()
  const slope = slopeOf(session, rows)
  const size = (rows.width + 1) * rows.outputs
  let at: Float64Array = new Float64Array(size)
  const blocks: Float32Array[] = []
  for (const penalty of penalties) {
    at = yield* lowest(at, (point, gradient) => slope(point, gradient, penalty))
    blocks.push(Float32Array.from(at))
  }
  session.memory.release(mark)
  return blocks
}

type Slope = (point: Float64Array, gradient: Float64Array) => number

/** The penalised loss at a point, and its gradient. */
function slopeOf(
  { kernels, memory }: Session<TrainKernels>,
  { x, rows: B, width, task, target, outputs: D, weights }: RidgeRows,
): (point: Float64Array, gradient: Float64Array, penalty: number) => number {
  const size = (width + 1) * D
  const free = width * D
  const block = memory.alloc(4 * size)
  const slope = memory.alloc(4 * size)
  const out = memory.alloc(4 * B * D)
  const told = task === 'classification' ? memory.alloc(4 * B * D) : out
  const dOut = memory.alloc(4 * B * D)
  return (point, gradient, penalty) => {
    memory.f32(block, size).set(point)
    kernels.gemmNT(out, x, block, B, D, width, D, width, width, false)
    kernels.biasActivation(out, block + 4 * free, B, D, D, 0)
    memory.f32(dOut, B * D).fill(0)
    let loss: number
    if (task === 'classification') {
      loss = kernels.crossEntropyLabels(out, target, weights, B, D)
      kernels.softmax(told, out, B, D)
      kernels.addGradientLabels(dOut, told, target, weights, 1, B, D)
    } else {
      loss = kernels.squaredError(out, target, weights, B, D) / D
      kernels.addGradient(dOut, out, target, weights, 2 / D, B, D)
    }
    kernels.gemmTN(slope, dOut, x, D, width, B, width, D, width, false)
    kernels.columnSums(slope + 4 * free, dOut, B, D, D)
    gradient.set(memory.f32(slope, size))
    let squares = 0
    for (let j = 0; j < free; j++) {
      squares += point[j] * point[j]
      gradient[j] += penalty * point[j]
    }
    return loss + (penalty / 2) * squares
  }
}

/** Where a convex function is lowest, from a point on. */
function* lowest(from: Float64Array, slope: Slope): Generator<void, Float64Array> {
  const size = from.length
  let here = from.slice()
  let gradient = new Float64Array(size)
  let value = slope(here, gradient)
  let next = new Float64Array(size)
  let after = new Float64Array(size)
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = []
  for (let step = 0; step < STEPS; step++) {
    const direction = towards(gradient, pairs)
    const fall = dot(direction, gradient)
    if (!(fall < 0)) break
    // The first step knows no scale: it is one of length 1 at the most.
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-fall))
    let lower = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 20; tries++) {
      for (let j = 0; j < size; j++) next[j] = here[j] + length * direction[j]
      lower = slope(next, after)
      if (lower <= value + 1e-4 * length * fall) break
      length /= 2
    }
    yield
    if (!(lower < value)) break
    const gained = value - lower
    remember(pairs, here, next, gradient, after)
    ;[here, next] = [next, here]
    ;[gradient, after] = [after, gradient]
    value = lower
    if (gained <= GAIN * Math.abs(value)) break
  }
  return here
}

function remember(
  pairs: { s: Float64Array; y: Float64Array; rho: number }[],
  here: Float64Array,
  next: Float64Array,
  gradient: Float64Array,
  after: Float64Array,
): void {
  const s = next.map((v, j) => v - here[j])
  const y = after.map((v, j) => v - gradient[j])
  const product = dot(s, y)
  if (!(product > 0)) return
  pairs.push({ s, y, rho: 1 / product })
  if (pairs.length > PAIRS) pairs.shift()
}

/** The way down by the two-loop recursion. */
function towards(gradient: Float64Array, pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array {
  const way = gradient.slice()
  const alpha = new Float64Array(pairs.length)
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, rho } = pairs[k]
    alpha[k] = rho * dot(s, way)
    for (let j = 0; j < way.length; j++) way[j] -= alpha[k] * y[j]
  }
  const last = pairs.at(-1)
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1
  for (let j = 0; j < way.length; j++) way[j] *= scale
  pairs.forEach(({ s, y, rho }, k) => {
    const beta = rho * dot(y, way)
    for (let j = 0; j < way.length; j++) way[j] += (alpha[k] - beta) * s[j]
  })
  for (let j = 0; j < way.length; j++) way[j] = -way[j]
  return way
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j]
  return sum
}
