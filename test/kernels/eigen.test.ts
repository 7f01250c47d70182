import { describe, expect, test } from 'vitest'
import { agree, doubles, f64, inPlace, input, near, numbers, output, run, scratch, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(11)

describe('covariance', () => {
  // Sums of B products below 4; f64 throughout.
  const tolerance = ulps(8, 'the order of f64 sums', 4, 53)

  test('covariance matches its definition', () => {
    for (const { B, D, gap } of shapes({ B: [2, 3, 7, 8, 9, 15, 16, 17, 40], D: [0, 1, 2, 3, 4, 5, 8, 9, 17], gap: [0, 3] })) {
      const [x, mean] = [input(random.f32(B * D), D, D + gap), input(random.f32(D))]
      const out = output(doubles(D * D), D)
      agree('covariance', reference.covariance, tolerance, out, x, mean, scratch(64 * D), B, D, D + gap)
    }
  })

  test('covariance is symmetric to the bit', () => {
    const [B, D] = [11, 6]
    const args = [input(random.f32(B * D), D), input(random.f32(D)), scratch(64 * D), B, D, D] as const
    const c = run('covariance', output(doubles(D * D), D), ...args).outputs[0]
    for (let i = 0; i < D; i++) for (let j = 0; j < i; j++) expect(c[i * D + j]).toBe(c[j * D + i])
  })

  test('the covariance of two rows is half the product of their difference', () => {
    const x = Float32Array.of(1, 5, 3, 1)
    const args = [input(x, 2), input(Float32Array.of(2, 3)), scratch(128), 2, 2, 2] as const
    expect([...run('covariance', output(doubles(4), 2), ...args).outputs[0]]).toEqual([2, -4, -4, 8])
  })
})

interface Eigen {
  readonly settled: boolean
  readonly values: number[]
  readonly vectors: number[][]
}

function eigen(a: readonly (readonly number[])[]): Eigen {
  const D = a.length
  const [values, vectors] = [output(doubles(D)), output(doubles(D * D), D)]
  const { result, outputs } = run('symmetricEigen', values, vectors, inPlace(f64(...a.flat()), D), scratch(24 * D), D)
  const rows = a.map((_, i) => [...outputs[1].slice(i * D, (i + 1) * D)])
  return { settled: result !== 0, values: [...outputs[0]], vectors: rows }
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

describe('symmetricEigen', () => {
  test('symmetricEigen matches its definition', () => {
    for (const D of [0, 1, 2, 3, 5, 8]) {
      const args = [inPlace(f64(...symmetric(D).flat()), D), scratch(24 * D), D] as const
      const whole = (values: Float64Array, vectors: Float64Array, a: Float64Array, room: Float64Array, n: number) => {
        reference.symmetricEigen(values, vectors, a.slice(), room, n)
        return true
      }
      const { outputs } = run('symmetricEigen', output(doubles(D)), output(doubles(D * D), D), ...args)
      const [values, vectors] = [doubles(D), doubles(D * D)]
      whole(values, vectors, Float64Array.from(args[0].cells), doubles(0), D)
      // Vectors of values 0.1 apart differ by what the values do, ten times.
      near('values', outputs[0], values, ulps(50, 'two methods', 1, 53))
      near('vectors', outputs[1], vectors, ulps(1000, 'two methods, and the gaps between the values', 1, 53))
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
    const args = [input(random.f32(B * D), D), input(new Float32Array(D)), scratch(64 * D), B, D, D] as const
    const c = run('covariance', output(doubles(D * D), D), ...args).outputs[0]
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
