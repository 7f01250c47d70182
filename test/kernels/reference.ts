// Every kernel again, in the fewest words and in f64: what it means. Arrays stand for pointers, sizes are in elements.
// A reference is never fast and never clever; where kernel and reference differ, this file says who is right.

type F = Float64Array
type I = Int32Array

// ---- gemm --------------------------------------------------------------------------------------------------------------

type Index = (row: number, column: number, ld: number) => number
const plain: Index = (row, column, ld) => row * ld + column
const transposed: Index = (row, column, ld) => column * ld + row

const product =
  (a_: Index, b_: Index, madd: (a: number, b: number, c: number) => number) =>
  (c: F, a: F, b: F, M: number, N: number, K: number, ldc: number, lda: number, ldb: number, accumulate: boolean): void => {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = accumulate ? c[m * ldc + n] : 0
        for (let k = 0; k < K; k++) sum = madd(a[a_(m, k, lda)], b[b_(k, n, ldb)], sum)
        c[m * ldc + n] = sum
      }
    }
  }

const exactly = (a: number, b: number, c: number): number => a * b + c
export const gemmNN = product(plain, plain, exactly)
export const gemmNT = product(plain, transposed, exactly)
export const gemmTN = product(transposed, plain, exactly)

const twice = (a: number, b: number, c: number): number => Math.fround(c + Math.fround(a * b))

/**
 * a · b + c of f32, rounded once. The product is exact in f64; where the sum is not, it is taken to the odd one of the two f64
 * around it, which no f32 lies half-way to, so that rounding again to f32 is rounding once (Boldo & Melquiond 2008).
 */
export function once(a: number, b: number, c: number): number {
  const product = a * b
  const sum = product + c
  const part = sum - product
  const error = product - (sum - part) + (c - part)
  WIDE[0] = sum
  if ((error > 0 || error < 0) && BITS_OF_WIDE[0] % 2n === 0n) BITS_OF_WIDE[0] += error > 0 === sum > 0 ? 1n : -1n
  return Math.fround(WIDE[0])
}
const WIDE = new Float64Array(1)
const BITS_OF_WIDE = new BigInt64Array(WIDE.buffer)

/** The order that the kernels promise: one f32 accumulator per element, first k to last. */
export const inOrder = (fused: boolean) => {
  const madd = fused ? once : twice
  return {
    gemmNN: product(plain, plain, madd),
    gemmNT: product(plain, transposed, madd),
    gemmTN: product(transposed, plain, madd),
  }
}

// ---- activation --------------------------------------------------------------------------------------------------------

const activations = [
  (z: number) => z,
  (z: number) => Math.max(z, 0),
  (z: number) => Math.tanh(z),
  (z: number) => 1 / (1 + Math.exp(-z)),
]
const slopes = [() => 1, (y: number) => (y > 0 ? 1 : 0), (y: number) => 1 - y * y, (y: number) => y * (1 - y)]

export function biasActivation(x: F, bias: F, B: number, D: number, ldx: number, kind: number): void {
  for (let b = 0; b < B; b++) for (let d = 0; d < D; d++) x[b * ldx + d] = activations[kind](x[b * ldx + d] + bias[d])
}

export function activationGradient(dOut: F, y: F, B: number, D: number, ldd: number, ldy: number, kind: number): void {
  for (let b = 0; b < B; b++) for (let d = 0; d < D; d++) dOut[b * ldd + d] *= slopes[kind](y[b * ldy + d])
}

// ---- softmax, losses ---------------------------------------------------------------------------------------------------

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const total = (n: number, term: (i: number) => number): number => range(n).reduce((sum, i) => sum + term(i), 0)

function logSumExp(z: F, first: number, n: number): number {
  const top = Math.max(...z.subarray(first, first + n))
  return top + Math.log(total(n, (d) => Math.exp(z[first + d] - top)))
}

