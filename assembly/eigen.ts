// Covariance and the eigenvectors of a symmetric matrix, for PCA. f64, row-major, rows without gaps; D features, B rows.

import { sumLanesF64, words } from './lib/simd'

// @ts-ignore: decorator
@inline
function at(row: i32, column: i32, D: i32): usize {
  return ((<usize>row) * (<usize>D) + (<usize>column)) << 3
}

/**
 * The upper triangle of out (D,D) f64 += that of (x - mean)ᵀ (x - mean), x (B,D) f32, mean (D) f32.
 * Eight rows a time, so that out is read and written once for eight products: rows added in several calls give the same bits as
 * in one if all calls but the last add a multiple of eight.  scratch: 64 · D bytes.
 */
export function addProducts(out: usize, x: usize, mean: usize, scratch: usize, B: i32, D: i32, ldx: i32): void {
  for (let b = 0; b < B; b += 8) {
    // The eight centred rows, interleaved: [D][8], zeros for rows that are not there.
    for (let r = 0; r < 8; r++) {
      const row = x + words((b + r) * ldx)
      for (let d = 0; d < D; d++) {
        const v = b + r < B ? <f64>load<f32>(row + words(d)) - <f64>load<f32>(mean + words(d)) : 0
        store<f64>(scratch + at(d, r, 8), v)
      }
    }
    for (let i = 0; i < D; i++) {
      const p = scratch + at(i, 0, 8)
      const p0 = v128.load(p)
      const p1 = v128.load(p, 16)
      const p2 = v128.load(p, 32)
      const p3 = v128.load(p, 48)
      let q = p
      for (let o = out + at(i, i, D), end = out + at(i + 1, 0, D); o < end; o += 8, q += 64) {
        let s = f64x2.mul(p0, v128.load(q))
        s = f64x2.add(s, f64x2.mul(p1, v128.load(q, 16)))
        s = f64x2.add(s, f64x2.mul(p2, v128.load(q, 32)))
        s = f64x2.add(s, f64x2.mul(p3, v128.load(q, 48)))
        store<f64>(o, load<f64>(o) + sumLanesF64(s))
      }
    }
  }
}

/** In place: rows first … last-1 of the upper triangle of out (D,D) f64 are divided by `count` and copied to the lower one. */
export function finishCovariance(out: usize, D: i32, first: i32, last: i32, count: f64): void {
  for (let i = first; i < last; i++) {
    for (let j = i; j < D; j++) {
      const v = load<f64>(out + at(i, j, D)) / count
      store<f64>(out + at(i, j, D), v)
      store<f64>(out + at(j, i, D), v)
    }
  }
}

/** Σ x[i] y[i]. */
function dotF64(x: usize, y: usize, n: i32): f64 {
  let s = f64x2.splat(0)
  const body = (<usize>(n & ~1)) << 3
  for (let i: usize = 0; i < body; i += 16) s = f64x2.add(s, f64x2.mul(v128.load(x + i), v128.load(y + i)))
  let sum = sumLanesF64(s)
  if (n & 1) sum += load<f64>(x + body) * load<f64>(y + body)
  return sum
}

/** y += a · x. */
function axpyF64(y: usize, x: usize, a: f64, n: i32): void {
  const body = (<usize>(n & ~1)) << 3
  const factor = f64x2.splat(a)
  for (let i: usize = 0; i < body; i += 16) v128.store(y + i, f64x2.add(v128.load(y + i), f64x2.mul(factor, v128.load(x + i))))
  if (n & 1) store<f64>(y + body, load<f64>(y + body) + a * load<f64>(x + body))
}

/** Rows x, y become c·x - s·y, s·x + c·y. */
function rotateF64(x: usize, y: usize, c: f64, s: f64, n: i32): void {
  const body = (<usize>(n & ~1)) << 3
  const cc = f64x2.splat(c)
  const ss = f64x2.splat(s)
  for (let i: usize = 0; i < body; i += 16) {
    const a = v128.load(x + i)
    const b = v128.load(y + i)
    v128.store(x + i, f64x2.sub(f64x2.mul(cc, a), f64x2.mul(ss, b)))
    v128.store(y + i, f64x2.add(f64x2.mul(ss, a), f64x2.mul(cc, b)))
  }
  if (n & 1) {
    const a = load<f64>(x + body)
    const b = load<f64>(y + body)
    store<f64>(x + body, c * a - s * b)
    store<f64>(y + body, s * a + c * b)
  }
}

