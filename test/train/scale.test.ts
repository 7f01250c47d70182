import { describe, expect, test } from 'vitest'
import { scaleOf } from '../../src/train/scale.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { softmax } from './reference.ts'

const session = trainSession()

/** Mean log loss by definition. */
const lossOf = (logits: ArrayLike<number>, labels: Int32Array, D: number, scale: number) =>
  Array.from(labels, (label, b) => {
    const row = Array.from({ length: D }, (_, d) => scale * logits[b * D + d])
    return -Math.log(softmax(row)[label])
  }).reduce((sum, v) => sum + v / labels.length, 0)

describe('the scale of logits', () => {
  test('is the one that labels were drawn by, given enough of them', () => {
    const random = numbers(3)
    const [B, D, truth] = [20_000, 3, 2.5]
    const logits = random.f32(B * D, -1, 1)
    const draws = random.f64(B, 0, 1)
    const labels = Int32Array.from({ length: B }, (_, b) => {
      const p = softmax(Array.from({ length: D }, (_, d) => truth * logits[b * D + d]))
      return draws[b] < p[0] ? 0 : draws[b] < p[0] + p[1] ? 1 : 2
    })
    const { scale, loss } = scaleOf(session, logits, labels, D, undefined, 1)
    expect(Math.abs(scale - truth)).toBeLessThan(0.1)
    expect(loss).toBeCloseTo(lossOf(logits, labels, D, scale), 5)
    for (const other of [0.8, 1.25]) expect(loss).toBeLessThan(lossOf(logits, labels, D, other * scale))
  })

  test.each([10, 100])('of %i rows told apart without an error is that of one row more of each class', (B) => {
    const margin = 0.5
    const labels = Int32Array.from({ length: B }, (_, b) => b % 2)
    const logits = Float32Array.from({ length: 2 * B }, (_, k) => (k % 2 === labels[k >> 1] ? margin : 0))
    const { scale } = scaleOf(session, logits, labels, 2, undefined, 1)
    // With fewer rows of nothing known it is larger: half a one, of which half is right.
    expect(scaleOf(session, logits, labels, 2, undefined, 1, 0.5).scale).toBeCloseTo(Math.log((B + 0.25) / 0.25) / margin, 3)
    // Whoever is right B times of B is taken to be wrong once in B + 2.
    expect(scale).toBeCloseTo(Math.log(B + 1) / margin, 3)
  })

  test('is drawn to 1 as far as it is not believed, the temperature where that is below 1', () => {
    const labels = Int32Array.of(0, 1, 0, 1, 1, 0)
    const sharp = Float32Array.from({ length: 12 }, (_, k) => (k % 2 === labels[k >> 1] ? 0.2 : 0))
    const wrong = sharp.map((v, k) => (k < 4 ? v : -v) * 20)
    for (const [logits, above] of [
      [sharp, true],
      [wrong, false],
    ] as const) {
      const [none, half, all] = [0, 0.5, 1].map((belief) => scaleOf(session, logits, labels, 2, undefined, belief).scale)
      expect(none).toBe(1)
      expect(all > 1).toBe(above)
      expect(half).toBeCloseTo(above ? 2 / (1 + 1 / all) : (1 + all) / 2, 12)
    }
  })

  test('minds what rows count', () => {
    const labels = Int32Array.of(0, 1)
    const logits = Float32Array.of(1, 0, 1, 0)
    const sure = scaleOf(session, logits, labels, 2, [9, 1], 1).scale
    const unsure = scaleOf(session, logits, labels, 2, [1, 1], 1).scale
    expect(sure).toBeGreaterThan(unsure)
  })
})

describe('the scale of values', () => {
  const random = numbers(5)
  const [B, D] = [200, 2]
  const outputs = random.f32(B * D, -1, 1)
  const noise = random.f32(B * D, -1, 1)

  test('is the slope of the target on them, drawn to 1 as far as it is not believed', () => {
    const target = outputs.map((v, k) => 0.4 * v + 0.1 * noise[k])
    let [both, own] = [0, 0]
    for (let k = 0; k < B * D; k++) {
      both += outputs[k] * target[k]
      own += outputs[k] ** 2
    }
    const { scale, loss } = scaleOf(session, outputs, target, D, undefined, 1)
    expect(scale).toBeCloseTo(both / own, 12)
    expect(Math.abs(scale - 0.4)).toBeLessThan(0.02)
    const lossAt = (by: number) => target.reduce((sum, t, k) => sum + (by * outputs[k] - t) ** 2 / (B * D), 0)
    expect(loss).toBeCloseTo(lossAt(scale), 10)
    const half = scaleOf(session, outputs, target, D, undefined, 0.5)
    expect(half.scale).toBeCloseTo((1 + scale) / 2, 12)
    expect(half.loss).toBeCloseTo(lossAt(half.scale), 10)
    expect(scaleOf(session, outputs, target, D, undefined, 0).scale).toBe(1)
  })

  test('is 0, never less, for who is wrong about the direction, and 1 for who says nothing', () => {
    const against = outputs.map((v) => -v)
    expect(scaleOf(session, outputs, against, D, undefined, 1).scale).toBe(0)
    expect(scaleOf(session, new Float32Array(B * D), outputs, D, undefined, 1).scale).toBe(1)
  })

  test('minds what rows count', () => {
    expect(scaleOf(session, Float32Array.of(1, 1), Float32Array.of(1, 0), 1, [3, 1], 1).scale).toBe(0.75)
  })
})