export function softmax(p: F, z: F, B: number, D: number): void {
  for (let b = 0; b < B; b++) {
    const lse = logSumExp(z, b * D, D)
    for (let d = 0; d < D; d++) p[b * D + d] = Math.exp(z[b * D + d] - lse)
  }
}

export function squaredError(out: F, y: F, w: F, B: number, D: number): number {
  return total(B, (b) => w[b] * total(D, (d) => (out[b * D + d] - y[b * D + d]) ** 2))
}

export function crossEntropy(z: F, t: F, w: F, B: number, D: number): number {
  return total(B, (b) => w[b] * total(D, (d) => t[b * D + d] * (logSumExp(z, b * D, D) - z[b * D + d])))
}

export function crossEntropyLabels(z: F, labels: I, w: F, B: number, D: number): number {
  return total(B, (b) => w[b] * (logSumExp(z, b * D, D) - z[b * D + labels[b]]))
}

export function logLossLabels(p: F, labels: I, w: F, B: number, D: number): number {
  return total(B, (b) => -w[b] * Math.log(Math.max(p[b * D + labels[b]], 1e-15)))
}

export function addGradient(dOut: F, a: F, t: F, w: F, scale: number, B: number, D: number): void {
  for (let b = 0; b < B; b++) for (let i = b * D; i < (b + 1) * D; i++) dOut[i] += scale * w[b] * (a[i] - t[i])
}

export function addGradientLabels(dOut: F, p: F, labels: I, w: F, scale: number, B: number, D: number): void {
  for (let b = 0; b < B; b++) {
    for (let d = 0; d < D; d++) dOut[b * D + d] += scale * w[b] * (p[b * D + d] - (d === labels[b] ? 1 : 0))
  }
}

// ---- mutual ------------------------------------------------------------------------------------------------------------

export function consensus(c: F, taught: F, q: F, w: F, M: number, B: number, D: number): void {
  for (let b = 0; b < B; b++) {
    const teachers = range(M).filter((m) => w[m * B + b] !== 0)
    const sum = teachers.reduce((s, m) => s + w[m * B + b], 0)
    taught[b] = sum > 0 ? 1 : 0
    for (let d = 0; d < D; d++) {
      const weighted = teachers.reduce((s, m) => s + w[m * B + b] * q[(m * B + b) * D + d], 0)
      c[b * D + d] = sum > 0 ? weighted / sum : 0
    }
  }
}

export function spread(out: F, c: F, q: F, w: F, probabilities: boolean, M: number, B: number, D: number): void {
  const entropy = (v: number) => (v > 0 ? v * Math.log(v) : 0)
  for (let b = 0; b < B; b++) {
    const teachers = range(M).filter((m) => w[m * B + b] !== 0)
    const sum = teachers.reduce((s, m) => s + w[m * B + b], 0)
    const from = (m: number, d: number) =>
      probabilities ? entropy(q[(m * B + b) * D + d]) : (q[(m * B + b) * D + d] - c[b * D + d]) ** 2
    out[b] = sum > 0 ? teachers.reduce((s, m) => s + w[m * B + b] * total(D, (d) => from(m, d)), 0) / sum : 0
  }
}

// ---- dropout -----------------------------------------------------------------------------------------------------------

export function dropoutMask(mask: F, state: I, n: number, rate: number): void {
  const chance = new Float64Array(n)
  uniforms(chance, state, n, 0, 1)
  for (let i = 0; i < n; i++) mask[i] = chance[i] < Math.fround(rate) ? 0 : Math.fround(1 / Math.fround(1 - Math.fround(rate)))
}

export function multiply(out: F, x: F, y: F, n: number): void {
  for (let i = 0; i < n; i++) out[i] = x[i] * y[i]
}

// ---- optimizer ---------------------------------------------------------------------------------------------------------

export function sgd(p: F, g: F, v: F, n: number, rate: number, momentum: number, decay: number): void {
  for (let i = 0; i < n; i++) {
    v[i] = momentum * v[i] + g[i] + decay * p[i]
    p[i] -= rate * v[i]
  }
}

