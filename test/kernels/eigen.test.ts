import { describe, expect, test } from 'vitest'
import {
  agree,
  BITS,
  type Block,
  type Cells,
  doubles,
  f64,
  inPlace,
  input,
  near,
  numbers,
  output,
  run,
  scratch,
  shapes,
  ulps,
} from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(11)

/** 0 … count-1 in ranges of `size`. */
const ranges = (count: number, size: number): [number, number][] =>
  Array.from({ length: size > 0 ? Math.ceil(count / size) : 0 }, (_, i) => [i * size, Math.min((i + 1) * size, count)])

/** The two kernels, on `rows` rows at a time and finished `size` rows at a time. */
function covariance(
  x: Float32Array<ArrayBuffer>,
  mean: Float32Array<ArrayBuffer>,
  B: number,
  D: number,
  rows = B,
  size = D,
): Cells {
  let out: Cells = doubles(D * D)
  for (const [first, last] of ranges(B, rows)) {
    const some = input(x.slice(first * D, last * D), D)
    ;[out] = run('addProducts', inPlace(out, D), some, input(mean), scratch(64 * D), last - first, D, D).outputs
  }
  for (const range of ranges(D, size)) [out] = run('finishCovariance', inPlace(out, D), D, ...range, B - 1).outputs
  return out
}

describe('covariance', () => {
  // Sums of B products below 4; f64 throughout.
  const tolerance = ulps(8, 'the order of f64 sums', 4, 53)

  test('addProducts matches its definition: the upper triangle alone', () => {
    for (const { B, D, gap } of shapes({
      B: [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 40],
      D: [0, 1, 2, 3, 4, 5, 8, 9, 17],
      gap: [0, 3],
    })) {
      const [x, mean] = [input(random.f32(B * D), D, D + gap), input(random.f32(D))]
      const out = inPlace(random.f64(D * D), D)
      agree('addProducts', reference.addProducts, tolerance, out, x, mean, scratch(64 * D), B, D, D + gap)
    }
  })

  test('finishCovariance matches its definition, on any of the rows', () => {
    for (const { D, first, more } of shapes({ D: [0, 1, 2, 5, 8], first: [0, 1, 4], more: [0, 1, 3, 8] })) {
      const out = inPlace(random.f64(D * D), D)
      const range = [Math.min(first, D), Math.min(first + more, D)] as const
      agree('finishCovariance', reference.finishCovariance, BITS, out, D, ...range, 7)
    }
  })

  test('in several calls, eight rows and their multiples, it has the same bits as in one', () => {
    const [B, D] = [43, 7]
    const [x, mean] = [random.f32(B * D), random.f32(D)]
    const whole = covariance(x, mean, B, D)
    for (const rows of [8, 16, 40, 48]) expect(covariance(x, mean, B, D, rows)).toEqual(whole)
    for (const size of [1, 2, 3, 6]) expect(covariance(x, mean, B, D, B, size)).toEqual(whole)
  })

  test('covariance is symmetric to the bit', () => {
    const [B, D] = [11, 6]
    const c = covariance(random.f32(B * D), random.f32(D), B, D)
    for (let i = 0; i < D; i++) for (let j = 0; j < i; j++) expect(c[i * D + j]).toBe(c[j * D + i])
  })

  test('the covariance of two rows is half the product of their difference', () => {
    const x = Float32Array.of(1, 5, 3, 1)
    expect([...covariance(x, Float32Array.of(2, 3), 2, 2)]).toEqual([2, -4, -4, 8])
  })
})

interface Eigen {
  readonly settled: boolean
  readonly values: number[]
  readonly vectors: number[][]
}

