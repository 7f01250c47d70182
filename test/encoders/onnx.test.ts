import { InferenceSession } from 'onnxruntime-web'
import { describe, expect, test } from 'vitest'
import { encodeModality } from '../../src/data/encoder.ts'
import { onnxEncoder } from '../../web/encoders/onnx.ts'
import { floats } from './images.ts'
import { onnxModel, WEIGHTS } from './onnx-model.ts'

const model = onnxModel(['batch', 4])
const inputs = [floats(4, 1), floats(4, 2), floats(4, 3)]
const byHand = inputs.flatMap((x) =>
  [0, 1, 2].map((j) =>
    Math.max(
      0,
      x.reduce((sum, v, k) => sum + v * WEIGHTS[k * 3 + j], 0),
    ),
  ),
)

describe('an ONNX model as encoder', () => {
  test.each<[string, () => Promise<Uint8Array | InferenceSession>]>([
    ['the bytes of a file', async () => model],
    ['a session', () => InferenceSession.create(model, { executionProviders: ['wasm'] })],
  ])('of %s makes what its operations say', async (_, open) => {
    const encoder = await onnxEncoder({ name: 'mlp-v1', model: await open() })
    expect({ name: encoder.name, width: encoder.width }).toEqual({ name: 'mlp-v1', width: 3 })
    const rows = await encoder.encode(inputs)
    expect(rows).toHaveLength(9)
    rows.forEach((value, i) => {
      expect(value).toBeCloseTo(byHand[i], 6)
    })
  })

  test('makes a modality of its rows', async () => {
    const { columns } = await encodeModality('scan', await onnxEncoder({ name: 'mlp-v1', model }), [inputs[0], undefined])
    expect(columns.map(({ name }) => name)).toEqual(['mlp-v1 0', 'mlp-v1 1', 'mlp-v1 2'])
  })

  test('of batches of 1 runs an input at a time', async () => {
    const single = await onnxEncoder({ name: 'one', model: onnxModel([1, 4]) })
    expect(await single.encode(inputs)).toEqual(await (await onnxEncoder({ name: 'mlp', model })).encode(inputs))
  })

  test('whose sizes are open takes them as shape', async () => {
    const open = onnxModel(['batch', 'features'])
    expect((await onnxEncoder({ name: 'mlp', model: open, shape: [4] })).width).toBe(3)
  })
})

test.each<[string, Partial<Parameters<typeof onnxEncoder>[0]>, string | RegExp]>([
  [
    'open sizes',
    { model: onnxModel(['batch', 'features']) },
    'the model of the encoder "m" leaves its input\'s sizes open (?): give them as shape, without the batch',
  ],
  ['an unknown input', { input: 'z' }, 'the model of the encoder "m" takes x: "z" is to be one of these tensors'],
  ['an unknown output', { output: 'z' }, 'the model of the encoder "m" has no output "z": there are y'],
  [
    'what is no model',
    { model: Uint8Array.of(1, 2, 3) },
    /^onnxruntime-web does not open the model of the encoder "m" \(.*\): give/,
  ],
  [
    'a model that does not run',
    { model: onnxModel(['batch', 5]) },
    /^(?:onnxruntime-web does not open the model of the encoder "m"|the model of the encoder "m" does not run)/,
  ],
  [
    'an output that is not of floats',
    {
      model: {
        outputNames: ['y'],
        inputMetadata: [{ name: 'x', isTensor: true, type: 'float32', shape: [1, 4] }],
        run: async () => ({ y: { data: BigInt64Array.of(1n, 2n) } }),
      },
    },
    'the model of the encoder "m" makes 2 × bigint of an input: give an output of floats',
  ],
  [
    'two inputs without the name of one',
    { model: { outputNames: ['y'], inputMetadata: ['a', 'b'].map((name) => ({ name, isTensor: true })), run: async () => ({}) } },
    'the model of the encoder "m" takes a, b: give the name of one of these tensors as input',
  ],
])('refuses %s', async (_, part, message) => {
  await expect(onnxEncoder({ name: 'm', model, ...part })).rejects.toMatchObject({
    name: 'ConfigError',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })
})
