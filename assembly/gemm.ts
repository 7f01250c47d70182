// Matrix products. M rows, N columns, K products per element; f32, row-major; leading dimensions in elements.
//
// Each element is one accumulator that adds its K products in order, first to last, so the result has the bits of
//
//     for k: c = fround(c + fround(a * b))
//
// whatever the tile, the batch or the blocking; under relaxed SIMD of c = fround(c + a * b) on a processor that fuses the two.
// How the real loop differs from those lines:
//
// 1. Five rows of A (ROWS) are interleaved, [k][5], and eight columns of B, [k][8]. Both are then read straight through, and the
//    three kernels differ only in how they interleave. What the last tile lacks has any value: it is computed, not kept.
// 2. The tile keeps 5×8 results in ten registers for all of k: ten accumulators, two vectors of B, one splat of A and one
//    product are fourteen of the fifteen that V8 has. The first step stands before the loop, where it fixes the addresses of
//    the five splats; without it V8 (Node 20) reorders the loop and spills, a fourth slower. Unrolling spills as well. A fused
//    product needs no register of its own: under relaxed SIMD there is room for a sixth row, 6×8.
// 3. K is cut at K_BLOCK, so that a panel of B (16 KiB) and a tile of A stay in L1; the sum goes on in C, which keeps the
//    order. M is cut by the bytes of the interleaved A, which stays in L2 while the panels of B pass by: each panel is
//    interleaved once for 65 rows where K is long, for 520 in a weight gradient, where K is the batch.
// 4. A forward pass of one to three rows does without the copies: gemv.ts.
//
// The interleaved copies live in static memory below heapBase(); nothing is kept there between calls.

import { gemv } from './gemv'
import { madd, words } from './lib/simd'

const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5
const FEW_ROWS: i32 = 3 // up to here turning B in registers for each row costs less than a copy of it
const K_BLOCK: i32 = 512
const A_BYTES: i32 = (ASC_FEATURE_RELAXED_SIMD ? 66 : 65) * 512 * 4
const A_BLOCK: usize = memory.data(A_BYTES, 16)
const B_PANEL: usize = memory.data(16 * 1024, 16)
const EDGE: usize = memory.data(32 * ROWS, 16) // a whole tile, for the last columns
const SPARE: usize = memory.data(32, 16) // a row of the tile that C has not

/** c (M,N) = or += a (M,K) · b (K,N).  In place: no. */
export function gemmNN(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  gemm(c, a, b, M, N, K, ldc, lda, ldb, accumulate, false, false)
}

/** c (M,N) = or += a (M,K) · bᵀ with b (N,K): a layer's forward pass with PyTorch's weights.  In place: no. */
export function gemmNT(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  if (M <= FEW_ROWS) gemv(c, a, b, M, N, K, ldc, lda, ldb, accumulate)
  else gemm(c, a, b, M, N, K, ldc, lda, ldb, accumulate, false, true)
}

/** c (M,N) = or += aᵀ · b with a (K,M), b (K,N): a layer's weight gradient.  In place: no. */
export function gemmTN(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  gemm(c, a, b, M, N, K, ldc, lda, ldb, accumulate, true, false)
}

// @ts-ignore: decorator
@inline
function gemm(
  c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32,
  accumulate: bool, aTransposed: bool, bTransposed: bool,
): void {
  if (K == 0 && !accumulate) {
    for (let i = 0; i < M; i++) memory.fill(c + words(i * ldc), 0, words(N))
  }
  for (let k0 = 0; k0 < K; k0 += K_BLOCK) {
    const k = min(K_BLOCK, K - k0)
    const goOn = accumulate || k0 > 0
    const block = (A_BYTES / (4 * ROWS * k)) * ROWS
    for (let m0 = 0; m0 < M; m0 += block) {
      const m = min(block, M - m0)
      for (let i = 0; i < m; i += ROWS) {
        const panel = A_BLOCK + words(i * k)
        if (aTransposed) interleaveColumns(panel, a + at(k0, m0 + i, lda), k, min(ROWS, m - i), ROWS, lda)
        else interleaveRows(panel, a + at(m0 + i, k0, lda), k, min(ROWS, m - i), ROWS, lda)
      }
      for (let j = 0; j < N; j += 8) {
        const n = min(8, N - j)
        if (bTransposed) interleaveRows(B_PANEL, b + at(j, k0, ldb), k, n, 8, ldb)
        else interleaveColumns(B_PANEL, b + at(k0, j, ldb), k, n, 8, ldb)
        for (let i = 0; i < m; i += ROWS) {
          const out = c + at(m0 + i, j, ldc)
          const panel = A_BLOCK + words(i * k)
          if (n == 8) tile(out, words(ldc), min(ROWS, m - i), panel, k, goOn)
          else edgeTile(out, words(ldc), min(ROWS, m - i), panel, k, n, goOn)
        }
      }
    }
  }
}