/** The four kernels one after the other, each in pieces of `size` steps. */
function eigen(a: readonly (readonly number[])[], size = a.length): Eigen {
  const D = a.length
  const square = (cells: Cells) => inPlace(cells, D)
  // What a step has not reached yet must not matter: NaN.
  const empty = (n: number) => doubles(n).fill(Number.NaN)
  let [values, off, beta, matrix, vectors]: Cells[] = [empty(D), empty(D), empty(D), f64(...a.flat()), empty(D * D)]
  for (const range of ranges(D, size)) {
    const made: Block[] = [inPlace(values), inPlace(off), inPlace(beta), square(matrix)]
    ;[values, off, beta, matrix] = run('tridiagonalize', ...made, scratch(8 * D), D, ...range).outputs
  }
  for (const range of ranges(D, size).reverse()) {
    ;[vectors] = run('backTransform', square(vectors), input(matrix, D), input(beta), D, ...range).outputs
  }
  let settled = true
  for (const range of ranges(D, size)) {
    const { result, outputs } = run('implicitQL', inPlace(values), inPlace(off), square(vectors), D, ...range)
    ;[values, off, vectors] = outputs
    settled &&= result !== 0
    if (!settled) break
  }
  for (const range of ranges(D, size)) {
    ;[values, vectors] = run('sortEigen', inPlace(values), square(vectors), scratch(8 * D), D, ...range).outputs
  }
  return { settled, values: [...values], vectors: a.map((_, i) => [...vectors.slice(i * D, (i + 1) * D)]) }
}

const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, i) => sum + v * y[i], 0)
const matrix = (n: number, entry: (i: number, j: number) => number): number[][] =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => entry(Math.min(i, j), Math.max(i, j))))

/** Everything that makes values and vectors the eigenvalues and eigenvectors of a. */
function checkEigen(a: readonly (readonly number[])[]): Eigen {
  const D = a.length
  const answer = eigen(a)
  const { settled, values, vectors } = answer
  expect(settled).toBe(true)
  const size = Math.max(...a.flat().map(Math.abs), Number.MIN_VALUE)
  // Householder and QL are backward stable: errors of some ε per row, relative to the largest entry.
  const allowed = 8 * Math.max(D, 4) * Number.EPSILON
  for (let i = 0; i < D; i++) {
    const image = a.map((row) => dot(row, vectors[i]))
    for (let j = 0; j < D; j++) {
      expect(Math.abs(image[j] - values[i] * vectors[i][j]) / size).toBeLessThan(allowed)
      expect(Math.abs(dot(vectors[i], vectors[j]) - (i === j ? 1 : 0))).toBeLessThan(allowed)
    }
    if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1])
    const largest = vectors[i].reduce((top, v) => (Math.abs(v) > Math.abs(top) ? v : top), 0)
    expect(largest).toBeGreaterThan(0)
  }
  const trace = a.reduce((sum, row, i) => sum + row[i], 0)
  expect(Math.abs(values.reduce((sum, v) => sum + v, 0) - trace) / size).toBeLessThan(D * allowed)
  return answer
}

const symmetric = (n: number): number[][] => {
  const values = random.f64(n * n)
  return matrix(n, (i, j) => values[i * n + j])
}
/** Random orthonormal rows. */
const basis = (n: number): number[][] => eigen(symmetric(n)).vectors
/** Qᵀ diag(values) Q. */
const withValues = (values: readonly number[]): number[][] => {
  const q = basis(values.length)
  return matrix(values.length, (i, j) => values.reduce((sum, v, k) => sum + v * q[k][i] * q[k][j], 0))
}
const SIZES = [1, 2, 3, 4, 5, 8, 17, 40]

