// The harness would be of no use if it let these pass.

import { expect, test } from 'vitest'
import { agree, BITS, distance, f32, f64, floats, i32, indices, inPlace, input, output, run, scratch, ulps } from './harness.ts'

/** What twenty calls answer or throw: among so many each array has been the one at the end of the memory. */
function twenty(what: () => unknown): Set<unknown> {
  const answer = () => {
    try {
      return what()
    } catch (error) {
      return (error as Error).message
    }
  }
  return new Set(Array.from({ length: 20 }, answer))
}
const trap = 'memory access out of bounds'

test('a read past an input shows, in the result or as a trap', () => {
  expect(twenty(() => run('dot', input(f32(1, 2, 3)), input(f32(1, 2, 3, 4)), 4).result)).toEqual(new Set([Number.NaN, trap]))
})

test('a read of a gap between rows shows', () => {
  const sums = () => run('columnSums', output(floats(3)), input(f32(1, 2, 3, 4), 2, 3), 1, 3, 3).outputs[0].join()
  expect(twenty(sums)).toEqual(new Set(['1,2,NaN']))
})

test('a write past an output shows', () => {
  const sums = () => run('columnSums', output(floats(3)), input(f32(1, 2, 3, 4)), 1, 4, 4)
  expect(twenty(sums)).toEqual(new Set(['columnSums wrote outside its output: element 3, ld 3', trap]))
})

test('a write before an output shows', () => {
  const gradient = () => run('addGradientLabels', inPlace(floats(2)), input(f32(1, 1)), input(i32(-1)), input(f32(1)), 1, 1, 2)
  expect(twenty(gradient)).toEqual(new Set(['addGradientLabels wrote outside its inPlace: element -1, ld 2']))
})

test('a write into a gap between rows shows', () => {
  const copy = () => run('gatherRows', output(floats(4), 2, 3), input(f32(1, 2, 3), 3), input(i32(0)), 1, 3, 3, 3)
  expect(twenty(copy)).toEqual(new Set(['gatherRows wrote outside its output: element 2, ld 3']))
})

test('a write on an input shows', () => {
  const p = () => run('softmax', input(f32(1, 2)), input(f32(1, 2)), 1, 2)
  expect(twenty(p)).toEqual(new Set(['softmax wrote on its input: element 0, ld 2']))
})

test('a write past a scratch shows', () => {
  const labels = () => run('kmeans1d', output(indices(3)), input(f64(1, 2, 3)), scratch(64), 3, 2)
  expect(twenty(labels)).toEqual(new Set(['kmeans1d wrote outside its scratch: element 8, ld 8', trap]))
})

test('an output that was not written shows', () => {
  const zero = (out: Float64Array) => void out.fill(0)
  const unwritten = () => agree('gatherRows', zero, BITS, output(floats(2)), input(f32(0)), input(i32(0)), 1, 1, 1, 1)
  expect(unwritten).toThrow('[1] is NaN, expected 0')
})

test('a wrong number shows, with how far it is', () => {
  const different = (x: Float64Array) => void x.fill(1.5)
  const args = [inPlace(f32(1)), input(f32(0)), 1, 1, 1, 0] as const
  expect(() => agree('biasActivation', different, ulps(4, 'none'), ...args)).toThrow(
    'biasActivation(inPlace, input, 1, 1, 1, 0) output 0: [0] is 1, expected 1.5: 4.19e+6 ulp, allowed 4 (none)',
  )
  expect(() => agree('dot', () => 3, BITS, input(f32(1)), input(f32(2)), 1)).toThrow('dot(input, input, 1) returns')
})

test('a distance of one ulp is 1, in either precision; -0 is not quite 0', () => {
  expect(distance(1 + 2 ** -23, 1, ulps(0, ''))).toBe(1)
  expect(distance(1 + 2 ** -52, 1, ulps(0, '', 0, 53))).toBe(1)
  expect(distance(2 ** -149, 0, ulps(0, ''))).toBe(1)
  expect(distance(-0, 0, BITS)).toBeGreaterThan(0)
  expect(distance(Number.NaN, Number.NaN, BITS)).toBe(0)
  expect(distance(Number.NaN, 1, BITS)).toBe(Number.POSITIVE_INFINITY)
  expect(distance(Number.POSITIVE_INFINITY, 3e38, BITS)).toBe(Number.POSITIVE_INFINITY)
})
