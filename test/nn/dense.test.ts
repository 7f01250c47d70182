import { expect, test } from 'vitest'
import { ACTIVATIONS, dense } from '../../src/nn/dense.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { ACTIVATION } from '../train/reference.ts'

const { kernels, memory } = trainSession()
const random = numbers(41)

test.each(ACTIVATIONS)('%s of x · weightᵀ + bias, into a window that leaves its surroundings alone', (activation) => {
  const [B, inputs, outputs, ld] = [5, 6, 3, 9]
  const [x, weight, bias] = [random.f32(B * inputs), random.f32(outputs * inputs), random.f32(outputs)]
  const buffer = memory.put(new Float32Array(B * ld).fill(77))
  const layer = { weight: memory.put(weight), bias: memory.put(bias), inputs, outputs, activation }
  dense(kernels, { at: buffer + 4 * 2, ld }, { at: memory.put(x), ld: inputs }, layer, B)
  const y = memory.f32(buffer, B * ld)
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < ld; c++) {
      const o = c - 2
      if (o < 0 || o >= outputs) {
        expect(y[b * ld + c]).toBe(77)
        continue
      }
      let z = bias[o]
      for (let k = 0; k < inputs; k++) z += x[b * inputs + k] * weight[o * inputs + k]
      expect(y[b * ld + c]).toBeCloseTo(ACTIVATION[activation](z), 5)
    }
  }
})

test('a layer without inputs is its bias', () => {
  const layer = {
    weight: memory.alloc(0),
    bias: memory.put(Float32Array.of(1, -2)),
    inputs: 0,
    outputs: 2,
    activation: 'relu',
  } as const
  const y = memory.put(new Float32Array(6).fill(9))
  dense(kernels, { at: y, ld: 2 }, { at: memory.alloc(0), ld: 0 }, layer, 3)
  expect([...memory.f32(y, 6)]).toEqual([1, 0, 1, 0, 1, 0])
})
