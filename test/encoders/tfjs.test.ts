import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, test } from 'vitest'
import { train } from '../../node/index.ts'
import { encodeModality } from '../../src/data/encoder.ts'
import { type TfjsModel, tfjsEncoder } from '../../web/encoders/tfjs.ts'
import { openSite } from '../browser/site.ts'
import { CONFIG, FILTERS, floats, network, SHAPE, SIZE, SPLITS, studyOf, subjects } from './images.ts'

const made = subjects()
const layers = await import('@tensorflow/tfjs-layers')
const bars = () => tfjsEncoder({ name: 'bars-v1', model: () => network(tf, layers) })

describe('a LayersModel as encoder', () => {
  test('runs on the wasm backend, which it starts, without threads', async () => {
    await bars()
    expect(tf.getBackend()).toBe('wasm')
    expect(tf.env().getFlags().WASM_HAS_MULTITHREAD_SUPPORT).toBe(false)
  })

  test('has the name that was given and the width of the model', async () => {
    const { name, width } = await bars()
    expect({ name, width }).toEqual({ name: 'bars-v1', width: FILTERS })
  })

  test('makes what the definition of its layers says', async () => {
    const [image] = made.images
    const row = await (await bars()).encode([image])
    byHand(image).forEach((value, i) => {
      expect(row[i]).toBeCloseTo(value, 5)
    })
    expect(Math.max(...row)).toBeGreaterThan(0.1)
  })

  test('makes the same bits of an image alone and among others', async () => {
    const encoder = await bars()
    const together = await encoder.encode(made.images.slice(0, 37))
    for (const i of [0, 17, 36]) {
      expect(await encoder.encode([made.images[i]])).toEqual(together.slice(i * FILTERS, (i + 1) * FILTERS))
    }
  })

  test('takes bytes and arrays of numbers, and of no inputs makes none', async () => {
    const encoder = await bars()
    const bytes = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => i)
    expect(await encoder.encode([bytes])).toEqual(await encoder.encode([[...bytes]]))
    expect(await encoder.encode([])).toEqual(new Float32Array(0))
  })

  test('leaves no tensor behind', async () => {
    const encoder = await bars()
    const before = tf.memory().numTensors
    await encoder.encode(made.images.slice(0, 40))
    await expect(encoder.encode([new Float32Array(3)])).rejects.toThrow()
    expect(tf.memory().numTensors).toBe(before)
  })

  test('goes back to the wasm backend when the program went to another', async () => {
    const encoder = await bars()
    const before = await encoder.encode([made.images[0]])
    tf.registerBackend('other', () => new tf.KernelBackend())
    await tf.setBackend('other')
    expect(await encoder.encode([made.images[0]])).toEqual(before)
    expect(tf.getBackend()).toBe('wasm')
  })

  test('is made when several are asked for at once', async () => {
    const [a, b] = await Promise.all([bars(), bars()])
    expect(await a.encode([made.images[0]])).toEqual(await b.encode([made.images[0]]))
  })
})

test('a LayersModel that is loaded from its address makes the same bits', async () => {
  const before = await bars()
  let saved: tf.io.ModelArtifacts | undefined
  const keep = async (artifacts: tf.io.ModelArtifacts) => {
    saved = artifacts
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } }
  }
  await (network(tf, layers) as unknown as LayersModel).save(tf.io.withSaveHandler(keep))
  const { modelTopology, weightSpecs, weightData } = saved!
  const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }]
  const site = await openSite({
    content: {
      '/model.json': JSON.stringify({ modelTopology, weightsManifest: manifest, format: 'layers-model' }),
      '/weights.bin': new Uint8Array(weightData as ArrayBuffer),
    },
  })
  try {
    const loaded = await tfjsEncoder({ name: 'bars-v1', model: () => layers.loadLayersModel(`${site.origin}/model.json`) })
    expect(await loaded.encode(made.images.slice(0, 5))).toEqual(await before.encode(made.images.slice(0, 5)))
  } finally {
    await site.close()
  }
})

test('a fusion of encoded images and measurements is better than each of them', async () => {
  const scan = await encodeModality('scan', await bars(), made.images)
  const study = studyOf(made, scan)
  const accuracy = async (modalities: typeof study.modalities) => {
    const { methods } = await train({ ...study, modalities }, { config: CONFIG, splits: SPLITS })
    const { test: scores } = methods[0]
    return scores && 'accuracy' in scores ? scores.accuracy : Number.NaN
  }
  const [both, image, clinical] = [
    await accuracy(study.modalities),
    await accuracy([study.modalities[0]]),
    await accuracy([study.modalities[1]]),
  ]
  expect(both).toBeGreaterThan(0.9)
  expect(both).toBeGreaterThan(Math.max(image, clinical) + 0.05)
})

