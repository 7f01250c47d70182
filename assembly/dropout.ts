// Inverted dropout (Srivastava et al., JMLR 15, 2014): a mask drawn anew for every batch, and its product with a layer.
// n values, f32, without gaps.

import { loadTail, storeTail, words } from './lib/simd'
import { unit } from './random'

/** mask (n) = 0 with the probability `rate` in [0, 1), else 1 / (1 - rate); one draw from `state` each, in order. */
export function dropoutMask(mask: usize, state: usize, n: i32, rate: f32): void {
  const kept: f32 = <f32>1 / (<f32>1 - rate)
  for (let i = 0; i < n; i++) store<f32>(mask + words(i), unit(state) < rate ? <f32>0 : kept)
}

/** out (n) = x (n) · y (n).  In place on either: yes. */
export function multiply(out: usize, x: usize, y: usize, n: i32): void {
  const body = words(n & ~3)
  const rest = n & 3
  for (let i: usize = 0; i < body; i += 16) v128.store(out + i, f32x4.mul(v128.load(x + i), v128.load(y + i)))
  if (rest) storeTail(out + body, f32x4.mul(loadTail(x + body, rest), loadTail(y + body, rest)), rest)
}