// biome-ignore format: the kernel's own order
export function adam(
  p: F, g: F, m: F, v: F, n: number,
  stepSize: number, root: number, beta1: number, beta2: number, rest1: number, rest2: number, epsilon: number, decay: number,
): void {
  for (let i = 0; i < n; i++) {
    const grad = g[i] + decay * p[i]
    m[i] = beta1 * m[i] + rest1 * grad
    v[i] = beta2 * v[i] + rest2 * grad * grad
    p[i] -= (stepSize * m[i]) / (Math.sqrt(v[i]) / root + epsilon)
  }
}

// biome-ignore format: the kernel's own order
export function adamw(
  p: F, g: F, m: F, v: F, n: number,
  stepSize: number, root: number, beta1: number, beta2: number, rest1: number, rest2: number, epsilon: number, keep: number,
): void {
  for (let i = 0; i < n; i++) p[i] *= keep
  adam(p, g, m, v, n, stepSize, root, beta1, beta2, rest1, rest2, epsilon, 0)
}

export function clipNorm(g: F, n: number, most: number): number {
  const norm = Math.hypot(...g)
  for (let i = 0; i < n; i++) if (norm > most) g[i] *= most / (norm + 1e-6)
  return norm
}

// ---- reduce, gather ----------------------------------------------------------------------------------------------------

export function dot(a: F, b: F, n: number): number {
  return total(n, (i) => a[i] * b[i])
}

export function columnSums(out: F, x: F, B: number, D: number, ldx: number): void {
  for (let d = 0; d < D; d++) out[d] = total(B, (b) => x[b * ldx + d])
}

export function columnMoments(mean: F, variance: F, x: F, B: number, D: number, ldx: number): void {
  for (let d = 0; d < D; d++) {
    const m = total(B, (b) => x[b * ldx + d]) / B
    mean[d] = m
    variance[d] = total(B, (b) => (x[b * ldx + d] - m) ** 2) / B
  }
}

export function standardize(out: F, x: F, mean: F, scale: F, B: number, D: number, ldo: number, ldx: number): void {
  for (let b = 0; b < B; b++) for (let d = 0; d < D; d++) out[b * ldo + d] = (x[b * ldx + d] - mean[d]) / scale[d]
}

export function weightedSum(out: F, x: F, w: F, M: number, n: number): void {
  for (let i = 0; i < n; i++) out[i] = total(M, (m) => w[m] * x[m * n + i])
}

export function gatherRows(out: F | I, x: F | I, index: I, B: number, D: number, ldo: number, ldx: number): void {
  for (let b = 0; b < B; b++) for (let d = 0; d < D; d++) out[b * ldo + d] = x[index[b] * ldx + d]
}

// ---- wide --------------------------------------------------------------------------------------------------------------

export function dot64(a: F, b: F, n: number): number {
  return total(n, (i) => a[i] * b[i])
}

export function combine64(out: F, a: F, x: number, b: F, y: number, n: number): void {
  for (let i = 0; i < n; i++) out[i] = x * a[i] + y * b[i]
}

export function narrow64(out: F, x: F, n: number): void {
  for (let i = 0; i < n; i++) out[i] = Math.fround(x[i])
}

export function widen64(out: F, x: F, n: number): void {
  for (let i = 0; i < n; i++) out[i] = x[i]
}

// ---- eigen -------------------------------------------------------------------------------------------------------------

export function addProducts(out: F, x: F, mean: F, _scratch: F, B: number, D: number, ldx: number): void {
  for (let i = 0; i < D; i++) {
    for (let j = i; j < D; j++) {
      out[i * D + j] += total(B, (b) => (x[b * ldx + i] - mean[i]) * (x[b * ldx + j] - mean[j]))
    }
  }
}

export function finishCovariance(out: F, D: number, first: number, last: number, count: number): void {
  for (let i = first; i < last; i++) {
    for (let j = i; j < D; j++) {
      out[i * D + j] /= count
      out[j * D + i] = out[i * D + j]
    }
  }
}

