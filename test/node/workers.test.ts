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
    { ...regularised, warmStart, rho: [0.5, 1, 3], baselines: false },
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
    { extractors: { scan: ['skip', 'pca(2)', 'sliced(6)', 'frozen-sliced(6,4)'], '*': ['skip', 'raw'] } },
  ],
  ['teachers anew in each epoch', classes, { teaching: { teachers: 'adaptive', burnIn: 2 }, rho: [1, 3], baselines: false }],
  [
    'baselines that train the cohort',
    classes,
    { baselines: ['independent', 'adversarial', 'single', 'late-fusion', 'all-at-once'] },
  ],
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

test('progress goes up to the same total, and never back', async () => {
  const one = await run(classes, { epochs: 60 }, 1)
  const two = await run(classes, { epochs: 60 }, 2)
  const done = two.told.map((progress) => progress.done)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(two.told.length).toBeGreaterThan(3)
  const trained = ({ told }: Run) => told.filter(({ stage }) => stage !== 'preparing')
  expect(new Set(trained(two).map(({ total }) => total))).toEqual(new Set(trained(one).map(({ total }) => total)))
  expect(trained(two).every((progress) => progress.done <= progress.total)).toBe(true)
})

test('what is wrong is said as it is with one worker', async () => {
  const hopeless: TrainConfig = { optimizer: { kind: 'sgd', rate: 1e6 }, baselines: false }
  const said = (workers: number) => run(regression, hopeless, workers).catch(({ name, message }: Error) => [name, message])
  expect(await said(1)).toEqual(['ConfigError', expect.stringMatching(/^no student reached a finite validation loss/)])
  expect(await said(2)).toEqual(await said(1))
})

test('a number of workers that cannot be is refused', async () => {
  await expect(run(regression, {}, 1.5)).rejects.toMatchObject({
    name: 'ConfigError',
    message: 'workers is 1.5: give a whole number from 1 to 256',
  })
})

test('aborted, a training ends soon, with the reason', async () => {
  const stop = new AbortController()
  const reason = new Error('enough')
  let asked = 0
  const onProgress = ({ stage }: Progress) => {
    if (stage !== 'screening' || asked > 0) return
    asked = performance.now()
    stop.abort(reason)
  }
  await expect(run(regression, { epochs: 100_000 }, 2, { onProgress, signal: stop.signal })).rejects.toBe(reason)
  expect(performance.now() - asked).toBeLessThan(2000)
})
