import { expect, test } from 'vitest'
import { agree, BITS, f32, floats, inPlace, input, near, numbers, output, run, SIZES, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(6)

test('dot matches its definition', () => {
  for (const n of [...SIZES, 1001, 1002, 1003, 1004]) {
    // Products of two f32 are exact in f64; the sums, below n in size, are rounded in another order.
    const tolerance = ulps(8, 'the order of f64 sums', n, 53)
    agree('dot', reference.dot, tolerance, input(random.f32(n)), input(random.f32(n)), n)
  }
})

test('dot keeps what f32 would lose', () => {
  const a = f32(1e8, 1, -1e8, 3, 1e20, 5, -1e20)
  expect(run('dot', input(a.slice(0, 4)), input(f32(1, 1, 1, 1)), 4).result).toBe(4)
  expect(run('dot', input(f32(3e38, 3e38)), input(f32(3e38, 3e38)), 2).result).toBeGreaterThan(1e76)
})

test('columnSums matches its definition', () => {
  for (const { B, D, gap } of shapes({ B: [0, 1, 2, 5, 33], D: SIZES, gap: [0, 3] })) {
    const tolerance = ulps(B, 'one rounding per row', 4)
    const x = input(random.f32(B * D), D, D + gap)
    agree('columnSums', reference.columnSums, tolerance, output(floats(D)), x, B, D, D + gap)
  }
})

test('columnSums adds the rows in their order', () => {
  const sequential = (out: Float64Array, x: Float64Array, B: number, D: number) => {
    out.fill(0)
    for (let i = 0; i < B * D; i++) out[i % D] = Math.fround(out[i % D] + x[i])
  }
  agree('columnSums', sequential, BITS, output(floats(7)), input(random.f32(700), 7), 100, 7, 7)
})

test('columnMoments matches its definition', () => {
  for (const { B, D, gap } of shapes({ B: [1, 2, 5, 33], D: SIZES, gap: [0, 3] })) {
    const x = input(random.f32(B * D, -1, 3), D, D + gap)
    const args = [output(floats(D)), output(floats(D)), x, B, D, D + gap] as const
    agree('columnMoments', reference.columnMoments, ulps(0.51, 'f64 inside, rounded once', 1e-9), ...args)
  }
})

test('columnMoments keeps its digits far from zero', () => {
  // At 1e6 neighbouring floats are 1/16 apart: these values are exact, and their squares add up to 1e15, where f64 has no 1/16.
  const steps = random.i32(1000, 16)
  const x = Float32Array.from(steps, (k) => 1e6 + k / 16)
  const mean = steps.reduce((sum, k) => sum + k / 16, 0) / 1000
  const variance = steps.reduce((sum, k) => sum + (k / 16 - mean) ** 2, 0) / 1000
  const args = [output(floats(1)), output(floats(1)), input(x, 1), 1000, 1, 1] as const
  const [actualMean, actualVariance] = run('columnMoments', ...args).outputs
  expect(actualMean[0]).toBe(Math.fround(1e6 + mean))
  near('variance', actualVariance, [variance], ulps(1, 'f64 inside, rounded once'))
})

test('a constant column has variance 0', () => {
  const x = f32(0.1, 7, 0.1, 7, 0.1, 7)
  const [mean, variance] = run('columnMoments', output(floats(2)), output(floats(2)), input(x, 2), 3, 2, 2).outputs
  expect(mean).toEqual(f32(0.1, 7))
  expect(variance[1]).toBe(0)
  expect(variance[0]).toBeLessThan(1e-30) // the mean of three times 0.1 need not be 0.1 in f64
})

test('standardize matches its definition', () => {
  for (const { B, D, gap } of shapes({ B: [0, 1, 3], D: SIZES, gap: [0, 5] })) {
    const [x, mean, scale] = [random.f32(B * D), random.f32(D), random.f32(D, 0.5, 2)]
    const out = output(floats(B * D), D, D + gap)
    const tail = [B, D, D + gap, D + 2 * gap]
    const tolerance = ulps(2, 'a rounded difference, divided by at least ½', 2)
    agree('standardize', reference.standardize, tolerance, out, input(x, D, D + 2 * gap), input(mean), input(scale), ...tail)
  }
})

test('standardize in place is standardize', () => {
  for (const D of SIZES) {
    const [x, mean, scale] = [random.f32(3 * D), random.f32(D), random.f32(D, 0.5, 2)]
    const apart = run('standardize', output(floats(3 * D), D), input(x, D), input(mean), input(scale), 3, D, D, D)
    const block = inPlace(x, D, D + 2)
    const same = run('standardize', block, block, input(mean), input(scale), 3, D, D + 2, D + 2)
    expect(same.outputs[0]).toEqual(apart.outputs[0])
  }
})

test('columns standardized by their moments have mean 0 and variance 1', () => {
  const [B, D] = [64, 5]
  const x = random.f32(B * D, 10, 20)
  const [mean, variance] = run('columnMoments', output(floats(D)), output(floats(D)), input(x, D), B, D, D).outputs
  const scale = f32(...variance.map(Math.sqrt))
  const out = run('standardize', output(floats(B * D), D), input(x, D), input(f32(...mean)), input(scale), B, D, D, D).outputs[0]
  const again = run('columnMoments', output(floats(D)), output(floats(D)), input(f32(...out), D), B, D, D).outputs
  for (let d = 0; d < D; d++) {
    expect(again[0][d]).toBeCloseTo(0, 6)
    expect(again[1][d]).toBeCloseTo(1, 6)
  }
})

test('weightedSum matches its definition', () => {
  for (const { M, n } of shapes({ M: [0, 1, 2, 5], n: SIZES })) {
    const tolerance = ulps(2 * M, 'two roundings per array', 2)
    agree(
      'weightedSum',
      reference.weightedSum,
      tolerance,
      output(floats(n)),
      input(random.f32(M * n)),
      input(random.f32(M)),
      M,
      n,
    )
  }
})

test('weightedSum adds the arrays in their order', () => {
  const sequential = (out: Float64Array, x: Float64Array, w: Float64Array, M: number, n: number) => {
    out.fill(0)
    for (let i = 0; i < M * n; i++) out[i % n] = Math.fround(out[i % n] + Math.fround(w[Math.floor(i / n)] * x[i]))
  }
  agree('weightedSum', sequential, BITS, output(floats(9)), input(random.f32(180)), input(random.f32(20)), 20, 9)
})

test('the weighted sum of one array with weight 1 is that array', () => {
  const x = random.f32(11)
  expect(run('weightedSum', output(floats(11)), input(x), input(f32(1)), 1, 11).outputs[0]).toEqual(x)
})
