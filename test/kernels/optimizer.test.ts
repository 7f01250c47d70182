import { describe, expect, test } from 'vitest'
import { readGolden } from './golden.ts'
import { agree, BITS, FUSED, f32, floats, inPlace, input, near, numbers, run, SIZES, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(10)
const fround = Math.fround

// Each line of a step rounds three or four times, at numbers up to 1. The recorded steps below are compared to the bit.
const step = ulps(6, 'a few rounded operations per line', 1)

test('sgd matches its definition', () => {
  for (const n of SIZES) {
    const [p, g, v] = [inPlace(random.f32(n)), input(random.f32(n)), inPlace(random.f32(n))]
    agree('sgd', reference.sgd, step, p, g, v, n, fround(0.1), fround(0.9), fround(0.01))
  }
})

test('sgd without momentum and decay follows the gradient', () => {
  const [p, v] = run('sgd', inPlace(f32(1, 2, 3)), input(f32(4, -4, 0)), inPlace(floats(3)), 3, 0.25, 0, 0).outputs
  expect(p).toEqual(f32(0, 3, 3))
  expect(v).toEqual(f32(4, -4, 0))
})

test('sgd gathers speed: after two equal gradients momentum 0.5 has gone 1 + 1.5 of them', () => {
  let [p, v] = [f32(0), f32(0)]
  for (let t = 0; t < 2; t++) {
    ;[p, v] = run('sgd', inPlace(p), input(f32(1)), inPlace(v), 1, 1, 0.5, 0).outputs.map((x) => f32(...x))
  }
  expect([...p, ...v]).toEqual([-2.5, 1.5])
})

/** The scalars of Adam's step t, as the caller keeps them: running products in f64, rounded when passed. */
const scalars = (rate: number, beta1: number, beta2: number, epsilon: number, beta1t: number, beta2t: number) =>
  [rate / (1 - beta1t), Math.sqrt(1 - beta2t), beta1, beta2, 1 - beta1, 1 - beta2, epsilon].map(fround)

test.each([
  ['adam', reference.adam],
  ['adamw', reference.adamw],
] as const)('%s matches its definition', (name, definition) => {
  for (const n of SIZES) {
    for (const last of name === 'adam' ? [0, 0.1] : [1, 0.99]) {
      const [p, g] = [inPlace(random.f32(n)), input(random.f32(n))]
      const [m, v] = [inPlace(random.f32(n)), inPlace(random.f32(n, 0, 1))]
      const scale = scalars(0.001, 0.9, 0.999, 1e-8, 0.9 ** 5, 0.999 ** 5)
      agree(name, definition, step, p, g, m, v, n, ...scale, fround(last))
    }
  }
})

describe('adam takes the steps of torch.optim.Adam', () => {
  const { rate, beta1, beta2, epsilon, start, gradients, runs } = readGolden('adam')
  for (const { decay, params, firstMoments, secondMoments } of runs) {
    test(`weight decay ${decay}`, () => {
      let [p, m, v] = [f32(...start), floats(start.length), floats(start.length)]
      let [beta1t, beta2t] = [1, 1]
      for (const [t, g] of gradients.entries()) {
        beta1t *= beta1
        beta2t *= beta2
        const scale = scalars(rate, beta1, beta2, epsilon, beta1t, beta2t)
        const args = [inPlace(p), input(f32(...g)), inPlace(m), inPlace(v), start.length, ...scale, fround(decay)] as const
        ;[p, m, v] = run('adam', ...args).outputs.map((x) => f32(...x))
        near(`step ${t + 1}, parameters`, p, params[t], FUSED ? ulps(1, 'moments are fused', 1) : BITS)
        // PyTorch fuses the last product and sum of each moment; what that changes is small against the terms.
        const moments = [...m, ...v]
        for (const [i, wanted] of [...firstMoments[t], ...secondMoments[t]].entries()) {
          const terms = (i < p.length ? firstMoments : secondMoments).map((row) => Math.abs(row[i % p.length]))
          near(`step ${t + 1}, moment ${i}`, [moments[i]], [wanted], ulps(2, 'fused in PyTorch', Math.max(...terms)))
        }
      }
    })
  }
})

test('the first step of adam is the rate, against the sign of the gradient', () => {
  const args = scalars(0.01, 0.9, 0.999, 1e-8, 0.9, 0.999)
  const g = f32(5, -3, 1e-3, 0)
  const p = run('adam', inPlace(floats(4)), input(g), inPlace(floats(4)), inPlace(floats(4)), 4, ...args, 0).outputs[0]
  near('p', p, [-0.01, 0.01, -0.01, 0], ulps(200, 'ε is 1e-5 of the smallest gradient'))
})

test('adamw shrinks the parameters apart from the gradient: adam does not see the decay', () => {
  const args = scalars(0.01, 0.9, 0.999, 1e-8, 0.9, 0.999)
  const [p, g] = [random.f32(7), random.f32(7)]
  const keep = 0.5
  const halved = p.map((x) => keep * x)
  const zero = () => inPlace(floats(7))
  const adamw = run('adamw', inPlace(p), input(g), zero(), zero(), 7, ...args, keep).outputs
  expect(adamw).toEqual(run('adam', inPlace(halved), input(g), zero(), zero(), 7, ...args, 0).outputs)
})

test('clipNorm matches its definition', () => {
  for (const n of SIZES) {
    for (const most of [0.5, 100]) {
      const g = inPlace(random.f32(n))
      agree('clipNorm', clipped, ulps(2, 'the factor and its product are f32'), g, n, most)
      near('norm', [run('clipNorm', g, n, most).result], [norm(g.cells)], ulps(8, 'the order of f64 sums', 0, 53))
    }
  }
})

// The gradient is f32 and the norm f64: they have a tolerance each.
const norm = (g: ArrayLike<number>) => reference.clipNorm(Float64Array.from(g), g.length, Number.POSITIVE_INFINITY)
function clipped(g: Float64Array, n: number, most: number): void {
  reference.clipNorm(g, n, most)
}

test('a gradient within the limit is left alone, to the bit', () => {
  const g = f32(3, 4)
  const { outputs, result } = run('clipNorm', inPlace(g), 2, 5)
  expect(result).toBe(5)
  expect(outputs[0]).toEqual(g)
})

test('a clipped gradient keeps its direction and has the norm asked for', () => {
  const { outputs, result } = run('clipNorm', inPlace(f32(30, 40)), 2, 5)
  expect(result).toBe(50)
  expect(outputs[0][0]).toBeCloseTo(3, 5)
  expect(outputs[0][1]).toBeCloseTo(4, 5)
})

test('a norm beyond f32 is still clipped', () => {
  const { outputs, result } = run('clipNorm', inPlace(f32(3e38, 3e38, 3e38)), 3, 1)
  expect(result).toBeGreaterThan(5e38)
  expect(outputs[0].every((v: number) => Math.abs(v - 1 / Math.sqrt(3)) < 1e-6)).toBe(true)
})
