import { describe, expect, test } from 'vitest'
import { agree, f32, floats, i32, inPlace, input, numbers, output, run, SIZES, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(8)
const CLASSES = SIZES.slice(1)

/** Rows of softmax: targets that sum to 1. */
function distributions(B: number, D: number): Float32Array<ArrayBuffer> {
  const p = new Float64Array(B * D)
  reference.softmax(p, Float64Array.from(random.f32(B * D, -3, 3)), B, D)
  return Float32Array.from(p)
}
const oneHot = (labels: Int32Array, D: number) =>
  Float32Array.from({ length: labels.length * D }, (_, i) => (labels[Math.floor(i / D)] === i % D ? 1 : 0))

describe('losses', () => {
  test('squaredError matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: SIZES })) {
      const [out, y, w] = [input(random.f32(B * D), D), input(random.f32(B * D), D), input(random.f32(B, 0, 1))]
      agree('squaredError', reference.squaredError, ulps(2, 'differences are f32, squares and sums f64', 1e-3), out, y, w, B, D)
    }
  })

  // log Σ eᶻ: the maximum is exact, the logarithm of the rest is at most ln 64 ≈ 4 and has some ulp of exp, sum and log.
  const entropy = ulps(8, 'exp, a sum in f32 and log', 4)

  test('crossEntropy matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: CLASSES })) {
      const w = input(random.f32(B, 0, 1 / Math.max(B, 1)))
      const [z, t] = [input(random.f32(B * D, -3, 3), D), input(distributions(B, D), D)]
      agree('crossEntropy', reference.crossEntropy, entropy, z, t, w, B, D)
    }
  })

  test('crossEntropyLabels matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: CLASSES })) {
      const w = input(random.f32(B, 0, 1 / Math.max(B, 1)))
      const [z, labels] = [input(random.f32(B * D, -3, 3), D), input(random.i32(B, D))]
      agree('crossEntropyLabels', reference.crossEntropyLabels, entropy, z, labels, w, B, D)
    }
  })

  test('logLossLabels matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: CLASSES })) {
      const w = input(random.f32(B, 0, 1 / Math.max(B, 1)))
      const [p, labels] = [input(random.f32(B * D, 1e-4, 1), D), input(random.i32(B, D))]
      agree('logLossLabels', reference.logLossLabels, entropy, p, labels, w, B, D)
    }
  })

  test('logLossLabels of what cannot be is that of 1e-15', () => {
    const loss = (p: number) => run('logLossLabels', input(f32(p, 1 - p), 2), input(i32(0)), input(f32(1)), 1, 2).result
    expect(loss(1)).toBe(0)
    expect(loss(0)).toBe(loss(1e-20))
    expect(loss(0)).toBeCloseTo(15 * Math.log(10), 4)
  })

  test('hard targets are soft targets with one 1', () => {
    for (const { B, D } of shapes({ B: [1, 5], D: CLASSES })) {
      const [z, w, labels] = [input(random.f32(B * D, -9, 9), D), input(random.f32(B, 0, 1)), random.i32(B, D)]
      const soft = run('crossEntropy', z, input(oneHot(labels, D), D), w, B, D).result
      expect(run('crossEntropyLabels', z, input(labels), w, B, D).result).toBe(soft)
    }
  })

  test('a loss is linear in the row weights', () => {
    const [B, D] = [4, 5]
    const [z, labels, y] = [input(random.f32(B * D), D), input(random.i32(B, D)), input(random.f32(B * D), D)]
    const w = f32(0.5, 0.25, 1, 2)
    const one = (b: number) => input(Float32Array.from(w, (v, i) => (i === b ? v : 0)))
    for (const loss of [
      (weights: typeof z) => run('crossEntropyLabels', z, labels, weights, B, D).result,
      (weights: typeof z) => run('squaredError', z, y, weights, B, D).result,
    ]) {
      expect(loss(input(w))).toBeCloseTo(
        [0, 1, 2, 3].reduce((sum, b) => sum + loss(one(b)), 0),
        12,
      )
    }
  })

  test('cross-entropy stays finite where mathematics is: logits of ±1e4 and the largest floats', () => {
    for (const big of [1e4, 1e30, 3e38]) {
      const z = input(f32(big, -big, big, -big), 2)
      const loss = (label: number) => run('crossEntropyLabels', z, input(i32(label, label)), input(f32(1, 0)), 2, 2).result
      expect(loss(0)).toBe(0)
      expect(loss(1)).toBe(2 * Math.fround(big))
      expect(run('crossEntropy', z, input(f32(0.5, 0.5, 0.5, 0.5), 2), input(f32(1, 1)), 2, 2).result).toBe(2 * Math.fround(big))
    }
  })

  test('equal logits far below zero: the missing lanes of a tail take no part', () => {
    for (const D of [1, 2, 3, 5, 6, 7]) {
      const { result } = run('crossEntropyLabels', input(floats(D).fill(-500)), input(i32(0)), input(f32(1)), 1, D)
      expect(result).toBeCloseTo(Math.log(D), 4)
    }
  })
})

