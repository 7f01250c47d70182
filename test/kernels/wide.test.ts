import { expect, test } from 'vitest'
import { agree, BITS, doubles, f64, floats, inPlace, input, numbers, output, run, SIZES, sweep, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(17)
const LONG = [...SIZES, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008]

test('dot64 matches its definition', () => {
  for (const n of LONG) {
    const tolerance = ulps(8, 'the order of sums', n, 53)
    agree('dot64', reference.dot64, tolerance, input(random.f64(n)), input(random.f64(n)), n)
  }
})

test('dot64 of a vector with itself is its squared length', () => {
  for (const n of SIZES) {
    const a = input(random.f64(n))
    agree('dot64', reference.dot64, ulps(8, 'the order of sums', n, 53), a, a, n)
  }
  expect(run('dot64', input(f64(3, 4)), input(f64(3, 4)), 2).result).toBe(25)
})

test('dot64 adds in one order: eight sums side by side, then the rest', () => {
  const ordered = (a: Float64Array, b: Float64Array, n: number) => {
    const s = new Float64Array(8)
    const body = n - (n % 8)
    for (let i = 0; i < body; i++) s[i % 8] += a[i] * b[i]
    const lane = (k: number) => s[k] + s[2 + k] + (s[4 + k] + s[6 + k])
    let sum = lane(0) + lane(1)
    for (let i = body; i < n; i++) sum += a[i] * b[i]
    return sum
  }
  for (const n of LONG) agree('dot64', ordered, BITS, input(random.f64(n)), input(random.f64(n)), n)
})

test('dot64 keeps what f32 would lose', () => {
  expect(run('dot64', input(f64(1e8, 1)), input(f64(1e8, 1)), 2).result).toBe(1e16 + 1)
  expect(run('dot64', input(f64(1 + 2 ** -30)), input(f64(1)), 1).result).toBe(1 + 2 ** -30)
  expect(run('dot64', input(f64(1e100)), input(f64(1e100)), 1).result).toBe(1e200)
})

const FACTORS = [
  [1, -1],
  [0.3, 1.7],
  [-2.5, 0],
]

test('combine64 matches its definition', () => {
  for (const n of LONG) {
    for (const [x, y] of FACTORS) {
      agree('combine64', reference.combine64, BITS, output(doubles(n)), input(random.f64(n)), x, input(random.f64(n)), y, n)
    }
  }
})

test('combine64 in place of either input, or of both, is combine64', () => {
  for (const n of LONG) {
    const [a, b] = [random.f64(n), random.f64(n)]
    for (const [x, y] of FACTORS) {
      const [first, second, both] = [inPlace(a), inPlace(b), inPlace(a)]
      agree('combine64', reference.combine64, BITS, first, first, x, input(b), y, n)
      agree('combine64', reference.combine64, BITS, second, input(a), x, second, y, n)
      agree('combine64', reference.combine64, BITS, both, both, x, both, y, n)
      const same = input(a)
      agree('combine64', reference.combine64, BITS, output(doubles(n)), same, x, same, y, n)
    }
  }
})

test('narrow64 matches its definition', () => {
  for (const n of LONG) agree('narrow64', reference.narrow64, BITS, output(floats(n)), input(random.f64(n, -1e3, 1e3)), n)
})

test('narrow64 rounds to the nearest f32, halves to the even one, and what is too large to infinity', () => {
  const tie = 2 ** -24
  const x = f64(1 + tie, 1 + 3 * tie, 1 + tie + 2 ** -50, 1e-46, 1e-45, 3.4028234663852886e38, 1e39, -1e300, -0, Number.NaN)
  const [told] = run('narrow64', output(floats(x.length)), input(x), x.length).outputs
  const expected = [1, 1 + 4 * tie, 1 + 2 * tie, 0, 2 ** -149, 3.4028234663852886e38, Infinity, -Infinity, -0, Number.NaN]
  expect([...told]).toEqual(expected)
})

test('widen64 matches its definition', () => {
  for (const n of LONG) agree('widen64', reference.widen64, BITS, output(doubles(n)), input(random.f32(n, -1e3, 1e3)), n)
})

test('what was widened is narrowed to what it was', () => {
  const x = Float32Array.of(...sweep(50, -1e-38, 1e-38), ...sweep(50, -3e38, 3e38), -0, Infinity, -Infinity, Number.NaN)
  const [wide] = run('widen64', output(doubles(x.length)), input(x), x.length).outputs
  expect(run('narrow64', output(floats(x.length)), input(f64(...wide)), x.length).outputs[0]).toEqual(x)
})
