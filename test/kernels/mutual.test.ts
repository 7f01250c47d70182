import { describe, expect, test } from 'vitest'
import { agree, f32, floats, inPlace, input, near, numbers, output, run, SIZES, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(9)

/** Teacher weights (M,B), about a third of them 0. */
const teachers = (M: number, B: number) => random.f32(M * B, -0.5, 1).map((w) => Math.max(w, 0))

/** (rows, D) of positive numbers that sum to 1. */
function distributions(rows: number, D: number): Float32Array<ArrayBuffer> {
  const p = new Float64Array(rows * D)
  reference.softmax(p, Float64Array.from(random.f32(rows * D, -2, 2)), rows, D)
  return Float32Array.from(p)
}

type Values = Float32Array<ArrayBuffer>
const consensus = (q: Values, w: Values, M: number, B: number, D: number) => {
  const [c, taught] = run('consensus', output(floats(B * D), D), output(floats(B)), input(q, D), input(w), M, B, D).outputs
  return { c: f32(...c), taught: f32(...taught) }
}
const spread = (c: Values, q: Values, w: Values, probabilities: boolean, M: number, B: number, D: number) =>
  run('spread', output(floats(B)), input(c, D), input(q, D), input(w), probabilities, M, B, D).outputs[0]

test('consensus matches its definition', () => {
  for (const { M, B, D } of shapes({ M: [0, 1, 2, 5], B: [0, 1, 3], D: SIZES })) {
    const [q, w] = [input(random.f32(M * B * D), D), input(teachers(M, B))]
    const tolerance = ulps(3 * M + 1, 'a product and a sum per student, their weights, one quotient', 1)
    agree('consensus', reference.consensus, tolerance, output(floats(B * D), D), output(floats(B)), q, w, M, B, D)
  }
})

test('spread matches its definition', () => {
  for (const { M, B, D, soft } of shapes({ M: [0, 1, 2, 5], B: [0, 1, 3], D: SIZES, soft: [0, 1] })) {
    const q = soft ? distributions(M * B, D) : random.f32(M * B * D)
    const args = [input(random.f32(B * D), D), input(q, D), input(teachers(M, B)), soft === 1, M, B, D] as const
    agree('spread', reference.spread, ulps(2, 'f64 sums of f32 logarithms, rounded once', 1e-3), output(floats(B)), ...args)
  }
})

test('consensus of one student is that student', () => {
  const q = random.f32(3 * 10)
  expect(consensus(q, f32(1, 1, 1), 1, 3, 10).c).toEqual(q)
})

test('consensus of equal students is any of them, whatever their weights', () => {
  const [B, D] = [2, 9]
  const one = random.f32(B * D)
  const { c } = consensus(f32(...one, ...one, ...one), f32(0.2, 0.7, 0.5, 0.1, 0.3, 3), 3, B, D)
  for (let i = 0; i < B * D; i++) expect(c[i]).toBeCloseTo(one[i], 6)
})

test('the weights of teachers have no unit', () => {
  const [M, B, D] = [4, 3, 5]
  const [q, w] = [random.f32(M * B * D), teachers(M, B)]
  // A power of two scales without rounding.
  expect(
    consensus(
      q,
      w.map((v) => 8 * v),
      M,
      B,
      D,
    ),
  ).toEqual(consensus(q, w, M, B, D))
})

test('a row without a teacher is zero and not taught', () => {
  const [M, B, D] = [3, 4, 6]
  const q = random.f32(M * B * D)
  const w = f32(1, 0, 1, 0, 1, 0, 0, 0, 1, -0, 0.5, 0)
  const { c, taught } = consensus(q, w, M, B, D)
  expect(taught).toEqual(f32(1, 0, 1, 0))
  expect(c.slice(D, 2 * D)).toEqual(floats(D))
  expect(c.slice(3 * D)).toEqual(floats(D))
  for (const probabilities of [false, true]) {
    const s = spread(c, q.map(Math.abs), w, probabilities, M, B, D)
    expect([s[1], s[3]]).toEqual([0, 0])
    expect(Math.abs(s[0])).toBeGreaterThan(0)
  }
})

test('a student of weight 0 may hold NaN and nobody hears it', () => {
  const [M, B, D] = [3, 2, 7]
  const w = f32(0.5, 0, 0, 1, 0.5, 1) // student 0 is silent in row 1, student 1 in row 0
  const silent = (i: number) => w[Math.floor(i / D)] === 0
  const quiet = distributions(M * B, D)
  const deaf = quiet.map((v, i) => (silent(i) ? Number.NaN : v))
  expect(deaf.some(Number.isNaN)).toBe(true)
  const { c, taught } = consensus(quiet, w, M, B, D)
  expect(consensus(deaf, w, M, B, D)).toEqual({ c, taught })
  for (const probabilities of [false, true]) {
    expect(spread(c, deaf, w, probabilities, M, B, D)).toEqual(spread(c, quiet, w, probabilities, M, B, D))
  }
})

test('spread of one student is 0 for outputs and its negative entropy for classes', () => {
  const p = f32(0.5, 0.25, 0.25, 0)
  expect(spread(p, p, f32(0.3), false, 1, 1, 4)).toEqual(f32(0))
  expect(spread(p, p, f32(0.3), true, 1, 1, 4)[0]).toBeCloseTo(-1.5 * Math.LN2, 6)
})

describe('one consensus stands for every teacher', () => {
  const [M, B, D] = [4, 3, 5]
  const sumOfWeights = (w: Values, b: number) => [...Array(M).keys()].reduce((sum, m) => sum + w[m * B + b], 0)

  /** Σ_j w[j,b] · divergence(j, b) / Σ_j w[j,b], the definition of the method. */
  const pairwise = (w: Values, b: number, divergence: (row: number) => number) =>
    [...Array(M).keys()].reduce((sum, j) => sum + w[j * B + b] * divergence(j * B + b), 0) / sumOfWeights(w, b)

  test('squared distances: the pairwise mean is the distance to the consensus and the spread', () => {
    const [q, f] = [random.f32(M * B * D), random.f32(B * D)]
    const w = random.f32(M * B, 0.1, 1)
    const { c } = consensus(q, w, M, B, D)
    const rest = spread(c, q, w, false, M, B, D)
    for (let b = 0; b < B; b++) {
      const squared = (to: Values, row: number) =>
        [...Array(D).keys()].reduce((sum, d) => sum + (f[b * D + d] - to[row * D + d]) ** 2, 0)
      const wanted = pairwise(w, b, (row) => squared(q, row))
      const row = (x: Values) => input(x.slice(b * D, (b + 1) * D))
      expect(run('squaredError', row(f), row(c), input(f32(1)), 1, D).result + rest[b]).toBeCloseTo(wanted, 5)
    }
  })

  test('Kullback-Leibler: the pairwise mean is the cross-entropy with the consensus and the spread', () => {
    const [q, z] = [distributions(M * B, D), random.f32(B * D, -2, 2)]
    const w = random.f32(M * B, 0.1, 1)
    const { c } = consensus(q, w, M, B, D)
    const rest = spread(c, q, w, true, M, B, D)
    const p = new Float64Array(B * D)
    reference.softmax(p, Float64Array.from(z), B, D)
    for (let b = 0; b < B; b++) {
      // D(f, q) = KL(q ‖ softmax f): the reference's kl_div with the teacher as target.
      const wanted = pairwise(w, b, (row) =>
        [...Array(D).keys()].reduce((sum, d) => sum + q[row * D + d] * Math.log(q[row * D + d] / p[b * D + d]), 0),
      )
      const row = (x: Values) => input(x.slice(b * D, (b + 1) * D))
      expect(run('crossEntropy', row(z), row(c), input(f32(1)), 1, D).result + rest[b]).toBeCloseTo(wanted, 5)
    }
  })

  test('the pairwise gradient is the gradient against the consensus', () => {
    const [q, f] = [random.f32(M * B * D), random.f32(B * D)]
    const w = random.f32(M * B, 0.1, 1)
    const { c } = consensus(q, w, M, B, D)
    const gradient = (before: Values, target: Values, weights: Values) => {
      const args = [input(f, D), input(target, D), input(weights), 1, B, D] as const
      return f32(...run('addGradient', inPlace(before, D), ...args).outputs[0])
    }
    const pairs = [...Array(M).keys()].reduce(
      (sum, j) => {
        const weights = Float32Array.from({ length: B }, (_, b) => w[j * B + b] / sumOfWeights(w, b))
        return gradient(sum, q.slice(j * B * D, (j + 1) * B * D), weights)
      },
      floats(B * D),
    )
    const once = gradient(floats(B * D), c, floats(B).fill(1))
    near('gradient', once, pairs, ulps(8, 'four rounded terms against one', 2))
  })
})
