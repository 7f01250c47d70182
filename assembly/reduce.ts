// Sums over arrays, rows and columns. B rows, D columns, M arrays; f32, row-major. dot and columnMoments add in f64, columnSums
// and weightedSum in f32, one row or array after the other.

import { highF64, loadTail, lowF64, storeTail, sumLanesF64, words } from './lib/simd'

/** Σ a[i] · b[i] over n values, in f64. */
export function dot(a: usize, b: usize, n: i32): f64 {
  const body = words(n & ~3)
  const rest = n & 3
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (let i: usize = 0; i < body; i += 16) {
    const x = v128.load(a + i)
    const y = v128.load(b + i)
    low = f64x2.add(low, f64x2.mul(lowF64(x), lowF64(y)))
    high = f64x2.add(high, f64x2.mul(highF64(x), highF64(y)))
  }
  if (rest) {
    const x = loadTail(a + body, rest)
    const y = loadTail(b + body, rest)
    low = f64x2.add(low, f64x2.mul(lowF64(x), lowF64(y)))
    high = f64x2.add(high, f64x2.mul(highF64(x), highF64(y)))
  }
  return sumLanesF64(f64x2.add(low, high))
}

/** out (D) = Σ over the rows of x (B,D): a bias gradient. */
export function columnSums(out: usize, x: usize, B: i32, D: i32, ldx: i32): void {
  memory.fill(out, 0, words(D))
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    for (let d: usize = 0; d < body; d += 16) v128.store(out + d, f32x4.add(v128.load(out + d), v128.load(x + d)))
    if (rest) storeTail(out + body, f32x4.add(loadTail(out + body, rest), loadTail(x + body, rest)), rest)
    x += words(ldx)
  }
}

/** mean (D), variance (D) of the columns of x (B,D), divided by B; two passes, f64 inside.  B ≥ 1. */
export function columnMoments(mean: usize, variance: usize, x: usize, B: i32, D: i32, ldx: i32): void {
  const step = words(ldx)
  for (let d = 0; d < D; d += 4) {
    const n = min(4, D - d)
    const column = x + words(d)
    let low = f64x2.splat(0)
    let high = low
    let p = column
    for (let b = 0; b < B; b++, p += step) {
      const v = n == 4 ? v128.load(p) : loadTail(p, n)
      low = f64x2.add(low, lowF64(v))
      high = f64x2.add(high, highF64(v))
    }
    const rows = f64x2.splat(<f64>B)
    const meanLow = f64x2.div(low, rows)
    const meanHigh = f64x2.div(high, rows)
    low = f64x2.splat(0)
    high = low
    p = column
    for (let b = 0; b < B; b++, p += step) {
      const v = n == 4 ? v128.load(p) : loadTail(p, n)
      const dLow = f64x2.sub(lowF64(v), meanLow)
      const dHigh = f64x2.sub(highF64(v), meanHigh)
      low = f64x2.add(low, f64x2.mul(dLow, dLow))
      high = f64x2.add(high, f64x2.mul(dHigh, dHigh))
    }
    put(mean + words(d), meanLow, meanHigh, n)
    put(variance + words(d), f64x2.div(low, rows), f64x2.div(high, rows), n)
  }
}

/** Stores n (1 to 4) doubles, two vectors of them, as floats. */
// @ts-ignore: decorator
@inline
function put(out: usize, low: v128, high: v128, n: i32): void {
  const v = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
  if (n == 4) v128.store(out, v)
  else storeTail(out, v, n)
}

/** out (B,D) = (x (B,D) - mean (D)) / scale (D).  In place: yes. */
export function standardize(out: usize, x: usize, mean: usize, scale: usize, B: i32, D: i32, ldo: i32, ldx: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    for (let d: usize = 0; d < body; d += 16) {
      v128.store(out + d, f32x4.div(f32x4.sub(v128.load(x + d), v128.load(mean + d)), v128.load(scale + d)))
    }
    if (rest) {
      const centred = f32x4.sub(loadTail(x + body, rest), loadTail(mean + body, rest))
      storeTail(out + body, f32x4.div(centred, loadTail(scale + body, rest)), rest)
    }
    out += words(ldo)
    x += words(ldx)
  }
}

/** out (n) = Σ w[m] · x[m] over x (M,n), w (M): an ensemble's output, in the order of m. */
export function weightedSum(out: usize, x: usize, w: usize, M: i32, n: i32): void {
  memory.fill(out, 0, words(n))
  const body = words(n & ~3)
  const rest = n & 3
  for (let m = 0; m < M; m++) {
    const weight = v128.load32_splat(w + words(m))
    for (let i: usize = 0; i < body; i += 16) {
      v128.store(out + i, f32x4.add(v128.load(out + i), f32x4.mul(weight, v128.load(x + i))))
    }
    if (rest) storeTail(out + body, f32x4.add(loadTail(out + body, rest), f32x4.mul(weight, loadTail(x + body, rest))), rest)
    x += words(n)
  }
}
