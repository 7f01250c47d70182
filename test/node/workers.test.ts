// Trainings on worker threads, as a user of the built package has them: a thread is started from a built file alone.

import { describe, expect, test } from 'vitest'
import { type Trained, type TrainOptions, train, writeModel } from '../../dist/node/index.js'
import type { Progress } from '../../src/core/types.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { WARM_STARTS } from '../../src/train/rho.ts'
import { QUICK, SOME, type Study, study } from '../recipe/studies.ts'

const regression = study({ present: SOME, outputs: 2 })
const classes = study({ present: SOME, task: 'classification' })

interface Run extends Trained {
  readonly told: readonly Progress[]
}

async function run({ data, splits }: Study, config: TrainConfig, workers: number, more: TrainOptions = {}): Promise<Run> {
  const told: Progress[] = []
  const onProgress = (progress: Progress) => void told.push(progress)
  return { ...(await train(data, { config: { ...QUICK, ...config }, splits, workers, onProgress, ...more })), told }
}

/** All that a training leaves, as bytes and words. */
const leftBy = ({ model, methods, rivals }: Trained) => ({
  model: writeModel(model),
  methods,
  rivals: rivals.map(({ name, rule, model: of }) => [name, rule, writeModel(of)]),
})

const regularised = { dropout: 0.2, optimizer: { rate: 0.02, clip: 1, decay: 1e-3 } } satisfies TrainConfig
const CASES: [string, Study, TrainConfig][] = [
  ['regression with dropout, clipping and decay', regression, regularised],
  [
    'classification with label smoothing and class weights',
    classes,
    { ...regularised, labelSmoothing: 0.1, classWeights: 'balanced', rho: [0, 0.5, 2] },
  ],
  ...WARM_STARTS.map((warmStart): [string, Study, TrainConfig] => [
    `warm start ${warmStart}`,
    regression,
    { warmStart, rho: [0.5, 1, 3], baselines: false },
  ]),
  [
    'stacking on out-of-fold rows',
    regression,
    { ensembles: ['greedy', 'stacking'], stacking: { rows: 'out-of-fold', folds: 3, epochs: 20 } },
  ],
  ['early stopping', classes, { patience: 2, epochs: 12, optimizer: { rate: 0.1 }, baselines: false }],
  [
    'networks that are cut, and PCA',
    regression,
    { extractors: { scan: ['skip', 'pca(2)', 'frozen-sliced(4,2)'], '*': ['skip', 'raw'] }, encoders: { scan: { widths: [4, 2] } } },
  ],
  ['teachers anew in each epoch', classes, { teachers: 'adaptive', rho: [1, 3], baselines: false }],
  ['baselines that train the cohort', classes, { baselines: ['independent', 'adversarial', 'single', 'late-fusion', 'all-at-once'] }],
]

describe('the same bytes with one worker, two and three', () => {
  test.each(CASES)('%s', async (_, given, config) => {
    const one = await run(given, config, 1)
    for (const workers of [2, 3]) {
      const many = await run(given, config, workers)
      expect(leftBy(many)).toEqual(leftBy(one))
    }
  })
})