/** Byte offset of element (row, column). */
// @ts-ignore: decorator
@inline
function at(row: i32, column: i32, ld: i32): usize {
  return ((<usize>row) * (<usize>ld) + (<usize>column)) << 2
}

/** out [K][width] = the first n columns of x (K, ldx); what was there beyond.  width is ROWS or 8. */
function interleaveColumns(out: usize, x: usize, K: i32, n: i32, width: i32, ldx: i32): void {
  const step = words(ldx)
  const end = out + words(K * width)
  if (n == 8) {
    for (; out < end; out += 32, x += step) {
      v128.store(out, v128.load(x))
      v128.store(out, v128.load(x, 16), 16)
    }
  } else if (n == ROWS && width == ROWS) {
    for (; out < end; out += words(ROWS), x += step) {
      v128.store(out, v128.load(x))
      if (ROWS == 6) store<i64>(out, load<i64>(x, 16), 16)
      else store<f32>(out, load<f32>(x, 16), 16)
    }
  } else {
    for (; out < end; out += words(width), x += step) copyWords(out, x, n)
  }
}

/** out [K][width] = the first n rows of x (n, ldx), transposed; the last of them again beyond.  width is ROWS or 8. */
function interleaveRows(out: usize, x: usize, K: i32, n: i32, width: i32, ldx: i32): void {
  const x1 = x + at(min(1, n - 1), 0, ldx)
  const x2 = x + at(min(2, n - 1), 0, ldx)
  const x3 = x + at(min(3, n - 1), 0, ldx)
  const x4 = x + at(min(4, n - 1), 0, ldx)
  const x5 = x + at(min(5, n - 1), 0, ldx)
  const x6 = x + at(min(6, n - 1), 0, ldx)
  const x7 = x + at(min(7, n - 1), 0, ldx)
  const body = words(K & ~3)
  const end = words(K)
  let k: usize = 0
  if (width == 8) {
    for (; k < body; k += 16, out += 128) {
      transpose4(out, 32, v128.load(x + k), v128.load(x1 + k), v128.load(x2 + k), v128.load(x3 + k))
      transpose4(out + 16, 32, v128.load(x4 + k), v128.load(x5 + k), v128.load(x6 + k), v128.load(x7 + k))
    }
  } else {
    for (; k < body; k += 16, out += 4 * words(ROWS)) {
      transpose4(out, words(ROWS), v128.load(x + k), v128.load(x1 + k), v128.load(x2 + k), v128.load(x3 + k))
      const last = v128.load(x4 + k)
      if (ROWS == 6) {
        const low = i32x4.shuffle(last, v128.load(x5 + k), 0, 4, 1, 5)
        const high = i32x4.shuffle(last, v128.load(x5 + k), 2, 6, 3, 7)
        v128.store_lane<i64>(out, low, 0, 16)
        v128.store_lane<i64>(out, low, 1, 40)
        v128.store_lane<i64>(out, high, 0, 64)
        v128.store_lane<i64>(out, high, 1, 88)
      } else {
        v128.store_lane<f32>(out, last, 0, 16)
        v128.store_lane<f32>(out, last, 1, 36)
        v128.store_lane<f32>(out, last, 2, 56)
        v128.store_lane<f32>(out, last, 3, 76)
      }
    }
  }
  for (; k < end; k += 4, out += words(width)) {
    for (let i = 0; i < width; i++) store<f32>(out + words(i), load<f32>(x + k + at(min(i, n - 1), 0, ldx)))
  }
}

// @ts-ignore: decorator
@inline
function transpose4(out: usize, step: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5)
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5)
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7)
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7)
  v128.store(out, i64x2.shuffle(low01, low23, 0, 2))
  v128.store(out + step, i64x2.shuffle(low01, low23, 1, 3))
  v128.store(out + 2 * step, i64x2.shuffle(high01, high23, 0, 2))
  v128.store(out + 3 * step, i64x2.shuffle(high01, high23, 1, 3))
}

