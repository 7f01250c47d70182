import { expect, test } from 'vitest'
import { agree, BITS, f32, floats, i32, inPlace, input, numbers, output, run, SIZES, ulps } from './harness.ts'
import * as reference from './reference.ts'

const SEED = i32(0x12345678, -559038737, 42, 7)
const random = numbers(12)
const maskOf = (n: number, rate: number) => f32(...run('dropoutMask', output(floats(n)), inPlace(SEED), n, rate).outputs[0])

test('dropoutMask has the bits of its definition, and so has the state', () => {
  for (const n of SIZES) {
    for (const rate of [0, 0.1, 0.5, 0.75, 0.999]) {
      agree('dropoutMask', reference.dropoutMask, BITS, output(floats(n)), inPlace(SEED), n, rate)
    }
  }
})

test('multiply matches its definition, onto a third array and onto either factor', () => {
  const once = ulps(0.5, 'one rounded product', 1)
  for (const n of SIZES) {
    const [x, y] = [random.f32(n), random.f32(n)]
    agree('multiply', reference.multiply, once, output(floats(n)), input(x), input(y), n)
    const [left, right] = [inPlace(x), inPlace(y)]
    agree('multiply', reference.multiply, once, left, left, input(y), n)
    agree('multiply', reference.multiply, once, right, input(x), right, n)
  }
})

test('a mask holds 0 and the factor that makes up for it, each as often as it should', () => {
  const n = 100_000
  for (const rate of [0.2, 0.5, 0.9]) {
    const mask = maskOf(n, rate)
    const factor = Math.fround(1 / Math.fround(1 - Math.fround(rate)))
    expect([...new Set(mask)].sort()).toEqual([0, factor])
    const dropped = mask.filter((v) => v === 0).length / n
    expect(Math.abs(dropped - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / n))
  }
})

test('at rate 0 nothing is dropped', () => {
  expect(maskOf(1001, 0).every((v) => v === 1)).toBe(true)
})

test('two masks drawn one after the other are one', () => {
  const whole = maskOf(10, 0.4)
  const [first, state] = run('dropoutMask', output(floats(4)), inPlace(SEED), 4, 0.4).outputs
  const [second] = run('dropoutMask', output(floats(6)), inPlace(i32(...state)), 6, 0.4).outputs
  expect(f32(...first, ...second)).toEqual(whole)
})