describe('a GraphModel as encoder', () => {
  test('makes its output flat, a row for each input', async () => {
    const encoder = await tfjsEncoder({ name: 'graph', model: () => graph('Relu') })
    const wide = 2 * (SIZE - 2) ** 2
    expect(encoder.width).toBe(wide)
    const rows = await encoder.encode(made.images.slice(0, 3))
    expect(rows).toHaveLength(3 * wide)
    made.images.slice(0, 3).forEach((image, i) => {
      convolved(image, SIZE, 1, floats(18, 5), 2).forEach((value, j) => {
        if (Math.abs(rows[i * wide + j] - value) > 1e-5) expect(rows[i * wide + j]).toBe(value)
      })
    })
  })

  test('whose sizes are open needs a shape', async () => {
    const open = () => graph('Relu', [-1, -1, -1, 1])
    await expect(tfjsEncoder({ name: 'graph', model: open })).rejects.toMatchObject({
      name: 'ConfigError',
      message:
        'the model of the encoder "graph" leaves its input\'s sizes open (? × ? × 1): give them as shape, without the batch',
    })
    expect((await tfjsEncoder({ name: 'graph', model: open, shape: SHAPE })).width).toBe(200)
  })

  test('with an operation that the backend lacks is refused by its name', async () => {
    await expect(tfjsEncoder({ name: 'graph', model: () => graph('Einsum') })).rejects.toMatchObject({
      name: 'ConfigError',
      message:
        'the model of the encoder "graph" needs the operation Einsum, which TF.js\'s wasm backend lacks: give a model without it',
    })
  })

  test('of whole numbers refuses fractions', async () => {
    const encoder = await tfjsEncoder({ name: 'pixels', model: () => graph('Abs', [-1, 2], 'DT_INT32') })
    expect(await encoder.encode([[3, -4]])).toEqual(Float32Array.of(3, 4))
    await expect(
      encoder.encode([
        [1, 2],
        [0.5, 1],
      ]),
    ).rejects.toMatchObject({
      name: 'DataError',
      message: 'input 1 of the encoder "pixels" has 0.5 at 0: its model takes whole numbers (int32)',
    })
  })
})

describe('refuses', () => {
  const inputs = [{ shape: [null, 2], dtype: 'float32' }]
  const model = (part: Partial<TfjsModel>): TfjsModel => ({ inputs, predict: (x) => x, ...part })
  test.each<[string, Partial<TfjsModel>, readonly number[] | undefined, string]>([
    [
      'two inputs',
      { inputs: [...inputs, ...inputs] },
      undefined,
      'the model of the encoder "m" has 2 inputs: give a model of one',
    ],
    [
      'two outputs',
      { predict: (x) => [x, x] },
      undefined,
      'the model of the encoder "m" has more than one output: give a model of one',
    ],
    ["a shape that is not the model's", {}, [3], 'the model of the encoder "m" takes 2, its shape is 3: give a shape that fits'],
    [
      'text',
      { inputs: [{ shape: [null, 2], dtype: 'string' }] },
      undefined,
      'the model of the encoder "m" takes string: give one that takes float32, int32, uint8',
    ],
    [
      'batches of a fixed size',
      { inputs: [{ shape: [8, 2], dtype: 'float32' }] },
      undefined,
      'the model of the encoder "m" takes 8 inputs at once: give one of a free batch, or of batches of 1',
    ],
    [
      'rows of nothing',
      { predict: () => tf.zeros([1, 0]) },
      undefined,
      'the model of the encoder "m" makes 0 × undefined of an input: give an output of floats',
    ],
    [
      'what does not predict',
      {
        predict: () => {
          throw new Error('use executeAsync() instead.')
        },
      },
      undefined,
      'the model of the encoder "m" does not run (use executeAsync() instead): give one that predicts from a batch of inputs',
    ],
  ])('%s', async (_, part, shape, message) => {
    await expect(tfjsEncoder({ name: 'm', model: model(part), shape })).rejects.toMatchObject({ name: 'ConfigError', message })
  })

  test('an input of another size, by its place', async () => {
    const encoder = await tfjsEncoder({ name: 'm', model: model({}) })
    await expect(encoder.encode([[1, 2], [1]])).rejects.toMatchObject({
      name: 'ShapeError',
      message: 'input 1 of the encoder "m" has 1 numbers: give 2 (2), row-major',
    })
  })

  test('an output that is no row for each input', async () => {
    const encoder = await tfjsEncoder({ name: 'm', model: model({ predict: (x) => tf.sum(x as tf.Tensor, 0) }) })
    await expect(
      encoder.encode([
        [1, 2],
        [3, 4],
      ]),
    ).rejects.toMatchObject({
      name: 'ShapeError',
      message: 'the encoder "m" made 2 numbers of 2 inputs: 2 of each were expected',
    })
  })

  test('a row that is not finite, when a modality is made of it', async () => {
    const encoder = await tfjsEncoder({ name: 'm', model: model({}) })
    await expect(
      encodeModality('scan', encoder, [
        [1, 2],
        [Number.NaN, 1],
      ]),
    ).rejects.toMatchObject({ name: 'DataError' })
  })
})

