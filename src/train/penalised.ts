// Penalised (multinomial) logistic or linear regression, for a path of penalties: how students are solved that take no steps.

import type { TrainKernels } from '../wasm/kernels.ts'
import type { Memory, Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'

/** What is penalised: squared weights, or their sizes (Tibshirani, 1996). */
export type Norm = 'squares' | 'sizes'

/**
 * Penalties λ, strongest first, of the mean task loss + λ/2 ‖W‖² or + λ ‖W‖₁. The bias is free. scikit-learn's
 * `LogisticRegression(C)` has λ = 1 / (C n).
 */
const PENALTIES: Readonly<Record<Norm, readonly number[]>> = {
  squares: [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001],
  sizes: [0.2, 0.14, 0.1, 0.07, 0.05, 0.035, 0.025, 0.017, 0.012, 0.008, 0.0055, 0.0037, 0.0025, 0.0017, 0.001],
}

/** A squared error is steeper than a cross-entropy: its path begins higher. */
const OF_REGRESSIONS: Readonly<Record<Norm, readonly number[]>> = {
  squares: [30, 10, ...PENALTIES.squares],
  sizes: [0.8, 0.56, 0.4, 0.28, ...PENALTIES.sizes],
}

/** The penalties of a path. */
export const penaltiesOf = (norm: Norm, task: FittedRows['task']): readonly number[] =>
  (task === 'regression' ? OF_REGRESSIONS : PENALTIES)[norm]

/** What is fitted: features (rows, width) f32 in memory, labels (rows) i32 or values (rows, outputs) f32, and row weights of sum 1. */
export interface FittedRows {
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
/**
 * A fit ends where a step, the first apart, gains less than this part of the loss. Where features are as alike as those of a random
 * layer, weak penalties end some way above the lowest loss, which suits unseen rows no worse.
 */
const GAIN = 3e-6

/**
 * Blocks (weight (outputs, width), bias (outputs)) for each penalty, each solved from the one before, with products in f32 by the
 * kernels and everything else in f64: by L-BFGS (Liu & Nocedal, 1989), and by its form for sums of sizes, OWL-QN (Andrew & Gao, ICML
 * 2007).
 * @param more asked after each penalty whether to go on to the next; always when left out
 * @yields after each step
 */
export function* penalisedPath(
  session: Session<TrainKernels>,
  rows: FittedRows,
  norm: Norm,
  more: (block: Float32Array) => boolean = () => true,
): Generator<void, Float32Array[]> {
  const { memory, kernels } = session
  const mark = memory.mark()
  const slope = slopeOf(session, rows)
  const weights = rows.width * rows.outputs
  const room = roomFor(memory, weights + rows.outputs, weights, norm)
  const told = memory.alloc(4 * room.size)
  const blocks: Float32Array[] = []
  for (const penalty of penaltiesOf(norm, rows.task)) {
    yield* descend(session, room, slope, penalty)
    kernels.narrow64(told, room.here, room.size)
    blocks.push(memory.f32(told, room.size).slice())
    if (!more(blocks[blocks.length - 1])) break
  }
  memory.release(mark)
  return blocks
}

/** Bytes of a path beyond its rows: products of f32, and vectors of f64. */
export function pathBytes(rows: number, width: number, D: number, task: FittedRows['task']): number {
  const size = (width + 1) * D
  return 4 * (3 * size + (task === 'classification' ? 3 : 2) * rows * D) + 8 * size * (6 + 2 * (PAIRS + 1))
}

/** The mean loss at a point of f64, and its gradient, f64 too. */
type Slope = (gradient: Pointer, point: Pointer) => number

function slopeOf(
  { kernels, memory }: Session<TrainKernels>,
  { x, rows: B, width, task, target, outputs: D, weights }: FittedRows,
): Slope {
  const size = (width + 1) * D
  const free = width * D
  const block = memory.alloc(4 * size)
  const slope = memory.alloc(4 * size)
  const out = memory.alloc(4 * B * D)
  const told = task === 'classification' ? memory.alloc(4 * B * D) : out
  const dOut = memory.alloc(4 * B * D)
  return (gradient, point) => {
    kernels.narrow64(block, point, size)
    kernels.gemmNT(out, x, block, B, D, width, D, width, width, false)
    kernels.biasActivation(out, block + 4 * free, B, D, D, 0)
    memory.floats().fill(0, dOut / 4, dOut / 4 + B * D)
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
    kernels.widen64(gradient, slope, size)
    return loss
  }
}

/** A difference of points, of their slopes, and the inverse of its product. */
interface Pair {
  readonly s: Pointer
  readonly y: Pointer
  rho: number
}

/** Where a solver stands, and room for its steps: vectors of `size` numbers of f64, of which the first `weights` are penalised. */
interface Room {
  readonly size: number
  readonly weights: number
  readonly norm: Norm
  /** Where it stands and where it goes next, and the slopes there: they change places. */
  here: Pointer
  next: Pointer
  gradient: Pointer
  after: Pointer
  readonly steepest: Pointer
  readonly way: Pointer
  /** The oldest first. */
  readonly pairs: Pair[]
  readonly free: Pair[]
}

/** It stands at 0. */
function roomFor(memory: Memory, size: number, weights: number, norm: Norm): Room {
  const vector = () => memory.alloc(8 * size)
  const here = vector()
  memory.f64(here, size).fill(0)
  const [next, gradient, after, steepest, way] = [vector(), vector(), vector(), vector(), vector()]
  const free = Array.from({ length: PAIRS + 1 }, () => ({ s: vector(), y: vector(), rho: 0 }))
  return { size, weights, norm, here, next, gradient, after, steepest, way, pairs: [], free }
}

/**
 * Goes to where a convex loss with its penalty is lowest. A sum of sizes has no slope at 0: each step then stays on its side of 0 in
 * every direction.
 */
function* descend(session: Session<TrainKernels>, room: Room, slope: Slope, penalty: number): Generator<void, void> {
  const { kernels, memory } = session
  const { size, weights, norm, steepest, way, pairs, free } = room
  const sparse = norm === 'sizes'
  const valueAt = (gradient: Pointer, point: Pointer): number => {
    const loss = slope(gradient, point)
    if (sparse) return loss + penalty * sumOfSizes(memory.f64(point, weights))
    kernels.combine64(gradient, gradient, 1, point, penalty, weights)
    return loss + (penalty / 2) * kernels.dot64(point, point, weights)
  }
  // Another penalty is another function: what was learned of the last one's curvature is of no use.
  free.push(...pairs.splice(0))
  let value = valueAt(room.gradient, room.here)
  for (let step = 0; step < STEPS; step++) {
    const down = sparse ? steepest : room.gradient
    if (sparse)
      oneSided(memory.f64(steepest, size), memory.f64(room.here, size), memory.f64(room.gradient, size), penalty, weights)
    turn(session, room, down)
    if (sparse) keepDown(memory.f64(way, weights), memory.f64(down, weights))
    const fall = kernels.dot64(way, down, size)
    if (!(fall < 0)) break
    // The first step knows no scale: it is one of length 1 at the most.
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-fall))
    let found = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 20; tries++) {
      kernels.combine64(room.next, room.here, 1, way, length, size)
      if (sparse) keepSide(memory.f64(room.next, weights), memory.f64(room.here, weights), memory.f64(down, weights))
      found = valueAt(room.after, room.next)
      if (found <= value + 1e-4 * length * fall) break
      length /= 2
    }
    yield
    if (!(found < value)) break
    const gained = value - found
    value = found
    remember(session, room)
    ;[room.here, room.next] = [room.next, room.here]
    ;[room.gradient, room.after] = [room.after, room.gradient]
    // The first knows no scale, and may gain little for that alone.
    if (step > 0 && gained <= GAIN * Math.abs(value)) break
  }
}