/** The first `rows` of c (ROWS,8) = or += a [K][ROWS] · B_PANEL [K][8]; the others go to SPARE.  ldc in bytes, K ≥ 1. */
function tile(c: usize, ldc: usize, rows: i32, a: usize, K: i32, accumulate: bool): void {
  const c1 = rows > 1 ? c + ldc : SPARE
  const c2 = rows > 2 ? c1 + ldc : SPARE
  const c3 = rows > 3 ? c2 + ldc : SPARE
  const c4 = rows > 4 ? c3 + ldc : SPARE
  const c5 = rows > 5 ? c4 + ldc : SPARE // nothing of a sixth row is left where ROWS is 5
  let s00 = f32x4.splat(0)
  let s01 = s00
  let s10 = s00
  let s11 = s00
  let s20 = s00
  let s21 = s00
  let s30 = s00
  let s31 = s00
  let s40 = s00
  let s41 = s00
  let s50 = s00
  let s51 = s00
  if (accumulate) {
    s00 = v128.load(c)
    s01 = v128.load(c, 16)
    s10 = v128.load(c1)
    s11 = v128.load(c1, 16)
    s20 = v128.load(c2)
    s21 = v128.load(c2, 16)
    s30 = v128.load(c3)
    s31 = v128.load(c3, 16)
    s40 = v128.load(c4)
    s41 = v128.load(c4, 16)
    if (ROWS == 6) {
      s50 = v128.load(c5)
      s51 = v128.load(c5, 16)
    }
  }
  let b = B_PANEL
  const end = a + words(ROWS * K)
  {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const a0 = v128.load32_splat(a)
    s00 = madd(a0, b0, s00)
    s01 = madd(a0, b1, s01)
    const a1 = v128.load32_splat(a, 4)
    s10 = madd(a1, b0, s10)
    s11 = madd(a1, b1, s11)
    const a2 = v128.load32_splat(a, 8)
    s20 = madd(a2, b0, s20)
    s21 = madd(a2, b1, s21)
    const a3 = v128.load32_splat(a, 12)
    s30 = madd(a3, b0, s30)
    s31 = madd(a3, b1, s31)
    const a4 = v128.load32_splat(a, 16)
    s40 = madd(a4, b0, s40)
    s41 = madd(a4, b1, s41)
    if (ROWS == 6) {
      const a5 = v128.load32_splat(a, 20)
      s50 = madd(a5, b0, s50)
      s51 = madd(a5, b1, s51)
    }
  }
  a += words(ROWS)
  b += 32
  while (a < end) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const a0 = v128.load32_splat(a)
    s00 = madd(a0, b0, s00)
    s01 = madd(a0, b1, s01)
    const a1 = v128.load32_splat(a, 4)
    s10 = madd(a1, b0, s10)
    s11 = madd(a1, b1, s11)
    const a2 = v128.load32_splat(a, 8)
    s20 = madd(a2, b0, s20)
    s21 = madd(a2, b1, s21)
    const a3 = v128.load32_splat(a, 12)
    s30 = madd(a3, b0, s30)
    s31 = madd(a3, b1, s31)
    const a4 = v128.load32_splat(a, 16)
    s40 = madd(a4, b0, s40)
    s41 = madd(a4, b1, s41)
    if (ROWS == 6) {
      const a5 = v128.load32_splat(a, 20)
      s50 = madd(a5, b0, s50)
      s51 = madd(a5, b1, s51)
    }
    a += words(ROWS)
    b += 32
  }
  v128.store(c, s00)
  v128.store(c, s01, 16)
  v128.store(c1, s10)
  v128.store(c1, s11, 16)
  v128.store(c2, s20)
  v128.store(c2, s21, 16)
  v128.store(c3, s30)
  v128.store(c3, s31, 16)
  v128.store(c4, s40)
  v128.store(c4, s41, 16)
  if (ROWS == 6) {
    v128.store(c5, s50)
    v128.store(c5, s51, 16)
  }
}

/** The same tile where C has only n columns left: through a whole tile of its own. */
function edgeTile(c: usize, ldc: usize, rows: i32, a: usize, K: i32, n: i32, accumulate: bool): void {
  if (accumulate) {
    for (let i = 0; i < rows; i++) copyWords(EDGE + ((<usize>i) << 5), c + (<usize>i) * ldc, n)
  }
  tile(EDGE, 32, rows, a, K, accumulate)
  for (let i = 0; i < rows; i++) copyWords(c + (<usize>i) * ldc, EDGE + ((<usize>i) << 5), n)
}

// @ts-ignore: decorator
@inline
function copyWords(to: usize, from: usize, n: i32): void {
  for (let j = 0; j < n; j++) store<f32>(to + words(j), load<f32>(from + words(j)))
}
