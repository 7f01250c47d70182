import { expect, test } from 'vitest'
import { layoutOf } from '../../src/nn/layout.ts'
import { mlp, mlpLayers, mlpShapes } from '../../src/nn/mlp.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { network } from '../train/reference.ts'

const spec = { widths: [7, 5, 4, 2], activation: 'tanh' } as const

test('its tensors are those of PyTorch: weight (outputs, inputs), then bias, layer by layer', () => {
  expect(mlpShapes('head', spec)).toEqual([
    ['head.0.weight', [5, 7]],
    ['head.0.bias', [5]],
    ['head.1.weight', [4, 5]],
    ['head.1.bias', [4]],
    ['head.2.weight', [2, 4]],
    ['head.2.bias', [2]],
  ])
})

test('its layers stand where the layout says; the last one is linear', () => {
  const layers = mlpLayers(spec, 1000)
  const { tensors, size } = layoutOf(mlpShapes('m', spec))
  expect(layers.flatMap((l) => [l.weight, l.bias])).toEqual(tensors.map((t) => 1000 + 4 * t.offset))
  expect(layers.map((l) => [l.inputs, l.outputs])).toEqual([
    [7, 5],
    [5, 4],
    [4, 2],
  ])
  expect(layers.map((l) => l.activation)).toEqual(['tanh', 'tanh', 'identity'])
  expect(layers[2].bias + 4 * 2).toBe(1000 + 4 * size)
})

test('it is its layers, one after the other, row by row', () => {
  const { kernels, memory } = trainSession()
  const random = numbers(43)
  const B = 6
  const block = random.f32(layoutOf(mlpShapes('m', spec)).size)
  const x = random.f32(B * 7)
  const window = (width: number) => ({ at: memory.alloc(4 * B * width), ld: width })
  const y = window(2)
  mlp(kernels, y, { at: memory.put(x), ld: 7 }, mlpLayers(spec, memory.put(block)), [window(5), window(4)], B)
  const expected = Array.from({ length: B }, (_, b) =>
    network([...x.subarray(7 * b, 7 * b + 7)], spec.widths, spec.activation, block),
  )
  memory.f32(y.at, B * 2).forEach((v, i) => {
    expect(v).toBeCloseTo(expected.flat()[i], 5)
  })
})