describe('gradients', () => {
  // scale · w · (a - t) has three roundings, the sum one; with a, t, w and the old value of size 1.
  const tolerance = ulps(4, 'four rounded operations', 2)

  test('addGradient matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: SIZES })) {
      const [dOut, a, t] = [random.f32(B * D), random.f32(B * D), random.f32(B * D)]
      const args = [input(a, D), input(t, D), input(random.f32(B, 0, 1)), 0.75, B, D] as const
      agree('addGradient', reference.addGradient, tolerance, inPlace(dOut, D), ...args)
    }
  })

  test('addGradientLabels matches its definition', () => {
    for (const { B, D } of shapes({ B: [0, 1, 5], D: CLASSES })) {
      const [dOut, p, labels] = [random.f32(B * D), random.f32(B * D, 0, 1), random.i32(B, D)]
      const args = [input(p, D), input(labels), input(random.f32(B, 0, 1)), 0.75, B, D] as const
      agree('addGradientLabels', reference.addGradientLabels, tolerance, inPlace(dOut, D), ...args)
    }
  })

  test('a label in every place', () => {
    for (let label = 0; label < 11; label++) {
      const args = [input(floats(11)), input(i32(label)), input(f32(1)), 1, 1, 11] as const
      const g = run('addGradientLabels', inPlace(floats(11)), ...args).outputs[0]
      expect([...g]).toEqual(Array.from({ length: 11 }, (_, d) => (d === label ? -1 : 0)))
    }
  })

  test('a probability next to 1 keeps the digits of what it lacks', () => {
    // Adding almost 1 to 1 first and taking 1 away afterwards would leave 1.
    const almost = 1 - 2 ** -24
    const args = [input(f32(almost, 2 ** -24)), input(i32(0)), input(f32(1)), 1, 1, 2] as const
    expect(run('addGradientLabels', inPlace(f32(1, 0)), ...args).outputs[0]).toEqual(f32(almost, 2 ** -24))
  })

  /** dLoss / dx of a reference loss, by central differences. */
  function slopes(x: Float32Array, loss: (x: Float64Array) => number): number[] {
    const h = 1e-5
    return Array.from(x, (_, i) => {
      const at = (shift: number) => loss(Float64Array.from(x, (v, j) => (j === i ? v + shift : v)))
      return (at(h) - at(-h)) / (2 * h)
    })
  }
  const softmax = (z: Float32Array<ArrayBuffer>, B: number, D: number) =>
    f32(...run('softmax', output(floats(B * D), D), input(z, D), B, D).outputs[0])

  const [B, D] = [4, 7]
  const weights = f32(0.25, 0, 1, 0.5)
  const w64 = Float64Array.from(weights)

  test('addGradient, scaled by 2, is the slope of squaredError', () => {
    const [out, y] = [random.f32(B * D), random.f32(B * D)]
    const wanted = slopes(out, (x) => reference.squaredError(x, Float64Array.from(y), w64, B, D))
    const args = [input(out, D), input(y, D), input(weights), 2, B, D] as const
    const g = run('addGradient', inPlace(floats(B * D), D), ...args).outputs[0]
    for (let i = 0; i < B * D; i++) expect(g[i]).toBeCloseTo(wanted[i], 6)
  })

  test('addGradient of softmax is the slope of crossEntropy', () => {
    const [z, t] = [random.f32(B * D, -2, 2), distributions(B, D)]
    const wanted = slopes(z, (x) => reference.crossEntropy(x, Float64Array.from(t), w64, B, D))
    const args = [input(softmax(z, B, D), D), input(t, D), input(weights), 1, B, D] as const
    const g = run('addGradient', inPlace(floats(B * D), D), ...args).outputs[0]
    for (let i = 0; i < B * D; i++) expect(g[i]).toBeCloseTo(wanted[i], 6)
  })

  test('addGradientLabels of softmax is the slope of crossEntropyLabels', () => {
    const [z, labels] = [random.f32(B * D, -2, 2), random.i32(B, D)]
    const wanted = slopes(z, (x) => reference.crossEntropyLabels(x, labels, w64, B, D))
    const args = [input(softmax(z, B, D), D), input(labels), input(weights), 1, B, D] as const
    const g = run('addGradientLabels', inPlace(floats(B * D), D), ...args).outputs[0]
    for (let i = 0; i < B * D; i++) expect(g[i]).toBeCloseTo(wanted[i], 6)
  })

  test('confident logits of ±1e4 have the gradient of their softmax, 0 and 1', () => {
    const z = f32(1e4, -1e4, 1e4, -1e4)
    const args = [input(softmax(z, 2, 2), 2), input(i32(0, 1)), input(f32(1, 1)), 1, 2, 2] as const
    const g = run('addGradientLabels', inPlace(floats(4), 2), ...args).outputs[0]
    expect(g).toEqual(f32(0, 0, 1, -1))
  })
})

