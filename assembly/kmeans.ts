// Exact one-dimensional k-means by dynamic programming over the sorted values: no seeds, no restarts, always the optimum.
// (H. Wang, M. Song, Ckmeans.1d.dp, The R Journal 3/2, 2011.)

import { words } from './lib/simd'

/**
 * label (n) i32 = cluster of each value of x (n) f64, 0 the cluster of the smallest; the sum of squared distances to the
 * clusters' means. Of equal partitions the one whose upper clusters begin earliest; equal values stay in their order.
 * x finite, 1 ≤ k ≤ n; a NaN makes labels without meaning, but below k.
 * scratch: 16 · (n + 1) · (k + 2) bytes, 8-byte aligned.
 */
export function kmeans1d(label: usize, x: usize, scratch: usize, n: i32, k: i32): f64 {
  // order (n+1) i32 in the room of f64s; prefix sums (n+1); prefix sums of squares (n+1); cost, start: (k, n)
  const stride = (<usize>n + 1) << 3
  const order = scratch
  const sums = order + stride
  const squares = sums + stride
  const cost = squares + stride
  const start = cost + stride * <usize>k
  for (let i = 0; i < n; i++) {
    const v = load<f64>(x + ((<usize>i) << 3))
    let j = i
    for (; j > 0 && load<f64>(x + ((<usize>load<i32>(order + words(j - 1))) << 3)) > v; j--) {
      store<i32>(order + words(j), load<i32>(order + words(j - 1)))
    }
    store<i32>(order + words(j), i)
  }
  // Sums of distances from the median keep their digits when the values are close together.
  const middle = load<f64>(x + ((<usize>load<i32>(order + words(n >> 1))) << 3))
  store<f64>(sums, 0)
  store<f64>(squares, 0)
  for (let i = 0; i < n; i++) {
    const v = load<f64>(x + ((<usize>load<i32>(order + words(i))) << 3)) - middle
    const o = (<usize>i) << 3
    store<f64>(sums + o, load<f64>(sums + o) + v, 8)
    store<f64>(squares + o, load<f64>(squares + o) + v * v, 8)
  }
  for (let i = 0; i < n; i++) {
    store<f64>(cost + ((<usize>i) << 3), within(sums, squares, 0, i))
    store<i32>(start + ((<usize>i) << 3), 0)
  }
  for (let c = 1; c < k; c++) {
    const row = cost + stride * <usize>c
    const from = start + stride * <usize>c
    for (let i = c; i < n; i++) {
      let best = Infinity
      let first = c
      for (let j = c; j <= i; j++) {
        const total = load<f64>(row - stride + ((<usize>(j - 1)) << 3)) + within(sums, squares, j, i)
        if (total < best) {
          best = total
          first = j
        }
      }
      store<f64>(row + ((<usize>i) << 3), best)
      store<i32>(from + ((<usize>i) << 3), first)
    }
  }
  let last = n - 1
  for (let c = k - 1; c >= 0; c--) {
    const first = load<i32>(start + stride * <usize>c + ((<usize>last) << 3))
    for (let i = first; i <= last; i++) store<i32>(label + words(load<i32>(order + words(i))), c)
    last = first - 1
  }
  return load<f64>(cost + stride * <usize>(k - 1) + ((<usize>(n - 1)) << 3))
}

/** Squared distances of sorted values i … j to their mean; exactly 0 for one value. */
// @ts-ignore: decorator
@inline
function within(sums: usize, squares: usize, i: i32, j: i32): f64 {
  if (i == j) return 0
  const a = (<usize>i) << 3
  const b = (<usize>(j + 1)) << 3
  const sum = load<f64>(sums + b) - load<f64>(sums + a)
  const value = load<f64>(squares + b) - load<f64>(squares + a) - (sum * sum) / <f64>(j - i + 1)
  return value > 0 ? value : 0
}