describe('eigenvectors of a symmetric matrix', () => {
  // Entries below 1, some ten operations on each.
  const exact = ulps(100, 'the order of f64 sums', 1, 53)
  // Vectors of values 0.1 apart differ by what the values do, ten times.
  const gaps = ulps(1000, 'two methods, and the gaps between the values', 1, 53)
  const SMALL = [0, 1, 2, 3, 5, 8]

  test.each(SMALL)('tridiagonalize matches its definition, size %i', (D) => {
    for (const [first, last] of [[0, D], ...ranges(D, 2).slice(0, 1)]) {
      const of = [
        output(doubles(last)),
        output(doubles(last)),
        output(doubles(last)),
        inPlace(f64(...symmetric(D).flat()), D),
      ] as const
      agree('tridiagonalize', reference.tridiagonalize, exact, ...of, scratch(8 * D), D, first, last)
    }
  })

  test.each(SMALL)('backTransform matches its definition, size %i', (D) => {
    const a = input(random.f64(D * D), D)
    const beta = input(random.f64(D).map((v, k) => (k === 1 ? 0 : v)))
    agree('backTransform', reference.backTransform, exact, output(doubles(D * D), D), a, beta, D, 0, D)
  })

  test.each(SMALL)('implicitQL and sortEigen match their definitions, size %i', (D) => {
    const [d, e, z] = [random.f64(D), random.f64(D), random.f64(D * D)]
    const turned = run('implicitQL', inPlace(d), inPlace(e), inPlace(z, D), D, 0, D)
    expect(turned.result).toBe(1)
    const [values, , vectors] = turned.outputs
    const sorted = run('sortEigen', inPlace(values), inPlace(vectors, D), scratch(8 * D), D, 0, D).outputs
    const [theirs, rows] = [Float64Array.from(values), Float64Array.from(vectors)]
    reference.sortEigen(theirs, rows, doubles(0), D, 0, D)
    expect(sorted).toEqual([theirs, rows])
    const [d2, z2] = [d.slice(), z.slice()]
    reference.implicitQL(d2, e, z2, D, 0, D)
    reference.sortEigen(d2, z2, doubles(0), D, 0, D)
    near('values', sorted[0], d2, ulps(50, 'two methods', 1, 53))
    near('vectors', sorted[1], z2, gaps)
  })

  test.each(SMALL)('together they match their definition, size %i', (D) => {
    const a = symmetric(D)
    const [values, vectors] = [doubles(D), doubles(D * D)]
    reference.symmetricEigen(values, vectors, f64(...a.flat()), doubles(0), D)
    const answer = eigen(a)
    near('values', answer.values, values, ulps(50, 'two methods', 1, 53))
    near('vectors', answer.vectors.flat(), vectors, gaps)
  })

  test.each([1, 2, 3, 9, 17])('in pieces of any size the bits are the same, size %i', (n) => {
    for (const a of [symmetric(n), withValues(Array.from({ length: n }, (_, i) => (i < n / 2 ? 3 : -1))), matrix(n, () => 0)]) {
      const whole = eigen(a)
      for (const size of [1, 2, 5]) expect(eigen(a, size)).toEqual(whole)
    }
  })

  test.each(SIZES)('a random matrix of size %i', (n) => {
    for (let turn = 0; turn < 3; turn++) checkEigen(symmetric(n))
  })

  test.each(SIZES)('a diagonal matrix of size %i', (n) => {
    const diagonal = random.f64(n)
    const { values } = checkEigen(matrix(n, (i, j) => (i === j ? diagonal[i] : 0)))
    expect(values).toEqual([...diagonal].sort((a, b) => b - a))
  })

  test.each(SIZES)('the zero matrix and the identity of size %i', (n) => {
    expect(checkEigen(matrix(n, () => 0)).values).toEqual(Array(n).fill(0))
    expect(checkEigen(matrix(n, (i, j) => (i === j ? 1 : 0))).values).toEqual(Array(n).fill(1))
  })

  test.each(SIZES)('repeated eigenvalues, size %i', (n) => {
    const wanted = Array.from({ length: n }, (_, i) => (i < n / 2 ? 3 : -1))
    const { values } = checkEigen(withValues(wanted))
    for (let i = 0; i < n; i++) expect(values[i]).toBeCloseTo(wanted[i], 12)
  })

  test.each(SIZES)('rank 2 at most, size %i', (n) => {
    const [x, y] = [random.f64(n), random.f64(n)]
    const { values } = checkEigen(matrix(n, (i, j) => x[i] * x[j] + y[i] * y[j]))
    for (const v of values.slice(2)) expect(Math.abs(v)).toBeLessThan(1e-13)
  })

  test.each(SIZES)('a tridiagonal matrix of size %i', (n) => {
    const entries = random.f64(2 * n)
    checkEigen(matrix(n, (i, j) => (j - i > 1 ? 0 : entries[i + (j - i) * n])))
  })

  test('a tridiagonal matrix with a faint entry outside: nothing is dropped that f64 can hold', () => {
    for (const faint of [1e-6, 3e-9, 1e-10, 1e-13]) {
      for (const n of [3, 4, 9]) {
        const { values, vectors } = checkEigen(matrix(n, (i, j) => (i === j ? 0 : j - i === 1 ? 1 : faint)))
        expect(values.length + vectors.length).toBe(2 * n)
      }
    }
  })

  test('entries from 1e-12 to 1e12', () => {
    for (const n of [2, 3, 8, 17]) {
      const scale = Array.from({ length: n }, (_, i) => 10 ** (-12 + (24 * i) / Math.max(n - 1, 1)))
      const a = symmetric(n)
      checkEigen(matrix(n, (i, j) => a[i][j] * Math.sqrt(scale[i] * scale[j])))
      checkEigen(matrix(n, (i, j) => a[n - 1 - i][n - 1 - j] * Math.sqrt(scale[n - 1 - i] * scale[n - 1 - j])))
    }
  })

  test('matrices as small as squares of f32 and as large', () => {
    // A covariance of f32 data lies between 1e-90 and 1e77; the kernel promises a little more.
    for (const scale of [1e-100, 1e-90, 1e-40, 1e40, 1e77, 1e100]) {
      const [a, x] = [symmetric(9), random.f64(9)]
      checkEigen(matrix(9, (i, j) => scale * a[i][j]))
      checkEigen(matrix(9, (i, j) => scale * x[i] * x[j]))
    }
  })

  test('the covariance of fewer rows than features', () => {
    const [B, D] = [4, 12]
    const c = covariance(random.f32(B * D), new Float32Array(D), B, D)
    checkEigen(matrix(D, (i, j) => c[i * D + j]))
  })

  test('[[2, 1], [1, 2]] has 3 and 1, along the diagonals', () => {
    const { values, vectors } = checkEigen([
      [2, 1],
      [1, 2],
    ])
    near('values', values, [3, 1], ulps(2, 'one rotation', 0, 53))
    for (const v of vectors.flat()) expect(Math.abs(v)).toBeCloseTo(Math.SQRT1_2, 15)
    expect(vectors[0][0] * vectors[0][1]).toBeGreaterThan(0)
    expect(vectors[1][0] * vectors[1][1]).toBeLessThan(0)
  })

  test('the second difference has 2 - 2 cos(kπ / (n+1))', () => {
    for (const n of [1, 2, 3, 10, 25]) {
      const { values } = checkEigen(matrix(n, (i, j) => (i === j ? 2 : j - i === 1 ? -1 : 0)))
      for (let k = 1; k <= n; k++) expect(values[n - k]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 13)
    }
  })

  test('all ones has n, along the diagonal of space, and zeros', () => {
    const { values, vectors } = checkEigen(matrix(7, () => 1))
    expect(values[0]).toBeCloseTo(7, 13)
    for (const v of vectors[0]) expect(v).toBeCloseTo(1 / Math.sqrt(7), 13)
    for (const v of values.slice(1)) expect(v).toBeCloseTo(0, 13)
  })

  test('one number is its own eigenvalue', () => {
    expect(eigen([[-3]])).toEqual({ settled: true, values: [-3], vectors: [[1]] })
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('a matrix with %d does not settle', (odd) => {
    for (const n of [1, 2, 3, 4, 8]) {
      const a = symmetric(n)
      for (const { i, j } of shapes({ i: [...Array(n).keys()], j: [...Array(n).keys()] })) {
        const broken = matrix(n, (row, column) => (row === Math.min(i, j) && column === Math.max(i, j) ? odd : a[row][column]))
        expect(eigen(broken).settled).toBe(false)
      }
      expect(eigen(matrix(n, () => odd)).settled).toBe(false)
      expect(eigen(matrix(n, (row, column) => (row === column ? odd : 0))).settled).toBe(false)
    }
  })
})
