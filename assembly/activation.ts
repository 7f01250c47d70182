// Bias and activation after a product, and the derivative from the activation's own output.
// B rows, D columns; f32, row-major; leading dimensions in elements.
//
// kind: 0 identity, 1 relu, 2 tanh, 3 sigmoid (the order of ACTIVATIONS in src/nn/dense.ts).

import { sigmoid4, tanh4 } from './lib/math'
import { loadTail, storeTail, words } from './lib/simd'

/** x (B,D) = act(x + bias (D)).  In place: yes. */
export function biasActivation(x: usize, bias: usize, B: i32, D: i32, ldx: i32, kind: i32): void {
  // Each case is the same loop with its own constant, so the branch is outside.
  if (kind == 0) forward(x, bias, B, D, ldx, 0)
  else if (kind == 1) forward(x, bias, B, D, ldx, 1)
  else if (kind == 2) forward(x, bias, B, D, ldx, 2)
  else forward(x, bias, B, D, ldx, 3)
}

/** dOut (B,D) *= act'(z), from y = act(z): relu y > 0, tanh 1 - y², sigmoid y (1 - y).  In place on dOut. */
export function activationGradient(dOut: usize, y: usize, B: i32, D: i32, ldd: i32, ldy: i32, kind: i32): void {
  if (kind == 1) backward(dOut, y, B, D, ldd, ldy, 1)
  else if (kind == 2) backward(dOut, y, B, D, ldd, ldy, 2)
  else if (kind == 3) backward(dOut, y, B, D, ldd, ldy, 3)
}

// @ts-ignore: decorator
@inline
function act(x: v128, kind: i32): v128 {
  if (kind == 1) return f32x4.max(x, f32x4.splat(0))
  if (kind == 2) return tanh4(x)
  if (kind == 3) return sigmoid4(x)
  return x
}

// @ts-ignore: decorator
@inline
function forward(x: usize, bias: usize, B: i32, D: i32, ldx: i32, kind: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    for (let d: usize = 0; d < body; d += 16) {
      v128.store(x + d, act(f32x4.add(v128.load(x + d), v128.load(bias + d)), kind))
    }
    if (rest) storeTail(x + body, act(f32x4.add(loadTail(x + body, rest), loadTail(bias + body, rest)), kind), rest)
    x += words(ldx)
  }
}

// @ts-ignore: decorator
@inline
function slope(d: v128, y: v128, kind: i32): v128 {
  if (kind == 1) return v128.and(d, f32x4.gt(y, f32x4.splat(0)))
  if (kind == 2) return f32x4.mul(d, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)))
  return f32x4.mul(d, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)))
}

// @ts-ignore: decorator
@inline
function backward(dOut: usize, y: usize, B: i32, D: i32, ldd: i32, ldy: i32, kind: i32): void {
  const body = words(D & ~3)
  const rest = D & 3
  for (let b = 0; b < B; b++) {
    for (let d: usize = 0; d < body; d += 16) {
      v128.store(dOut + d, slope(v128.load(dOut + d), v128.load(y + d), kind))
    }
    if (rest) storeTail(dOut + body, slope(loadTail(dOut + body, rest), loadTail(y + body, rest), kind), rest)
    dOut += words(ldd)
    y += words(ldy)
  }
}
