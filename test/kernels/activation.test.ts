import { expect, test } from 'vitest'
import { agree, BITS, f32, floats, inPlace, input, numbers, run, SIZES, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const [IDENTITY, RELU, TANH, SIGMOID] = [0, 1, 2, 3]
const random = numbers(2)

// x + bias is rounded once, at up to 4, before the function sees it; tanh 1.5 ulp and sigmoid 2.5 ulp by themselves.
const forward = ulps(5, 'polynomials, after one rounded sum', 2)
// dOut, 1 - y and its products are rounded: three or four times.
const backward = ulps(4, 'four rounded operations', 1)

test('biasActivation adds the bias and applies the activation', () => {
  for (const { B, D, gap, kind } of shapes({ B: [0, 1, 3], D: SIZES, gap: [0, 5], kind: [0, 1, 2, 3] })) {
    const x = inPlace(random.f32(B * D, -2, 2), D, D + gap)
    agree('biasActivation', reference.biasActivation, forward, x, input(random.f32(D, -2, 2)), B, D, D + gap, kind)
  }
})

test('activationGradient multiplies with the slope, from the output', () => {
  for (const { B, D, gap, kind } of shapes({ B: [0, 1, 3], D: SIZES, gap: [0, 5], kind: [0, 1, 2, 3] })) {
    const dOut = inPlace(random.f32(B * D), D, D + gap)
    const y = input(random.f32(B * D), D, D + 2 * gap)
    const sizes = [B, D, D + gap, D + 2 * gap, kind]
    agree('activationGradient', reference.activationGradient, backward, dOut, y, ...sizes)
  }
})

test.each([IDENTITY, RELU, TANH, SIGMOID])('activationGradient is the derivative of biasActivation, kind %i', (kind) => {
  const z = random.f32(50, -3, 3).filter((x) => Math.abs(x) > 0.01) // away from the corner of relu
  const h = 1e-6
  const at = (shift: number) => {
    const y = Float64Array.from(z, (x) => x + shift)
    reference.biasActivation(y, new Float64Array(z.length), 1, z.length, z.length, kind)
    return y
  }
  const [above, below] = [at(h), at(-h)]
  const y = run('biasActivation', inPlace(z), input(floats(z.length)), 1, z.length, z.length, kind).outputs[0]
  const ones = floats(z.length).fill(1)
  const slope = run('activationGradient', inPlace(ones), input(y), 1, z.length, z.length, z.length, kind).outputs[0]
  for (let i = 0; i < z.length; i++) expect(slope[i]).toBeCloseTo((above[i] - below[i]) / (2 * h), 6)
})

test('relu keeps what is above zero and nothing else', () => {
  const z = f32(-1e30, -1, -1e-40, -0, 0, 1e-40, 1, 1e30, Number.NaN)
  const y = run('biasActivation', inPlace(z), input(floats(9)), 1, 9, 9, RELU).outputs[0]
  expect(y).toEqual(f32(0, 0, 0, 0, 0, 1e-40, 1, 1e30, Number.NaN))
})

test('relu lets a gradient through only where its output is above zero', () => {
  const y = f32(0, -0, 1e-40, 2, 0)
  const dOut = f32(3, 3, 3, 3, Number.POSITIVE_INFINITY)
  expect(run('activationGradient', inPlace(dOut), input(y), 1, 5, 5, 5, RELU).outputs[0]).toEqual(f32(0, 0, 3, 3, 0))
})

test('the identity only adds the bias', () => {
  const args = [inPlace(random.f32(21), 7), input(random.f32(7)), 3, 7, 7, IDENTITY] as const
  const rounded = (x: Float64Array, bias: Float64Array) => {
    for (let i = 0; i < x.length; i++) x[i] = Math.fround(x[i] + bias[i % 7])
  }
  agree('biasActivation', rounded, BITS, ...args)
})
