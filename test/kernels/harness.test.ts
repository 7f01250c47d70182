// The harness would be of no use if it let these pass.

import { expect, test } from 'vitest'
import { agree, BITS, distance, f32, floats, i32, indices, inPlace, input, output, run, scratch, ulps } from './harness.ts'

test('a read past an input shows', () => {
  expect(run('dot', input(f32(1, 2, 3)), input(f32(1, 2, 3, 4)), 4).result).toBeNaN()
})

test('a read of a gap between rows shows', () => {
  const sums = run('columnSums', output(floats(3)), input(f32(1, 2, 3, 4), 2, 3), 2, 3, 3).outputs[0]
  expect(sums).toEqual(f32(4, 6, Number.NaN))
})

test('a write past an output shows', () => {
  const sums = () => run('columnSums', output(floats(3)), input(f32(1, 2, 3, 4)), 1, 4, 4)
  expect(sums).toThrow('columnSums wrote outside an output: element 3, ld 3')
})

test('a write before an output shows', () => {
  const gradient = () => run('addGradientLabels', inPlace(floats(2)), input(f32(1, 1)), input(i32(-1)), input(f32(1)), 1, 1, 2)
  expect(gradient).toThrow('addGradientLabels wrote outside an inPlace: element -1, ld 2')
})

test('a write into a gap between rows shows', () => {
  const copy = () => run('gatherRows', output(floats(4), 2, 3), input(f32(1, 2, 3, 4, 5, 6), 3), input(i32(0, 1)), 2, 3, 3, 3)
  expect(copy).toThrow('gatherRows wrote outside an output: element 2, ld 3')
})

test('a write on an input shows', () => {
  const p = () => run('softmax', input(f32(1, 2)), input(f32(1, 2)), 1, 2)
  expect(p).toThrow('softmax wrote on an input: element 0, ld 2')
})

test('a write past a scratch shows', () => {
  const room = scratch(64)
  const values = input(new Float64Array([1, 2, 3]))
  expect(() => run('kmeans1d', output(indices(3)), values, room, 3, 2)).toThrow('kmeans1d wrote outside a scratch')
})

test('an output that was not written shows', () => {
  const nothing = (out: Float64Array) => out.fill(0)
  const unwritten = () => agree('gatherRows', nothing, BITS, output(floats(2)), input(f32(1)), input(i32(0)), 1, 1, 1, 1)
  expect(unwritten).toThrow('gatherRows')
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