function sumOfSizes(point: Float64Array): number {
  let sum = 0
  for (let j = 0; j < point.length; j++) sum += Math.abs(point[j])
  return sum
}

/** The steepest slope upwards of the whole; at 0, where neither side goes down, 0. */
function oneSided(out: Float64Array, point: Float64Array, gradient: Float64Array, penalty: number, weights: number): void {
  for (let j = 0; j < out.length; j++) {
    const g = gradient[j]
    if (j >= weights) out[j] = g
    else if (point[j] !== 0) out[j] = point[j] > 0 ? g + penalty : g - penalty
    else out[j] = g > penalty ? g - penalty : g < -penalty ? g + penalty : 0
  }
}

/** Nowhere against the slope. */
function keepDown(way: Float64Array, slope: Float64Array): void {
  for (let j = 0; j < way.length; j++) if (way[j] * slope[j] >= 0) way[j] = 0
}

/** To 0 and no further; from 0 down. */
function keepSide(next: Float64Array, here: Float64Array, slope: Float64Array): void {
  for (let j = 0; j < next.length; j++) if (next[j] * (here[j] === 0 ? -slope[j] : here[j]) < 0) next[j] = 0
}

/** Keeps the last step and how the slope changed, in place of the oldest. */
function remember({ kernels }: Session<TrainKernels>, { size, here, next, gradient, after, pairs, free }: Room): void {
  const pair = free.pop() as Pair
  kernels.combine64(pair.s, next, 1, here, -1, size)
  kernels.combine64(pair.y, after, 1, gradient, -1, size)
  const product = kernels.dot64(pair.s, pair.y, size)
  if (!(product > 0)) {
    free.push(pair)
    return
  }
  pair.rho = 1 / product
  pairs.push(pair)
  if (pairs.length > PAIRS) free.push(pairs.shift() as Pair)
}

/** The way down by the two-loop recursion. */
function turn({ kernels }: Session<TrainKernels>, { size, way, pairs }: Room, slope: Pointer): void {
  kernels.combine64(way, slope, -1, slope, 0, size)
  const alpha = new Float64Array(pairs.length)
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, rho } = pairs[k]
    alpha[k] = rho * kernels.dot64(s, way, size)
    kernels.combine64(way, way, 1, y, -alpha[k], size)
  }
  const last = pairs.at(-1)
  if (last) kernels.combine64(way, way, 1 / (last.rho * kernels.dot64(last.y, last.y, size)), way, 0, size)
  pairs.forEach(({ s, y, rho }, k) => {
    kernels.combine64(way, way, 1, s, alpha[k] - rho * kernels.dot64(y, way, size), size)
  })
}