// The eigenvectors of a symmetric a (D,D): Householder reduction to a tridiagonal matrix, then the implicit QL method
// (Wilkinson & Reinsch, Handbook for Automatic Computation II, 1971), in four kernels that are called one after the other.
// Each does steps first … last-1 of its work, 0 ≤ first ≤ last ≤ D, and keeps nothing but its arrays, so that a caller may pause
// between; the bits do not depend on where. All arrays f64. Vectors are kept as rows throughout, so that every inner loop is
// contiguous. Sizes from 1e-100 to 1e100, so that squares, and those of rounding errors, are numbers; f32 data stay well within.

/**
 * In place: row k of the symmetric a (D,D), right of the diagonal, becomes the reflection vector of step k, and what is right of
 * and below that is reflected.  diagonal (D), off (D): the tridiagonal matrix, off[k] between k and k+1; beta (D): 2 / |v|² of
 * each reflection, 0 where there is none.  Steps upwards.  scratch: 8 · D bytes.
 */
// biome-ignore format: in the order of the contract
export function tridiagonalize(
  diagonal: usize, off: usize, beta: usize, a: usize, scratch: usize, D: i32, first: i32, last: i32,
): void {
  const work = scratch
  for (let k = first; k < last; k++) {
    const m = D - k - 1
    store<f64>(diagonal + at(0, k, D), load<f64>(a + at(k, k, D)))
    store<f64>(beta + at(0, k, D), 0)
    store<f64>(off + at(0, k, D), m > 0 ? load<f64>(a + at(k, k + 1, D)) : 0)
    if (m < 2) continue
    const v = a + at(k, k + 1, D)
    const head = load<f64>(v)
    const tail = dotF64(v + 8, v + 8, m - 1)
    // Not "norm == |head|": a tail of 1e-9 vanishes in the norm, and still is 1e-9 of the matrix.
    if (tail == 0) continue
    const norm = Math.sqrt(head * head + tail)
    const alpha = head > 0 ? -norm : norm
    store<f64>(v, head - alpha)
    store<f64>(off + at(0, k, D), alpha)
    const b = 2 / dotF64(v, v, m)
    store<f64>(beta + at(0, k, D), b)
    // The trailing matrix A becomes A - v wᵀ - w vᵀ, w = p - ½ b (pᵀ v) v, p = b A v.
    for (let i = 0; i < m; i++) store<f64>(work + at(0, i, D), b * dotF64(a + at(k + 1 + i, k + 1, D), v, m))
    axpyF64(work, v, -0.5 * b * dotF64(work, v, m), m)
    for (let i = 0; i < m; i++) {
      const row = a + at(k + 1 + i, k + 1, D)
      axpyF64(row, work, -load<f64>(v + at(0, i, D)), m)
      axpyF64(row, v, -load<f64>(work + at(0, i, D)), m)
    }
  }
}

/**
 * vectors (D,D) = (H₀ H₁ …)ᵀ of the reflections in a (D,D) and beta (D): its rows are the basis in which a is tridiagonal.
 * Steps downwards, from last-1 to first: the range that ends with D comes first.
 */
export function backTransform(vectors: usize, a: usize, beta: usize, D: i32, first: i32, last: i32): void {
  for (let k = last - 1; k >= first; k--) {
    // No later step looks at row k before this one has made it.
    memory.fill(vectors + at(k, 0, D), 0, at(1, 0, D))
    store<f64>(vectors + at(k, k, D), 1)
    const b = load<f64>(beta + at(0, k, D))
    if (b == 0) continue
    const v = a + at(k, k + 1, D)
    for (let i = k + 1; i < D; i++) {
      const row = vectors + at(i, k + 1, D)
      axpyF64(row, v, -b * dotF64(row, v, D - k - 1), D - k - 1)
    }
  }
}

