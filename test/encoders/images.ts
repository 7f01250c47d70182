// Subjects with an image and two measurements. The image holds a bar, upright or lying, at a place of its own and in noise; the
// outcome hangs on how the bar lies and on the first measurement, so neither of them is enough.

import { type Dataset, type Modality, modality } from '../../src/data/dataset.ts'
import type { Splits } from '../../src/data/split.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import type { TfjsModel } from '../../web/encoders/tfjs.ts'

export const SIZE = 12
export const SHAPE = [SIZE, SIZE, 1]
export const SUBJECTS = 240
export const FILTERS = 8

/** Numbers in [-1, 1) that are the same everywhere. */
export function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  }
}

export const floats = (n: number, seed: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: n }, noise(seed))

export interface Subjects {
  readonly images: readonly Float32Array[]
  readonly clinical: Modality
  readonly target: Dataset['target']
}

export function subjects(): Subjects {
  const next = noise(11)
  const images: Float32Array[] = []
  const measured = new Float64Array(2 * SUBJECTS)
  const labels = new Int32Array(SUBJECTS)
  for (let i = 0; i < SUBJECTS; i++) {
    const upright = next() > 0
    const at = 2 + Math.floor((next() + 1) * 4)
    const from = 1 + Math.floor((next() + 1) * 2)
    images.push(
      Float32Array.from({ length: SIZE * SIZE }, (_, place) => {
        const [x, y] = [place % SIZE, Math.floor(place / SIZE)]
        const [across, along] = upright ? [x, y] : [y, x]
        return (across === at && along >= from && along < from + 6 ? 1 : 0) + 0.1 * next()
      }),
    )
    measured.set([next(), next()], 2 * i)
    labels[i] = (upright ? 0.5 : -0.5) + measured[2 * i] > 0 ? 1 : 0
  }
  const clinical = modality('clinical', measured, ['dose', 'weight'])
  return { images, clinical, target: { task: 'classification', classes: ['well', 'ill'], labels } }
}

/** The data set of the subjects whose images have been encoded. */
export const studyOf = ({ clinical, target }: Subjects, scan: Modality): Dataset => ({
  ids: Array.from({ length: SUBJECTS }, (_, i) => `s${i}`),
  modalities: [scan, clinical],
  target,
})

const rows = (keep: (row: number) => boolean) => Int32Array.from(Array.from({ length: SUBJECTS }, (_, row) => row).filter(keep))
export const SPLITS: Splits = {
  train: rows((row) => row % 10 < 6),
  validation: rows((row) => row % 10 === 6 || row % 10 === 7),
  test: rows((row) => row % 10 > 7),
}
export const CONFIG: TrainConfig = { extractors: { '*': ['skip', 'raw'] }, epochs: 60, rho: [0, 1], baselines: false }

type Layers = typeof import('@tensorflow/tfjs-layers')
type Tensors = Pick<typeof import('@tensorflow/tfjs-core'), 'tensor' | 'tidy'>

/** A small convolutional network with weights that are given: bars of two ways seen by 8 filters, and how much of each there is. */
export function network(tf: Tensors, { sequential, layers }: Layers): TfjsModel & { getWeights(): unknown[] } {
  const model = sequential({
    layers: [
      layers.conv2d({ inputShape: [SIZE, SIZE, 1], filters: FILTERS, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: FILTERS, kernelSize: 3, activation: 'relu' }),
      layers.globalAveragePooling2d({}),
    ],
  })
  tf.tidy(() => {
    const weights = model.getWeights().map(({ shape }, i) => {
      const size = shape.reduce((product, n) => product * n, 1)
      return tf.tensor(shape.length === 1 ? new Float32Array(size) : floats(size, 100 + i), shape)
    })
    model.setWeights(weights)
  })
  return model
}
