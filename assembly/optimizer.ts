// One step over one contiguous block of n parameters p with gradient g. All f32; operations in PyTorch's order.

import { loadTail, madd, storeTail, words } from './lib/simd'
import { dot } from './reduce'

/** v = momentum · v + (g + decay · p);  p -= rate · v.  torch.optim.SGD without dampening or Nesterov; v starts at 0. */
export function sgd(p: usize, g: usize, v: usize, n: i32, rate: f32, momentum: f32, decay: f32): void {
  const body = words(n & ~3)
  const rest = n & 3
  for (let i: usize = 0; i < body; i += 16) {
    const velocity = sgdVelocity(v128.load(p + i), v128.load(g + i), v128.load(v + i), momentum, decay)
    v128.store(v + i, velocity)
    v128.store(p + i, f32x4.sub(v128.load(p + i), f32x4.mul(f32x4.splat(rate), velocity)))
  }
  if (rest) {
    const velocity = sgdVelocity(loadTail(p + body, rest), loadTail(g + body, rest), loadTail(v + body, rest), momentum, decay)
    storeTail(v + body, velocity, rest)
    storeTail(p + body, f32x4.sub(loadTail(p + body, rest), f32x4.mul(f32x4.splat(rate), velocity)), rest)
  }
}

// @ts-ignore: decorator
@inline
function sgdVelocity(p: v128, g: v128, v: v128, momentum: f32, decay: f32): v128 {
  return f32x4.add(f32x4.mul(f32x4.splat(momentum), v), f32x4.add(g, f32x4.mul(f32x4.splat(decay), p)))
}

/**
 * Adam (Kingma & Ba, arXiv 1412.6980) as torch.optim.Adam: decay is L2 added to the gradient, ε outside the corrected root.
 * m, v start at 0; stepSize = rate / (1 - β₁ᵗ), root = √(1 - β₂ᵗ): running products of the caller.
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, n: i32,
  stepSize: f32, root: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, epsilon: f32, decay: f32,
): void {
  const body = n & ~3
  for (let i = 0; i < body; i += 4) {
    const o = words(i)
    const x = v128.load(p + o)
    const grad = madd(f32x4.splat(decay), x, v128.load(g + o))
    const m1 = madd(grad, f32x4.splat(rest1), f32x4.mul(v128.load(m + o), f32x4.splat(beta1)))
    const v1 = madd(f32x4.mul(f32x4.splat(rest2), grad), grad, f32x4.mul(v128.load(v + o), f32x4.splat(beta2)))
    v128.store(m + o, m1)
    v128.store(v + o, v1)
    v128.store(p + o, adamMove(x, m1, v1, stepSize, root, epsilon))
  }
  const rest = n & 3
  if (rest) {
    const o = words(body)
    const x = loadTail(p + o, rest)
    const grad = madd(f32x4.splat(decay), x, loadTail(g + o, rest))
    const m1 = madd(grad, f32x4.splat(rest1), f32x4.mul(loadTail(m + o, rest), f32x4.splat(beta1)))
    const v1 = madd(f32x4.mul(f32x4.splat(rest2), grad), grad, f32x4.mul(loadTail(v + o, rest), f32x4.splat(beta2)))
    storeTail(m + o, m1, rest)
    storeTail(v + o, v1, rest)
    storeTail(p + o, adamMove(x, m1, v1, stepSize, root, epsilon), rest)
  }
}

// @ts-ignore: decorator
@inline
function adamMove(x: v128, m: v128, v: v128, stepSize: f32, root: f32, epsilon: f32): v128 {
  const size = f32x4.add(f32x4.div(f32x4.sqrt(v), f32x4.splat(root)), f32x4.splat(epsilon))
  return f32x4.sub(x, f32x4.div(f32x4.mul(f32x4.splat(stepSize), m), size))
}

/** AdamW (Loshchilov & Hutter, arXiv 1711.05101): p shrinks by `keep` = 1 - rate · decay, apart from the gradient; then Adam. */
export function adamw(
  p: usize, g: usize, m: usize, v: usize, n: i32,
  stepSize: f32, root: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, epsilon: f32, keep: f32,
): void {
  const body = words(n & ~3)
  for (let i: usize = 0; i < body; i += 16) v128.store(p + i, f32x4.mul(v128.load(p + i), f32x4.splat(keep)))
  const rest = n & 3
  if (rest) storeTail(p + body, f32x4.mul(loadTail(p + body, rest), f32x4.splat(keep)), rest)
  adam(p, g, m, v, n, stepSize, root, beta1, beta2, rest1, rest2, epsilon, 0)
}

/**
 * Scales g (n) so that its Euclidean norm is at most `most`; the norm before.  torch.nn.utils.clip_grad_norm_, but for a norm
 * less than 1e-6 below `most`, which that shrinks all the same, and for NaN, which here leaves g as it is.
 */
export function clipNorm(g: usize, n: i32, most: f64): f64 {
  const norm = Math.sqrt(dot(g, g, n))
  if (!(norm > most)) return norm
  const factor = f32x4.splat(<f32>(most / (norm + 1e-6)))
  const body = words(n & ~3)
  const rest = n & 3
  for (let i: usize = 0; i < body; i += 16) v128.store(g + i, f32x4.mul(v128.load(g + i), factor))
  if (rest) storeTail(g + body, f32x4.mul(loadTail(g + body, rest), factor), rest)
  return norm
}
