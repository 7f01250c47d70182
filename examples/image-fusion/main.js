// An image and a table, fused: node examples/image-fusion/main.js

import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createPredictor, encodeModality, modality, train } from 'metafusion'
import { tfjsEncoder } from 'metafusion/tfjs'

// 1. Data: 12 × 12 images of a bar, upright or lying, and two measurements. Who is ill hangs on both.
const SIZE = 12
const SUBJECTS = 400
let state = 7
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return state / 2 ** 32 + 0.5
}
const subject = (_, i) => {
  const upright = random() < 0.5
  const place = 2 + Math.floor(8 * random())
  const start = 1 + Math.floor(4 * random())
  const image = Float32Array.from({ length: SIZE * SIZE }, (_, p) => {
    const [x, y] = upright ? [p % SIZE, Math.floor(p / SIZE)] : [Math.floor(p / SIZE), p % SIZE]
    return (x === place && y >= start && y < start + 6 ? 1 : 0) + 0.1 * random()
  })
  const [dose, weight] = [random(), random()]
  return { id: `s${i}`, image, dose, weight, ill: dose + (upright ? 0.25 : -0.25) > 0.5 ? 1 : 0 }
}
const subjects = Array.from({ length: SUBJECTS }, subject)

// 2. The encoder: any LayersModel or GraphModel. A real one is loaded: `model: () => loadGraphModel('…/model.json')`.
const { conv2d, maxPooling2d, globalAveragePooling2d } = layers.layers
const kernelInitializer = layers.initializers.glorotNormal({ seed: 3 })
const network = () =>
  layers.sequential({
    layers: [
      conv2d({ inputShape: [SIZE, SIZE, 1], filters: 8, kernelSize: 3, activation: 'relu', kernelInitializer }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 8, kernelSize: 3, activation: 'relu', kernelInitializer }),
      globalAveragePooling2d({}),
    ],
  })
const encoder = await tfjsEncoder({ name: 'bars-v1', model: network })

// 3. One modality from the images, one from the table. Every fifth subject has no image: that is allowed.
const images = subjects.map(({ image }, i) => (i % 5 === 4 ? undefined : image))
const scan = await encodeModality('scan', encoder, images)
const clinical = modality('clinical', Float64Array.from(subjects.flatMap(({ dose, weight }) => [dose, weight])), [
  'dose',
  'weight',
])
const ids = subjects.map(({ id }) => id)
const target = { task: 'classification', classes: ['well', 'ill'], labels: Int32Array.from(subjects, ({ ill }) => ill) }

// 4. Each alone, and both.
const config = { extractors: { '*': ['skip', 'raw'] }, epochs: 60, baselines: false }
let model
for (const modalities of [[scan], [clinical], [scan, clinical]]) {
  const trained = await train({ ids, modalities, target }, { config })
  const { accuracy } = trained.methods[0].test
  console.log(`${modalities.map(({ name }) => name).join(' + ')}: accuracy ${accuracy.toFixed(3)}`)
  model = trained.model
}

// 5. New subjects, from their images.
const fresh = Array.from({ length: 6 }, subject)
const prediction = createPredictor(model).predict({
  ids: fresh.map((_, i) => `new ${i}`),
  modalities: [
    await encodeModality(
      'scan',
      encoder,
      fresh.map(({ image }) => image),
    ),
    modality('clinical', Float64Array.from(fresh.flatMap(({ dose, weight }) => [dose, weight])), ['dose', 'weight']),
  ],
})
const said = (label) => target.classes[label]
console.log(
  `new ones are said to be ${[...prediction.labels].map(said).join(', ')}, and are ${fresh.map(({ ill }) => said(ill)).join(', ')}`,
)
console.log(`tensors of TF.js left: ${tf.memory().numTensors}, the weights of the encoder`)
