// Losses and their gradients. B rows, D outputs or classes; f32, row-major, rows without gaps; labels are i32.
//
// w (B) is what a row counts, the mean's 1 / rows included: 0 for a row that the student cannot see, so that such a row has
// no share in a loss or a gradient. Values are summed in f64.
//
// MSE's gradient is 2 (out - y) / D and that of cross-entropy on softmax p is p - t, so one kernel serves both, and serves
// mutual learning too: its target is the teachers' consensus.

import { exp4, log4 } from './lib/math'
import { firstLanes, highF64, loadTail, lowF64, storeTail, sumLanes, sumLanesF64, words } from './lib/simd'
import { rowMax } from './softmax'

/** Σ w[b] · Σ (out - y)² over out, y (B,D). The mean over D is the caller's. */
export function squaredError(out: usize, y: usize, w: usize, B: i32, D: i32): f64 {
  const body = words(D & ~3)
  const rest = D & 3
  let total: f64 = 0
  for (let b = 0; b < B; b++) {
    let sum = f64x2.splat(0)
    for (let d: usize = 0; d < body; d += 16) sum = f64x2.add(sum, squares(f32x4.sub(v128.load(out + d), v128.load(y + d))))
    if (rest) sum = f64x2.add(sum, squares(f32x4.sub(loadTail(out + body, rest), loadTail(y + body, rest))))
    total += <f64>load<f32>(w + words(b)) * sumLanesF64(sum)
    out += words(D)
    y += words(D)
  }
  return total
}

// @ts-ignore: decorator
@inline
function squares(e: v128): v128 {
  const low = lowF64(e)
  const high = highF64(e)
  return f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high))
}

/** Σ w[b] · -ln softmax(z[b])[label[b]] over z (B,D). */
export function crossEntropyLabels(z: usize, labels: usize, w: usize, B: i32, D: i32): f64 {
  let total: f64 = 0
  for (let b = 0; b < B; b++) {
    const picked = load<f32>(z + words(load<i32>(labels + words(b))))
    total += <f64>load<f32>(w + words(b)) * (logSumExp(z, D) - <f64>picked)
    z += words(D)
  }
  return total
}

/** Σ w[b] · -ln p[b, label[b]] over probabilities p (B,D), none counted as smaller than 1e-15. */
export function logLossLabels(p: usize, labels: usize, w: usize, B: i32, D: i32): f64 {
  let total: f64 = 0
  for (let b = 0; b < B; b++) {
    const picked = max<f32>(load<f32>(p + words(load<i32>(labels + words(b)))), 1e-15)
    total -= <f64>load<f32>(w + words(b)) * <f64>f32x4.extract_lane(log4(f32x4.splat(picked)), 0)
    p += words(D)
  }
  return total
}

/** Σ w[b] · -Σ t ln softmax(z) over z, t (B,D), rows of t summing to 1. */
export function crossEntropy(z: usize, t: usize, w: usize, B: i32, D: i32): f64 {
  let total: f64 = 0
  for (let b = 0; b < B; b++) {
    const lse = logSumExp(z, D)
    let sum: f64 = 0
    for (let d = 0; d < D; d++) sum += <f64>load<f32>(t + words(d)) * (lse - <f64>load<f32>(z + words(d)))
    total += <f64>load<f32>(w + words(b)) * sum
    z += words(D)
    t += words(D)
  }
  return total
}

/** ln Σ eᶻ of one row. */
function logSumExp(z: usize, D: i32): f64 {
  const body = words(D & ~3)
  const rest = D & 3
  const top = rowMax(z, D)
  const shift = f32x4.splat(top)
  let sum = f32x4.splat(0)
  for (let d: usize = 0; d < body; d += 16) sum = f32x4.add(sum, exp4(f32x4.sub(v128.load(z + d), shift)))
  if (rest) sum = f32x4.add(sum, v128.and(exp4(f32x4.sub(loadTail(z + body, rest), shift)), firstLanes(rest)))
  return <f64>top + <f64>f32x4.extract_lane(log4(f32x4.splat(sumLanes(sum))), 0)
}

/** dOut (B,D) += scale · w[b] · (a - t), a and t (B,D): the gradient against outputs or soft targets. */
export function addGradient(dOut: usize, a: usize, t: usize, w: usize, scale: f32, B: i32, D: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    const c = f32x4.splat(scale * load<f32>(w + words(b)))
    for (let d: usize = 0; d < body; d += 16) {
      const g = f32x4.mul(c, f32x4.sub(v128.load(a + d), v128.load(t + d)))
      v128.store(dOut + d, f32x4.add(v128.load(dOut + d), g))
    }
    if (rest) {
      const g = f32x4.mul(c, f32x4.sub(loadTail(a + body, rest), loadTail(t + body, rest)))
      storeTail(dOut + body, f32x4.add(loadTail(dOut + body, rest), g), rest)
    }
    dOut += words(D)
    a += words(D)
    t += words(D)
  }
}

/** dOut (B,D) += scale · w[b] · (p - one-hot(label[b])), p (B,D): the gradient against hard targets. */
export function addGradientLabels(dOut: usize, p: usize, labels: usize, w: usize, scale: f32, B: i32, D: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    const weight = scale * load<f32>(w + words(b))
    const picked = words(load<i32>(labels + words(b)))
    const before = load<f32>(dOut + picked)
    const c = f32x4.splat(weight)
    for (let d: usize = 0; d < body; d += 16) v128.store(dOut + d, f32x4.add(v128.load(dOut + d), f32x4.mul(c, v128.load(p + d))))
    if (rest) storeTail(dOut + body, f32x4.add(loadTail(dOut + body, rest), f32x4.mul(c, loadTail(p + body, rest))), rest)
    // The label's own entry again, from p - 1: subtracting 1 afterwards would lose the digits of a small p - 1.
    store<f32>(dOut + picked, before + weight * (load<f32>(p + picked) - 1))
    dOut += words(D)
    p += words(D)
  }
}
