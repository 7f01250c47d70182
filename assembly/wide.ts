// Vectors of f64: what a solver keeps between its steps, whose products are f32. n numbers.

import { sumLanesF64, words } from './lib/simd'

/** Bytes of n 64-bit numbers. */
// @ts-ignore: decorator
@inline
function doubles(n: i32): usize {
  return (<usize>n) << 3
}

/** Σ a[i] · b[i]: eight sums side by side, then the rest one after the other. */
export function dot64(a: usize, b: usize, n: i32): f64 {
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0)
  let s3 = f64x2.splat(0)
  const body = doubles(n & ~7)
  const end = doubles(n)
  for (let i: usize = 0; i < body; i += 64) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a + i), v128.load(b + i)))
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a + i, 16), v128.load(b + i, 16)))
    s2 = f64x2.add(s2, f64x2.mul(v128.load(a + i, 32), v128.load(b + i, 32)))
    s3 = f64x2.add(s3, f64x2.mul(v128.load(a + i, 48), v128.load(b + i, 48)))
  }
  let sum = sumLanesF64(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)))
  for (let i = body; i < end; i += 8) sum += load<f64>(a + i) * load<f64>(b + i)
  return sum
}

/** out = x · a + y · b, element by element. In place: out may be a or b. */
export function combine64(out: usize, a: usize, x: f64, b: usize, y: f64, n: i32): void {
  const body = doubles(n & ~1)
  for (let i: usize = 0; i < body; i += 16) {
    const left = f64x2.mul(f64x2.splat(x), v128.load(a + i))
    v128.store(out + i, f64x2.add(left, f64x2.mul(f64x2.splat(y), v128.load(b + i))))
  }
  if (n & 1) store<f64>(out + body, x * load<f64>(a + body) + y * load<f64>(b + body))
}

/** out (f32) = x (f64), rounded. */
export function narrow64(out: usize, x: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f32>(out + words(i), <f32>load<f64>(x + doubles(i)))
}

/** out (f64) = x (f32). */
export function widen64(out: usize, x: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<f64>(out + doubles(i), <f64>load<f32>(x + words(i)))
}