/**
 * In place: diagonal d (D) becomes the eigenvalues, in no order, and rows of z (D,D) are rotated along; off-diagonal e (D), e[i]
 * between i and i+1, is destroyed.  Steps upwards.  False if the iteration does not settle (a NaN or ∞).
 */
export function implicitQL(d: usize, e: usize, z: usize, D: i32, first: i32, last: i32): bool {
  for (let l = first; l < last; l++) {
    for (let turn = 0; ; turn++) {
      let m = l
      for (; m < D - 1; m++) {
        const size = Math.abs(load<f64>(d + at(0, m, D))) + Math.abs(load<f64>(d + at(0, m + 1, D)))
        if (Math.abs(load<f64>(e + at(0, m, D))) <= f64.EPSILON * size) break
      }
      if (m == l) break
      if (turn == 60) return false
      let g = (load<f64>(d + at(0, l + 1, D)) - load<f64>(d + at(0, l, D))) / (2 * load<f64>(e + at(0, l, D)))
      let r = Math.sqrt(g * g + 1)
      g = load<f64>(d + at(0, m, D)) - load<f64>(d + at(0, l, D)) + load<f64>(e + at(0, l, D)) / (g + (g >= 0 ? r : -r))
      let s: f64 = 1
      let c: f64 = 1
      let p: f64 = 0
      let i = m - 1
      for (; i >= l; i--) {
        let f = s * load<f64>(e + at(0, i, D))
        const b = c * load<f64>(e + at(0, i, D))
        r = Math.sqrt(f * f + g * g)
        store<f64>(e + at(0, i + 1, D), r)
        if (r == 0) {
          store<f64>(d + at(0, i + 1, D), load<f64>(d + at(0, i + 1, D)) - p)
          store<f64>(e + at(0, m, D), 0)
          break
        }
        s = f / r
        c = g / r
        g = load<f64>(d + at(0, i + 1, D)) - p
        r = (load<f64>(d + at(0, i, D)) - g) * s + 2 * c * b
        p = s * r
        store<f64>(d + at(0, i + 1, D), g + p)
        g = c * r - b
        rotateF64(z + at(i, 0, D), z + at(i + 1, 0, D), c, s, D)
      }
      if (r == 0 && i >= l) continue
      store<f64>(d + at(0, l, D), load<f64>(d + at(0, l, D)) - p)
      store<f64>(e + at(0, l, D), g)
      store<f64>(e + at(0, m, D), 0)
    }
    // Beside ∞ every off-diagonal entry looks small, and one value is settled whatever it is.
    if (!isFinite(load<f64>(d + at(0, l, D)))) return false
  }
  return true
}

/**
 * In place: values (D) and the rows of vectors (D,D), largest value first. Sign: the entry of largest size in each vector
 * becomes positive (the first of equals).  Steps upwards.  scratch: 8 · D bytes.
 */
export function sortEigen(values: usize, vectors: usize, scratch: usize, D: i32, first: i32, last: i32): void {
  const work = scratch
  const bytes = at(1, 0, D)
  for (let i = first; i < last; i++) {
    let top = i
    for (let j = i + 1; j < D; j++) {
      if (load<f64>(values + at(0, j, D)) > load<f64>(values + at(0, top, D))) top = j
    }
    const row = vectors + at(i, 0, D)
    if (top != i) {
      const held = load<f64>(values + at(0, i, D))
      store<f64>(values + at(0, i, D), load<f64>(values + at(0, top, D)))
      store<f64>(values + at(0, top, D), held)
      memory.copy(work, row, bytes)
      memory.copy(row, vectors + at(top, 0, D), bytes)
      memory.copy(vectors + at(top, 0, D), work, bytes)
    }
    let largest = 0
    for (let j = 1; j < D; j++) {
      if (Math.abs(load<f64>(row + at(0, j, D))) > Math.abs(load<f64>(row + at(0, largest, D)))) largest = j
    }
    if (load<f64>(row + at(0, largest, D)) < 0) {
      for (let j = 0; j < D; j++) store<f64>(row + at(0, j, D), -load<f64>(row + at(0, j, D)))
    }
  }
}
