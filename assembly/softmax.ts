// B rows, D classes; f32, row-major, rows without gaps.

import { exp4 } from './lib/math'
import { firstLanes, loadTail, maxLanes, storeTail, sumLanes, words } from './lib/simd'

/** p (B,D) = softmax of each row of z (B,D); the row's largest value is taken off first, so no finite z overflows.  In place: yes. */
export function softmax(p: usize, z: usize, B: i32, D: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    const top = f32x4.splat(rowMax(z, D))
    let sum = f32x4.splat(0)
    for (let d: usize = 0; d < body; d += 16) {
      const e = exp4(f32x4.sub(v128.load(z + d), top))
      v128.store(p + d, e)
      sum = f32x4.add(sum, e)
    }
    if (rest) {
      const e = v128.and(exp4(f32x4.sub(loadTail(z + body, rest), top)), firstLanes(rest))
      storeTail(p + body, e, rest)
      sum = f32x4.add(sum, e)
    }
    const total = f32x4.splat(sumLanes(sum))
    for (let d: usize = 0; d < body; d += 16) v128.store(p + d, f32x4.div(v128.load(p + d), total))
    if (rest) storeTail(p + body, f32x4.div(loadTail(p + body, rest), total), rest)
    z += words(D)
    p += words(D)
  }
}

/** The largest of n ≥ 1 values at x; NaN if any is. */
export function rowMax(x: usize, n: i32): f32 {
  const body = words(n & ~3)
  const rest = n & 3
  let top = f32x4.splat(-Infinity)
  for (let d: usize = 0; d < body; d += 16) top = f32x4.max(top, v128.load(x + d))
  if (rest) top = f32x4.max(top, v128.bitselect(loadTail(x + body, rest), top, firstLanes(rest)))
  return maxLanes(top)
}
