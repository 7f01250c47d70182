import { readFileSync } from 'node:fs'
import { type Dataset, type Modality, modality, type Target } from '../../src/data/dataset.ts'
import type { Model } from '../../src/fusion/model.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import { trainModel } from '../../src/recipe/recipe.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'

const module = new WebAssembly.Module(readFileSync(new URL('../../build/train.wasm', import.meta.url)))

const ROWS = 48

/** Two views of 48 subjects: five numbers, which every sixth lacks, and two numbers and a category, which every fifth lacks. */
export function subjects(): readonly Modality[] {
  const random = randomFrom(openTrainSession(module), 1)
  const lacking = (every: number) => Uint8Array.from({ length: ROWS }, (_, row) => (row % every === 1 ? 0 : 1))
  const scan = modality('scan', random.fork('scan').normal(ROWS * 5), 5, lacking(6))
  const visit = modality('visit', random.fork('visit').normal(ROWS * 2), ['age', 'größe'], lacking(5))
  const site = {
    kind: 'category',
    name: 'site',
    codes: Int32Array.from({ length: ROWS }, (_, row) => (row % 4) - 1),
    levels: ['b', 'c', 'é'],
  }
  return [scan, { ...visit, columns: [...visit.columns, site as Modality['columns'][number]] }]
}

const CONFIG: TrainConfig = {
  seed: 5,
  epochs: 2,
  // Enough validation rows for every pattern to have an ensemble.
  validation: 0.45,
  batch: 16,
  head: [3],
  rho: [0, 1],
  baselines: false,
  extractors: { scan: ['skip', 'raw', 'pca(2)', 'mlp(4,2)'], '*': ['skip', 'raw'] },
}

function trained(target: Target, config: TrainConfig = {}): { data: Dataset; model: Model } {
  const data = { title: 'A study', ids: Array.from({ length: ROWS }, (_, row) => `s${row}`), modalities: subjects(), target }
  const settings = { ...CONFIG, ...config }
  const { splits, record } = chooseSplits(module, data, settings)
  const run = trainModel(module, data, splits, settings, record)
  for (;;) {
    const turn = run.next()
    if (turn.done) return { data, model: turn.value.model }
  }
}

/** A model of three classes and its data: missing modalities, a PCA, a network of a student's own, a category. */
export const classifier = (config?: TrainConfig) =>
  trained(
    {
      task: 'classification',
      classes: ['no', 'yes', 'perhaps: "ß"'],
      labels: Int32Array.from({ length: ROWS }, (_, row) => row % 3),
    },
    config,
  )

/** The same of two numbers. */
export const regressor = (config?: TrainConfig) =>
  trained(
    {
      task: 'regression',
      outputs: ['u', 'v'],
      values: Float64Array.from({ length: 2 * ROWS }, (_, i) => Math.sin(i) * 10 + (i % 2) * 1e6),
    },
    config,
  )
