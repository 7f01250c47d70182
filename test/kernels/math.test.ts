// exp, log, tanh and the logistic function have no export of their own: they are reached through the kernels that use them.
// Sweeps go over the whole range; the reference is Math.* in f64, whose error is far below an f32 ulp.

import { expect, test } from 'vitest'
import { distance, f32, floats, inPlace, input, near, numbers, output, run, sweep, type Tolerance, ulps } from './harness.ts'

const [TANH, SIGMOID] = [2, 3]

/** A function by way of biasActivation; the bias is -0, the zero that changes no number. */
function activation(kind: number, x: Float32Array<ArrayBuffer>) {
  const bias = input(floats(x.length).fill(-0))
  return run('biasActivation', inPlace(x), bias, 1, x.length, x.length, kind).outputs[0]
}

/** eˣ by way of softmax: of the logits 0 and x ≤ 0 it makes 1 / (1 + eˣ) and eˣ / (1 + eˣ). */
function exp(x: ArrayLike<number>): number[] {
  const z = Float32Array.from({ length: 2 * x.length }, (_, i) => (i % 2 === 0 ? 0 : x[(i - 1) / 2]))
  const p = run('softmax', output(floats(z.length)), input(z), x.length, 2).outputs[0]
  return Array.from(x, (_, i) => p[2 * i + 1] / p[2 * i])
}

/** v ln v by way of spread: one student with one output of weight 1. */
function entropy(v: Float32Array<ArrayBuffer>) {
  const n = v.length
  const [weights, consensus] = [input(floats(n).fill(1)), input(v)]
  return run('spread', output(floats(n)), consensus, input(v), weights, true, 1, n, 1).outputs[0]
}

/** The largest distance over a sweep, so that a bound is known to be as tight as it can be. */
function worst(x: Float32Array, actual: ArrayLike<number>, expected: (x: number) => number, tolerance: Tolerance): number {
  near('sweep', actual, Array.from(x, expected), tolerance)
  return x.reduce((most, v, i) => Math.max(most, distance(actual[i], expected(v), tolerance)), 0)
}

/** Floats of every exponent, `each` of them per power of two, from the smallest subnormal on. */
function everyExponent(each: number, lowest = -149, highest = 127): Float32Array<ArrayBuffer> {
  const random = numbers(3)
  const exponents = Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i)
  return Float32Array.from(exponents.flatMap((e) => [...random.f32(each, 1, 2)].map((m) => m * 2 ** e)))
}

test('exp is within 1 ulp from -87.33 to 0', () => {
  const tolerance = ulps(2, 'exp 1 ulp, softmax two rounded quotients')
  const x = sweep(30_001, -87.33, 0)
  expect(worst(x, exp(x), Math.exp, tolerance)).toBeGreaterThan(0.5)
  const tiny = everyExponent(20, -149, -2).map((v) => -v)
  worst(tiny, exp(tiny), Math.exp, tolerance)
})

test('exp is within 1 ulp from 0 to 88.72', () => {
  // 1 / (1 + eˣ): above e²⁵ the 1 is lost and the logistic function is e⁻ˣ of an f32 quotient; its largest is subnormal.
  const x = sweep(20_001, 18, 88.72)
  const tolerance = ulps(2, 'exp 1 ulp, one sum, one quotient')
  worst(
    x,
    activation(
      SIGMOID,
      x.map((v) => -v),
    ),
    (v) => 1 / (1 + Math.exp(v)),
    tolerance,
  )
})

test('exp is 0 below -87.34, and of -∞', () => {
  expect(exp(f32(-87.34, -88, -103, -1e4, -3e38, Number.NEGATIVE_INFINITY))).toEqual([0, 0, 0, 0, 0, 0])
})

test('exp makes no subnormal numbers', () => {
  const p = exp(sweep(2_000, -87.345, -87.33))
  expect(p.filter((v) => v > 0 && v < 2 ** -126)).toEqual([])
  expect(p.some((v) => v === 0) && p.some((v) => v > 0)).toBe(true)
})

test('exp of 0 is 1', () => {
  expect(exp(f32(0, -0))).toEqual([1, 1])
})

const vLogV = (v: number) => v * Math.log(v)
const logTolerance = ulps(2.5, 'log 1 ulp, which may be two of v ln v, and that is rounded')