/** Reflections I - beta v vᵀ, each multiplied from both sides onto all that is right of and below row k. */
// biome-ignore format: the kernel's own order
export function tridiagonalize(
  diagonal: F, off: F, beta: F, a: F, _scratch: F, D: number, first: number, last: number,
): void {
  for (let k = first; k < last; k++) {
    const rest = range(D).slice(k + 1)
    const v = rest.map((j) => a[k * D + j])
    diagonal[k] = a[k * D + k]
    beta[k] = 0
    off[k] = v[0] ?? 0
    if (v.slice(1).every((x) => x === 0)) continue
    off[k] = (v[0] > 0 ? -1 : 1) * Math.hypot(...v)
    v[0] -= off[k]
    beta[k] = 2 / total(v.length, (i) => v[i] * v[i])
    const reflection = v.map((x, i) => v.map((y, j) => (i === j ? 1 : 0) - beta[k] * x * y))
    const within = v.map((_, i) => v.map((_, j) => a[rest[i] * D + rest[j]]))
    const times = (x: number[][], y: number[][]) =>
      x.map((row) => row.map((_, j) => row.reduce((sum, value, i) => sum + value * y[i][j], 0)))
    const reflected = times(times(reflection, within), reflection)
    for (const [i, row] of rest.entries()) for (const [j, column] of rest.entries()) a[row * D + column] = reflected[i][j]
    for (const [i, column] of rest.entries()) a[k * D + column] = v[i]
  }
}

/** Each reflection multiplied onto the rows that are there already. */
export function backTransform(vectors: F, a: F, beta: F, D: number, first: number, last: number): void {
  for (let k = last - 1; k >= first; k--) {
    for (let j = 0; j < D; j++) vectors[k * D + j] = j === k ? 1 : 0
    const rest = beta[k] === 0 ? [] : range(D).slice(k + 1)
    for (const i of rest) {
      const along = rest.reduce((sum, j) => sum + vectors[i * D + j] * a[k * D + j], 0)
      for (const j of rest) vectors[i * D + j] -= beta[k] * along * a[k * D + j]
    }
  }
}

/** All of it at once: the eigenvectors of the tridiagonal matrix, by Jacobi's method, times the rows of z. */
export function implicitQL(d: F, e: F, z: F, D: number, _first: number, _last: number): boolean {
  const t = new Float64Array(D * D)
  for (let i = 0; i < D; i++) {
    t[i * D + i] = d[i]
    if (i + 1 < D) t[i * D + i + 1] = t[(i + 1) * D + i] = e[i]
  }
  const vectors = new Float64Array(D * D)
  symmetricEigen(d, vectors, t, t, D)
  const rows = z.slice()
  gemmNN(z, vectors, rows, D, D, D, D, D, D, false)
  return true
}

/** All of it at once. */
export function sortEigen(values: F, vectors: F, _scratch: F, D: number, _first: number, _last: number): void {
  const order = range(D).sort((i, j) => values[j] - values[i])
  const rows = order.map((i) => vectors.slice(i * D, (i + 1) * D))
  values.set(order.map((i) => values[i]))
  for (const [i, row] of rows.entries()) {
    const largest = row.reduce((top, x) => (Math.abs(x) > Math.abs(top) ? x : top), 0)
    vectors.set(
      row.map((x) => x * Math.sign(largest)),
      i * D,
    )
  }
}

/** Rows or columns i and j of x, a rotation apart: entries `step` apart, n of them. */
function turn(x: F, i: number, j: number, step: number, n: number, angle: number): void {
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  for (let k = 0; k < n * step; k += step) {
    ;[x[i + k], x[j + k]] = [c * x[i + k] - s * x[j + k], s * x[i + k] + c * x[j + k]]
  }
}