test('a model of batches of 1 runs an input at a time', async () => {
  const seen: number[] = []
  const predict = (x: object) => {
    seen.push((x as tf.Tensor).shape[0])
    return x
  }
  const encoder = await tfjsEncoder({ name: 'm', model: { inputs: [{ shape: [1, 2], dtype: 'float32' }], predict } })
  expect(
    await encoder.encode([
      [1, 2],
      [3, 4],
    ]),
  ).toEqual(Float32Array.of(1, 2, 3, 4))
  expect(seen).toEqual([1, 1, 1])
})

/** A convolution of 3×3 without padding and what is above zero of it, (y, x, filters). */
function convolved(image: ArrayLike<number>, size: number, channels: number, kernel: Float32Array, filters: number): number[] {
  const out: number[] = []
  for (let y = 0; y + 3 <= size; y++)
    for (let x = 0; x + 3 <= size; x++)
      for (let f = 0; f < filters; f++) {
        let sum = 0
        for (let k = 0; k < 9 * channels; k++) {
          const [dy, dx, c] = [Math.floor(k / channels / 3), Math.floor(k / channels) % 3, k % channels]
          sum += image[((y + dy) * size + x + dx) * channels + c] * kernel[k * filters + f]
        }
        out.push(Math.max(sum, 0))
      }
  return out
}

/** What the network of images.ts makes of an image: its layers, naively. */
function byHand(image: Float32Array): number[] {
  const first = convolved(image, SIZE, 1, floats(9 * FILTERS, 100), FILTERS)
  const wide = SIZE - 2
  const pooled = Array.from({ length: (wide / 2) ** 2 * FILTERS }, (_, i) => {
    const [f, x, y] = [i % FILTERS, Math.floor(i / FILTERS) % (wide / 2), Math.floor(i / FILTERS / (wide / 2))]
    return Math.max(...[0, 1, wide, wide + 1].map((step) => first[(2 * y * wide + 2 * x + step) * FILTERS + f]))
  })
  const second = convolved(pooled, wide / 2, FILTERS, floats(9 * FILTERS * FILTERS, 102), FILTERS)
  const places = second.length / FILTERS
  return Array.from({ length: FILTERS }, (_, f) => second.filter((_, i) => i % FILTERS === f).reduce((a, b) => a + b) / places)
}

/** A GraphModel by hand: of floats a convolution of two filters and then an operation, of whole numbers the operation alone. */
async function graph(op: string, shape: number[] = [-1, ...SHAPE], dtype = 'DT_FLOAT'): Promise<TfjsModel> {
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter')
  const weights = floats(18, 5)
  const sizes = (all: number[]) => ({ dim: all.map((size) => ({ size: String(size) })) })
  const text = (s: string) => ({ s: Buffer.from(s).toString('base64') })
  const T = { type: dtype }
  const ones = { list: { i: ['1', '1', '1', '1'] } }
  const convolution = [
    { name: 'w', op: 'Const', attr: { dtype: T, value: { tensor: { dtype, tensorShape: sizes([3, 3, 1, 2]) } } } },
    {
      name: 'before',
      op: 'Conv2D',
      input: ['x', 'w'],
      attr: { T, strides: ones, dilations: ones, padding: text('VALID'), dataFormat: text('NHWC') },
    },
  ]
  const float = dtype === 'DT_FLOAT'
  const node = [
    { name: 'x', op: 'Placeholder', attr: { dtype: T, shape: { shape: sizes(shape) } } },
    ...(float ? convolution : []),
    { name: 'y', op, input: [float ? 'before' : 'x'], attr: { T } },
  ]
  const modelTopology = { node, library: {}, versions: {} }
  const weightSpecs = float ? [{ name: 'w', shape: [3, 3, 1, 2], dtype: 'float32' as const }] : []
  return loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData: float ? weights.buffer : new ArrayBuffer(0) }))
}
