// Matrix products. M rows, N columns, K products per element; f32, row-major; leading dimensions in elements.
//
// Each element is one accumulator that adds its K products in order, first to last, so the result has the bits of
//
//     for k: c = fround(c + fround(a * b))
//
// whatever the tile, the batch or the blocking. How the real loop differs from those lines:
//
// 1. Four rows of A are interleaved, [k][4], and eight columns of B, [k][8]. Both are then read straight through, and the
//    three kernels differ only in how they interleave. Missing rows and columns of the last tile are filled with zeros.
// 2. The tile keeps 4×8 results in eight registers for all of k: eight accumulators, two vectors of B, one splat of A and
//    one product fit the fifteen that V8 has. It is not unrolled: interleaved steps would spill (shape by measurement).
// 3. K is cut at K_BLOCK, so that a panel of B (16 KiB) and a tile of A stay in L1; the sum goes on in C, which keeps the
//    order. M is cut at M_BLOCK, so that the interleaved A (128 KiB) stays in L2 while the panels of B pass by.
//
// The interleaved copies live in static memory below heapBase(); nothing is kept there between calls.

import { words } from './lib/simd'

const K_BLOCK: i32 = 512
const M_BLOCK: i32 = 64
const A_BLOCK: usize = memory.data(128 * 1024, 16)
const B_PANEL: usize = memory.data(16 * 1024, 16)
const EDGE: usize = memory.data(128, 16)

/** c (M,N) = or += a (M,K) · b (K,N).  In place: no. */
export function gemmNN(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  gemm(c, a, b, M, N, K, ldc, lda, ldb, accumulate, false, false)
}

/** c (M,N) = or += a (M,K) · bᵀ with b (N,K): a layer's forward pass with PyTorch's weights.  In place: no. */
export function gemmNT(c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, ldc: i32, lda: i32, ldb: i32, accumulate: bool): void {
  gemm(c, a, b, M, N, K, ldc, lda, ldb, accumulate, false, true)
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
    for (let m0 = 0; m0 < M; m0 += M_BLOCK) {
      const m = min(M_BLOCK, M - m0)
      for (let i = 0; i < m; i += 4) {
        const panel = A_BLOCK + words(i * k)
        if (aTransposed) interleaveColumns(panel, a + at(k0, m0 + i, lda), k, min(4, m - i), 4, lda)
        else interleaveRows(panel, a + at(m0 + i, k0, lda), k, min(4, m - i), 4, lda)
      }
      for (let j = 0; j < N; j += 8) {
        const n = min(8, N - j)
        if (bTransposed) interleaveRows(B_PANEL, b + at(j, k0, ldb), k, n, 8, ldb)
        else interleaveColumns(B_PANEL, b + at(k0, j, ldb), k, n, 8, ldb)
        for (let i = 0; i < m; i += 4) {
          const out = c + at(m0 + i, j, ldc)
          const panel = A_BLOCK + words(i * k)
          if (m - i >= 4 && n == 8) tile(out, words(ldc), panel, B_PANEL, k, goOn)
          else edgeTile(out, words(ldc), panel, k, min(4, m - i), n, goOn)
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

/** out [K][width] = the first n columns of x (K, ldx), n ≤ width; zeros beyond. */
function interleaveColumns(out: usize, x: usize, K: i32, n: i32, width: i32, ldx: i32): void {
  const step = words(ldx)
  const end = out + words(K * width)
  if (n == 8) {
    for (; out < end; out += 32, x += step) {
      v128.store(out, v128.load(x))
      v128.store(out, v128.load(x, 16), 16)
    }
  } else if (n == 4 && width == 4) {
    for (; out < end; out += 16, x += step) v128.store(out, v128.load(x))
  } else {
    memory.fill(out, 0, end - out)
    for (; out < end; out += words(width), x += step) {
      for (let j = 0; j < n; j++) store<f32>(out + words(j), load<f32>(x + words(j)))
    }
  }
}

/** out [K][width] = the first n rows of x (n, ldx), transposed; zeros beyond.  width is 4 or 8. */
function interleaveRows(out: usize, x: usize, K: i32, n: i32, width: i32, ldx: i32): void {
  const step = words(width)
  for (let i = 0; i < width; i += 4) {
    const have = n - i
    const x0 = x + words(i * ldx)
    let p = out + words(i)
    let k = 0
    if (have >= 4) {
      const x1 = x0 + words(ldx)
      const x2 = x1 + words(ldx)
      const x3 = x2 + words(ldx)
      for (; k + 4 <= K; k += 4, p += step << 2) {
        const r0 = v128.load(x0 + words(k))
        const r1 = v128.load(x1 + words(k))
        const r2 = v128.load(x2 + words(k))
        const r3 = v128.load(x3 + words(k))
        const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5)
        const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5)
        const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7)
        const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7)
        v128.store(p, i64x2.shuffle(low01, low23, 0, 2))
        v128.store(p + step, i64x2.shuffle(low01, low23, 1, 3))
        v128.store(p + 2 * step, i64x2.shuffle(high01, high23, 0, 2))
        v128.store(p + 3 * step, i64x2.shuffle(high01, high23, 1, 3))
      }
    }
    for (; k < K; k++, p += step) {
      for (let r = 0; r < 4; r++) {
        store<f32>(p + words(r), r < have ? load<f32>(x0 + words(r * ldx + k)) : 0)
      }
    }
  }
}

