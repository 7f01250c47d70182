// xoshiro128++ 1.0 (D. Blackman, S. Vigna, prng.di.unimi.it, public domain). The four words of its state stand at `state`;
// they must not all be zero. There is no other source of randomness in the project.

import { log4 } from './lib/math'
import { words } from './lib/simd'

// @ts-ignore: decorator
@inline
function next(state: usize): u32 {
  const s0 = load<u32>(state)
  let s1 = load<u32>(state, 4)
  let s2 = load<u32>(state, 8)
  let s3 = load<u32>(state, 12)
  const result = rotl<u32>(s0 + s3, 7) + s0
  const t = s1 << 9
  s2 ^= s0
  s3 ^= s1
  s1 ^= s2
  store<u32>(state, s0 ^ s3)
  store<u32>(state, s1, 4)
  store<u32>(state, s2 ^ t, 8)
  store<u32>(state, rotl<u32>(s3, 11), 12)
  return result
}

/** [0, 1) in steps of 2⁻²⁴. */
// @ts-ignore: decorator
@inline
export function unit(state: usize): f32 {
  return <f32>(next(state) >> 8) * 5.9604644775390625e-8
}

/** out (n) f32 = uniform on [low, high), or all low if high ≤ low. */
export function uniforms(out: usize, state: usize, n: i32, low: f32, high: f32): void {
  for (let i = 0; i < n; i++) {
    const v = low + (high - low) * unit(state)
    store<f32>(out + words(i), v < high ? v : low) // the sum may round up to high
  }
}

/** out (n) f32 = standard normal, by Marsaglia's polar method; draws come in pairs, the last is dropped when n is odd. */
export function normals(out: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i += 2) {
    let x: f32
    let y: f32
    let s: f32
    do {
      x = 2 * unit(state) - 1
      y = 2 * unit(state) - 1
      s = x * x + y * y
    } while (s >= 1 || s == 0)
    const factor = sqrt<f32>((-2 * f32x4.extract_lane(log4(f32x4.splat(s)), 0)) / s)
    store<f32>(out + words(i), x * factor)
    if (i + 1 < n) store<f32>(out + words(i + 1), y * factor)
  }
}

/** out (n) i32 = a random order of 0 … n-1 (Fisher-Yates; D. Lemire's unbiased bounded numbers, arXiv 1805.10941). */
export function permutation(out: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i32>(out + words(i), i)
  for (let i = n - 1; i > 0; i--) {
    const bound = <u32>i + 1
    let wide = <u64>next(state) * <u64>bound
    if (<u32>wide < bound) {
      const refuse: u32 = (<u32>0 - bound) % bound
      while (<u32>wide < refuse) wide = <u64>next(state) * <u64>bound
    }
    const j = <i32>(wide >> 32)
    const held = load<i32>(out + words(i))
    store<i32>(out + words(i), load<i32>(out + words(j)))
    store<i32>(out + words(j), held)
  }
}