test('log is within 1 ulp for every normal float', () => {
  const v = everyExponent(100, -126, 120) // v ln v must stay finite
  expect(worst(v, entropy(v), vLogV, logTolerance)).toBeGreaterThan(0.5)
  const aroundOne = sweep(20_001, 0.5, 2)
  worst(aroundOne, entropy(aroundOne), vLogV, logTolerance)
})

test('log sees subnormal numbers', () => {
  // v ln v is itself subnormal below 2⁻¹³³, with an ulp as large as at 2⁻¹²⁶.
  const v = everyExponent(100, -149, -127)
  worst(v, entropy(v), vLogV, logTolerance)
})

test('log of 1 is 0, and 0 ln 0 is 0', () => {
  expect(entropy(f32(1, 0, -0))).toEqual(f32(0, 0, 0))
})

test('log of the number of equal logits is their cross-entropy', () => {
  for (const D of [1, 2, 3, 7, 64, 1000, 4097]) {
    const { result } = run('crossEntropyLabels', input(floats(D)), input(new Int32Array(1)), input(f32(1)), 1, D)
    near(`ln ${D}`, [result], [Math.log(D)], ulps(1, 'log 1 ulp'))
  }
})

test('tanh is within 1.5 ulp', () => {
  const tolerance = ulps(1.5, 'polynomial below 0.625, exp above')
  const x = sweep(40_001, -10, 10)
  expect(worst(x, activation(TANH, x), Math.tanh, tolerance)).toBeGreaterThan(0.5)
  const small = everyExponent(40)
  worst(small, activation(TANH, small), Math.tanh, tolerance)
  const joint = sweep(20_001, 0.62, 0.63)
  worst(joint, activation(TANH, joint), Math.tanh, tolerance)
})

test('tanh is odd, zeros included', () => {
  const x = everyExponent(10)
  const mirrored = activation(
    TANH,
    x.map((v) => -v),
  )
  expect(mirrored).toEqual(activation(TANH, x).map((v) => -v))
  expect(activation(TANH, f32(0, -0))).toEqual(f32(0, -0))
})

test('tanh never leaves [-1, 1] and is ±1 at ±∞', () => {
  const x = f32(Number.NEGATIVE_INFINITY, -3e38, -9.1, 9.1, 44.4, 88.8, 3e38, Number.POSITIVE_INFINITY)
  expect(activation(TANH, x)).toEqual(f32(-1, -1, -1, 1, 1, 1, 1, 1))
  expect(activation(TANH, sweep(10_000, -12, 12)).every((y: number) => Math.abs(y) <= 1)).toBe(true)
})

test('the logistic function is within 2.5 ulp', () => {
  const tolerance = ulps(2.5, 'exp 1 ulp, a sum and a quotient')
  const x = sweep(40_001, -88.72, 88.72)
  expect(worst(x, activation(SIGMOID, x), (v) => 1 / (1 + Math.exp(-v)), tolerance)).toBeGreaterThan(0.5)
  const near0 = sweep(20_001, -4, 4)
  worst(near0, activation(SIGMOID, near0), (v) => 1 / (1 + Math.exp(-v)), tolerance)
})

test('the logistic function is ½ at 0, 0 below -88.73 and 1 far above', () => {
  const x = f32(Number.NEGATIVE_INFINITY, -3e38, -88.73, 0, -0, 17.4, 88.73, Number.POSITIVE_INFINITY)
  expect(activation(SIGMOID, x)).toEqual(f32(0, 0, 0, 0.5, 0.5, 1, 1, 1))
})

test('NaN stays NaN', () => {
  expect(activation(TANH, f32(Number.NaN, 1))[0]).toBeNaN()
  expect(activation(SIGMOID, f32(Number.NaN, 1))[0]).toBeNaN()
  expect(exp(f32(Number.NaN))[0]).toBeNaN()
  const { result } = run('crossEntropyLabels', input(f32(1, Number.NaN)), input(new Int32Array(1)), input(f32(1)), 1, 2)
  expect(result).toBeNaN()
})

test.each([TANH, SIGMOID])('a value does not depend on where in a row it stands, kind %i', (kind) => {
  const x = numbers(4).f32(23, -3, 3)
  const whole = activation(kind, x)
  for (let n = 1; n <= x.length; n++) {
    expect(activation(kind, x.slice(0, n))).toEqual(whole.slice(0, n))
    expect(activation(kind, x.slice(n - 1))).toEqual(whole.slice(n - 1))
  }
})