describe('a row of weight 0', () => {
  const [B, D] = [3, 6]
  const w = input(f32(0.5, 0, 0.25))
  const labels = input(i32(1, 5, 0))
  /** The same array with other values in the row that does not count. */
  const changed = (x: Float32Array<ArrayBuffer>) => x.map((v, i) => (i >= D && i < 2 * D ? 1e30 * v : v))

  test('has no share in a loss', () => {
    const [z, t] = [random.f32(B * D), distributions(B, D)]
    const losses = (x: Float32Array<ArrayBuffer>) => [
      run('squaredError', input(x, D), input(t, D), w, B, D).result,
      run('crossEntropy', input(x, D), input(t, D), w, B, D).result,
      run('crossEntropyLabels', input(x, D), labels, w, B, D).result,
    ]
    expect(losses(changed(z))).toEqual(losses(z))
  })

  test('has no share in a gradient', () => {
    const [dOut, a, t] = [random.f32(B * D), changed(random.f32(B * D)), random.f32(B * D)]
    const middle = dOut.slice(D, 2 * D)
    const soft = run('addGradient', inPlace(dOut, D), input(a, D), input(t, D), w, 3, B, D).outputs[0]
    expect(soft.slice(D, 2 * D)).toEqual(middle)
    expect(soft.slice(0, D)).not.toEqual(dOut.slice(0, D))
    const hard = run('addGradientLabels', inPlace(dOut, D), input(a, D), labels, w, 3, B, D).outputs[0]
    expect(hard.slice(D, 2 * D)).toEqual(middle)
    expect(hard.slice(0, D)).not.toEqual(dOut.slice(0, D))
  })
})