/** What the four kernels come to, by Jacobi's method: each entry off the diagonal is turned to zero, over and over. */
export function symmetricEigen(values: F, vectors: F, a: F, _scratch: F, D: number): boolean {
  const basis = Float64Array.from(a, (_, i) => (i % (D + 1) === 0 ? 1 : 0))
  for (let i = 0; i < 30 * D * D; i++) {
    const [p, q] = [i % D, Math.floor(i / D) % D]
    const angle = p < q && a[p * D + q] !== 0 ? Math.atan((2 * a[p * D + q]) / (a[q * D + q] - a[p * D + p])) / 2 : 0
    turn(a, p * D, q * D, 1, angle === 0 ? 0 : D, angle)
    turn(a, p, q, D, angle === 0 ? 0 : D, angle)
    turn(basis, p * D, q * D, 1, angle === 0 ? 0 : D, angle)
  }
  const order = range(D).sort((i, j) => a[j * D + j] - a[i * D + i])
  for (const [row, i] of order.entries()) {
    const vector = basis.subarray(i * D, (i + 1) * D)
    const largest = vector.reduce((top, x) => (Math.abs(x) > Math.abs(top) ? x : top), 0)
    values[row] = a[i * D + i]
    vectors.set(
      vector.map((x) => x * Math.sign(largest)),
      row * D,
    )
  }
  return true
}

// ---- kmeans ------------------------------------------------------------------------------------------------------------

/** Every way to put n values into k clusters, neighbours or not. */
export function kmeans1d(label: I, x: F, _scratch: F, n: number, k: number): number {
  let best = Number.POSITIVE_INFINITY
  const trial: number[] = []
  const place = (used: number): void => {
    if (trial.length < n) {
      for (let c = 0; c <= Math.min(used, k - 1); c++) {
        trial.push(c)
        place(Math.max(used, c + 1))
        trial.pop()
      }
    } else if (used === k) {
      const clusters = range(k).map((c) => x.filter((_, i) => trial[i] === c))
      const means = clusters.map((cluster) => cluster.reduce((s, v) => s + v, 0) / cluster.length)
      const cost = total(n, (i) => (x[i] - means[trial[i]]) ** 2)
      if (cost >= best) return
      best = cost
      const byMean = range(k).sort((i, j) => means[i] - means[j])
      label.set(trial.map((c) => byMean.indexOf(c)))
    }
  }
  place(0)
  return best
}

// ---- random ------------------------------------------------------------------------------------------------------------

/** xoshiro128++: 32 random bits. */
export function next(s: I): number {
  const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k))
  const result = (rotate(s[0] + s[3], 7) + s[0]) >>> 0
  const t = s[1] << 9
  s[2] ^= s[0]
  s[3] ^= s[1]
  s[1] ^= s[2]
  s[0] ^= s[3]
  s[2] ^= t
  s[3] = rotate(s[3], 11)
  return result
}

const unit = (state: I): number => (next(state) >>> 8) / 2 ** 24

export function uniforms(out: F, state: I, n: number, low: number, high: number): void {
  for (let i = 0; i < n; i++) {
    const value = Math.fround(low + Math.fround(Math.fround(high - low) * unit(state)))
    out[i] = value < high ? value : low
  }
}

export function normals(out: F, state: I, n: number): void {
  for (let i = 0; i < n; i += 2) {
    let [x, y, s] = [0, 0, 0]
    do {
      x = 2 * unit(state) - 1
      y = 2 * unit(state) - 1
      s = Math.fround(Math.fround(x * x) + Math.fround(y * y))
    } while (s >= 1 || s === 0)
    out[i] = x * Math.sqrt((-2 * Math.log(s)) / s)
    if (i + 1 < n) out[i + 1] = y * Math.sqrt((-2 * Math.log(s)) / s)
  }
}

export function permutation(out: I, state: I, n: number): void {
  for (let i = 0; i < n; i++) out[i] = i
  for (let bound = n; bound > 1; bound--) {
    let wide = next(state) * bound
    while (wide % 2 ** 32 < 2 ** 32 % bound) wide = next(state) * bound
    const j = Math.floor(wide / 2 ** 32)
    const held = out[bound - 1]
    out[bound - 1] = out[j]
    out[j] = held
  }
}
