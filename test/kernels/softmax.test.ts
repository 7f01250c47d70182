import { expect, test } from 'vitest'
import { agree, f32, floats, inPlace, input, numbers, output, run, SIZES, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(5)
// z - max is rounded at up to 6, which exp turns into a relative error: 4 ulp; exp 1, the sum of D terms and the quotient the rest.
const tolerance = ulps(8, 'the rounded distance to the maximum, then exp, sum and quotient')

const softmax = (...z: number[]): number[] => [
  ...run('softmax', output(floats(z.length)), input(f32(...z)), 1, z.length).outputs[0],
]

test('softmax matches its definition', () => {
  for (const { B, D } of shapes({ B: [0, 1, 3], D: SIZES })) {
    const z = random.f32(B * D, -3, 3)
    agree('softmax', reference.softmax, tolerance, output(floats(B * D), D), input(z, D), B, D)
  }
})

test('softmax in place is softmax', () => {
  for (const { B, D } of shapes({ B: [3], D: SIZES })) {
    const z = random.f32(B * D, -3, 3)
    const apart = run('softmax', output(floats(B * D), D), input(z, D), B, D).outputs[0]
    const block = inPlace(z, D)
    expect(run('softmax', block, block, B, D).outputs[0]).toEqual(apart)
  }
})

test('equal logits share equally', () => {
  expect(softmax(7)).toEqual([1])
  expect(softmax(3, 3, 3, 3)).toEqual([0.25, 0.25, 0.25, 0.25])
})

test('every row sums to 1', () => {
  const [B, D] = [50, 13]
  const p = run('softmax', output(floats(B * D), D), input(random.f32(B * D, -20, 20), D), B, D).outputs[0]
  for (let b = 0; b < B; b++) expect([...p.slice(b * D, (b + 1) * D)].reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 6)
})

test('the largest logits do not overflow', () => {
  expect(softmax(1e4, 0, -1e4)).toEqual([1, 0, 0])
  expect(softmax(3e38, -3e38, 3e38, 0, 0)).toEqual([0.5, 0, 0.5, 0, 0])
  expect(softmax(-3e38, -3e38)).toEqual([0.5, 0.5])
})

test('the missing lanes of a tail take no part: all logits far below zero', () => {
  for (const D of [1, 2, 3, 5, 6, 7]) {
    const p = softmax(...Array(D).fill(-500))
    for (const v of p) expect(v).toBe(Math.fround(1 / D))
  }
})

test('a logit of -∞ has no share', () => {
  expect(softmax(0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toEqual([0.5, 0, 0.5, 0, 0])
})

test('a row with NaN is NaN, and its neighbours are not', () => {
  for (const place of [0, 3, 4, 5]) {
    const z = floats(18)
    z[6 + place] = Number.NaN
    const p = run('softmax', output(floats(18), 6), input(z, 6), 3, 6).outputs[0]
    for (let i = 0; i < 18; i++) expect(Number.isNaN(p[i])).toBe(i >= 6 && i < 12)
  }
})
