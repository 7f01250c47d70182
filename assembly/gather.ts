// Choosing rows. 32-bit words of any type; leading dimensions in elements.

import { words } from './lib/simd'

/** out (B,D) = rows index[b] (i32) of x.  In place: no. */
export function gatherRows(out: usize, x: usize, index: usize, B: i32, D: i32, ldo: i32, ldx: i32): void {
  const bytes = words(D)
  for (let b = 0; b < B; b++) {
    memory.copy(out, x + (((<usize>load<i32>(index + words(b))) * (<usize>ldx)) << 2), bytes)
    out += words(ldo)
  }
}