/** c (4,8) = or += a [K][4] · b [K][8]; ldc in bytes, K ≥ 1. */
function tile(c: usize, ldc: usize, a: usize, b: usize, K: i32, accumulate: bool): void {
  const c1 = c + ldc
  const c2 = c1 + ldc
  const c3 = c2 + ldc
  let s00 = f32x4.splat(0)
  let s01 = s00
  let s10 = s00
  let s11 = s00
  let s20 = s00
  let s21 = s00
  let s30 = s00
  let s31 = s00
  if (accumulate) {
    s00 = v128.load(c)
    s01 = v128.load(c, 16)
    s10 = v128.load(c1)
    s11 = v128.load(c1, 16)
    s20 = v128.load(c2)
    s21 = v128.load(c2, 16)
    s30 = v128.load(c3)
    s31 = v128.load(c3, 16)
  }
  const end = a + ((<usize>K) << 4)
  do {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const a0 = v128.load32_splat(a)
    s00 = f32x4.add(s00, f32x4.mul(a0, b0))
    s01 = f32x4.add(s01, f32x4.mul(a0, b1))
    const a1 = v128.load32_splat(a, 4)
    s10 = f32x4.add(s10, f32x4.mul(a1, b0))
    s11 = f32x4.add(s11, f32x4.mul(a1, b1))
    const a2 = v128.load32_splat(a, 8)
    s20 = f32x4.add(s20, f32x4.mul(a2, b0))
    s21 = f32x4.add(s21, f32x4.mul(a2, b1))
    const a3 = v128.load32_splat(a, 12)
    s30 = f32x4.add(s30, f32x4.mul(a3, b0))
    s31 = f32x4.add(s31, f32x4.mul(a3, b1))
    a += 16
    b += 32
  } while (a < end)
  v128.store(c, s00)
  v128.store(c, s01, 16)
  v128.store(c1, s10)
  v128.store(c1, s11, 16)
  v128.store(c2, s20)
  v128.store(c2, s21, 16)
  v128.store(c3, s30)
  v128.store(c3, s31, 16)
}

/** The same tile where C has only m rows and n columns left: through a whole tile of its own. */
function edgeTile(c: usize, ldc: usize, a: usize, K: i32, m: i32, n: i32, accumulate: bool): void {
  if (accumulate) {
    for (let i = 0; i < m; i++) memory.copy(EDGE + ((<usize>i) << 5), c + (<usize>i) * ldc, words(n))
  }
  tile(EDGE, 32, a, B_PANEL, K, accumulate)
  for (let i = 0; i < m; i++) memory.copy(c + (<usize>i) * ldc, EDGE + ((<usize>i) << 5), words(n))
}
