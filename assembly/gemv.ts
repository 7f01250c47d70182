// Few rows times the rows of a matrix: gemmNT for one subject or a handful, without the interleaved copies that pay for more.
//
// Each result is one accumulator that adds its K products in order, as in gemm.ts, so a subject has the same bits alone
// as in company. Four rows of B are read four columns at a time and turned in registers: a vector then holds one column of four rows.
// Four such quads go side by side, for one alone would wait for each of its additions.

import { loadTail, madd, storeTail, words } from './lib/simd'

/** c (M,N) = or += a (M,K) · bᵀ with b (N,K), for few rows; leading dimensions in elements.  In place: no. */
export function gemv(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  const row = words(ldb)
  const wide = N & ~15
  // Sixteen rows of B stay in L1 for all rows of A.
  for (let j = 0; j < wide; j += 16, c += 64, b += 16 * row) {
    for (let m = 0; m < M; m++) sixteen(c + (<usize>m) * words(ldc), a + (<usize>m) * words(lda), b, K, row, accumulate)
  }
  for (let j = wide; j < N; j += 4, c += 16, b += 4 * row) {
    for (let m = 0; m < M; m++) {
      four(c + (<usize>m) * words(ldc), a + (<usize>m) * words(lda), b, min(4, N - j), K, row, accumulate)
    }
  }
}

/** c (16) = or += a (K) times sixteen rows, `row` bytes apart. */
function sixteen(c: usize, a: usize, b: usize, K: i32, row: usize, accumulate: bool): void {
  let s0 = accumulate ? v128.load(c) : f32x4.splat(0)
  let s1 = accumulate ? v128.load(c, 16) : f32x4.splat(0)
  let s2 = accumulate ? v128.load(c, 32) : f32x4.splat(0)
  let s3 = accumulate ? v128.load(c, 48) : f32x4.splat(0)
  let k: usize = 0
  for (const body = words(K & ~3); k < body; k += 16) {
    const x0 = v128.load32_splat(a + k)
    const x1 = v128.load32_splat(a + k, 4)
    const x2 = v128.load32_splat(a + k, 8)
    const x3 = v128.load32_splat(a + k, 12)
    const p = b + k
    s0 = fourColumns(s0, x0, x1, x2, x3, p, row, 2 * row, 3 * row)
    s1 = fourColumns(s1, x0, x1, x2, x3, p + 4 * row, row, 2 * row, 3 * row)
    s2 = fourColumns(s2, x0, x1, x2, x3, p + 8 * row, row, 2 * row, 3 * row)
    s3 = fourColumns(s3, x0, x1, x2, x3, p + 12 * row, row, 2 * row, 3 * row)
  }
  for (; k < words(K); k += 4) {
    const x = v128.load32_splat(a + k)
    const p = b + k
    s0 = oneColumn(s0, x, p, row, 2 * row, 3 * row)
    s1 = oneColumn(s1, x, p + 4 * row, row, 2 * row, 3 * row)
    s2 = oneColumn(s2, x, p + 8 * row, row, 2 * row, 3 * row)
    s3 = oneColumn(s3, x, p + 12 * row, row, 2 * row, 3 * row)
  }
  v128.store(c, s0)
  v128.store(c, s1, 16)
  v128.store(c, s2, 32)
  v128.store(c, s3, 48)
}

/** c (n) = or += a (K) times n (1 to 4) rows; those that are not there are the last one again. */
function four(c: usize, a: usize, b: usize, n: i32, K: i32, row: usize, accumulate: bool): void {
  const r1 = row * <usize>min(n - 1, 1)
  const r2 = row * <usize>min(n - 1, 2)
  const r3 = row * <usize>min(n - 1, 3)
  let s = f32x4.splat(0)
  if (accumulate) s = n == 4 ? v128.load(c) : loadTail(c, n)
  let k: usize = 0
  for (const body = words(K & ~3); k < body; k += 16) {
    const x = a + k
    const x0 = v128.load32_splat(x)
    const x1 = v128.load32_splat(x, 4)
    const x2 = v128.load32_splat(x, 8)
    const x3 = v128.load32_splat(x, 12)
    s = fourColumns(s, x0, x1, x2, x3, b + k, r1, r2, r3)
  }
  for (; k < words(K); k += 4) s = oneColumn(s, v128.load32_splat(a + k), b + k, r1, r2, r3)
  if (n == 4) v128.store(c, s)
  else storeTail(c, s, n)
}

/** s + Σ x_k · column k of the four rows at p, p + r1, p + r2, p + r3: four columns, in order. */
// @ts-ignore: decorator
@inline
function fourColumns(s: v128, x0: v128, x1: v128, x2: v128, x3: v128, p: usize, r1: usize, r2: usize, r3: usize): v128 {
  const b0 = v128.load(p)
  const b1 = v128.load(p + r1)
  const b2 = v128.load(p + r2)
  const b3 = v128.load(p + r3)
  const low01 = i32x4.shuffle(b0, b1, 0, 4, 1, 5)
  const low23 = i32x4.shuffle(b2, b3, 0, 4, 1, 5)
  const high01 = i32x4.shuffle(b0, b1, 2, 6, 3, 7)
  const high23 = i32x4.shuffle(b2, b3, 2, 6, 3, 7)
  s = madd(x0, i64x2.shuffle(low01, low23, 0, 2), s)
  s = madd(x1, i64x2.shuffle(low01, low23, 1, 3), s)
  s = madd(x2, i64x2.shuffle(high01, high23, 0, 2), s)
  return madd(x3, i64x2.shuffle(high01, high23, 1, 3), s)
}

// @ts-ignore: decorator
@inline
function oneColumn(s: v128, x: v128, p: usize, r1: usize, r2: usize, r3: usize): v128 {
  let b = v128.load32_zero(p)
  b = v128.load_lane<f32>(p + r1, b, 1)
  b = v128.load_lane<f32>(p + r2, b, 2)
  return madd(x, v128.load_lane<f32>(p + r3, b, 3), s)
}
