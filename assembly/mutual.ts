// What mutual learning adds to ordinary training: the teachers' consensus, and how far the teachers are from it.
// M students, B rows, D outputs or classes; f32, row-major, rows without gaps.
//
// q are the students' outputs (regression) or their softmax (classification); w (M,B) is the teacher weight of student m in
// row b, 0 if it is no teacher or cannot see the row. Since Σ w D(f, q) over all teachers has the gradient of D(f, c) times
// Σ w, with c their weighted mean, one consensus serves every student; a student's own term in the sum is zero.
// Source: the pairwise divergence of Meta Fusion, arXiv 2507.20089, rewritten.

import { log4 } from './lib/math'
import { words } from './lib/simd'

/** c (B,D) = Σ w[m,b] q[m,b] / Σ w[m,b] over q (M,B,D); taught (B) = 1, or 0 and a zero row where no teacher speaks. */
export function consensus(c: usize, taught: usize, q: usize, w: usize, M: i32, B: i32, D: i32): void {
  memory.fill(c, 0, words(B * D))
  for (let b = 0; b < B; b++) {
    const row = c + words(b * D)
    let sum: f32 = 0
    for (let m = 0; m < M; m++) {
      const weight = load<f32>(w + words(m * B + b))
      if (weight == 0) continue
      sum += weight
      const x = q + words((m * B + b) * D)
      for (let d = 0; d < D; d++) store<f32>(row + words(d), load<f32>(row + words(d)) + weight * load<f32>(x + words(d)))
    }
    store<f32>(taught + words(b), sum > 0 ? 1 : 0)
    if (sum > 0) for (let d = 0; d < D; d++) store<f32>(row + words(d), load<f32>(row + words(d)) / sum)
  }
}

/**
 * spread (B) = Σ w[m,b] s[m,b] / Σ w[m,b], 0 where no teacher speaks. For outputs (probabilities false) s = Σ (q - c)²: the
 * mean of squaredError(f, q) over the teachers is squaredError(f, c) + spread. For softmax (true) s = Σ q ln q, 0 ln 0 = 0: the
 * mean of KL(q ‖ softmax f) is crossEntropy(f, c) + spread, and c is not read.
 */
export function spread(out: usize, c: usize, q: usize, w: usize, probabilities: bool, M: i32, B: i32, D: i32): void {
  for (let b = 0; b < B; b++) {
    let sum: f64 = 0
    let total: f64 = 0
    for (let m = 0; m < M; m++) {
      const weight = load<f32>(w + words(m * B + b))
      if (weight == 0) continue
      const x = q + words((m * B + b) * D)
      let s: f64 = 0
      for (let d = 0; d < D; d++) {
        const v = load<f32>(x + words(d))
        if (probabilities) {
          if (v > 0) s += <f64>v * <f64>f32x4.extract_lane(log4(f32x4.splat(v)), 0)
        } else {
          const e = <f64>v - <f64>load<f32>(c + words(b * D + d))
          s += e * e
        }
      }
      sum += <f64>weight
      total += <f64>weight * s
    }
    store<f32>(out + words(b), sum > 0 ? <f32>(total / sum) : 0)
  }
}
