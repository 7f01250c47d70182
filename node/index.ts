/**
 * Meta Fusion in Node: the full door. Trains, predicts, reads and writes.
 * @module
 */

import { ConfigError } from '../src/core/errors.ts'
import type { Progress } from '../src/core/types.ts'
import type { Dataset, Inputs } from '../src/data/dataset.ts'
import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import type { Prediction } from '../src/fusion/predictor.ts'
import { chooseSplits, type GivenSplits } from '../src/recipe/choose-splits.ts'
import { type Trained, trainModel } from '../src/recipe/recipe.ts'
import type { TrainConfig } from '../src/train/config.ts'
import { createPredictor } from './infer.ts'
import { kernels } from './kernels.ts'

export * from '../src/index.ts'
export { createPredictor } from './infer.ts'
export { kernels } from './kernels.ts'
export { NACC, RATS } from './sources/applications.ts'
export { type NaccOptions, readNacc } from './sources/nacc.ts'
export { type NeuralOptions, readNeural } from './sources/neural.ts'
export type { Application, Study } from './sources/study.ts'
export { readFolder } from './tables.ts'

/** How a training is run. */
export interface TrainOptions {
  /** Settings; every one has a default. */
  readonly config?: TrainConfig
  /** Rows by index; drawn with the configuration's seed when left out. */
  readonly splits?: GivenSplits
  /** Called at most every 50 ms. */
  readonly onProgress?: (progress: Progress) => void
  /** Stops the training at its next pause, some 50 ms away. */
  readonly signal?: AbortSignal
}

const OPTIONS: readonly string[] = ['config', 'splits', 'onProgress', 'signal'] satisfies (keyof TrainOptions)[]

/** How long training runs before the process may do something else. */
const TURN_MS = 50

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export async function train(data: Dataset, options: TrainOptions = {}): Promise<Trained> {
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown) throw new ConfigError(`train has no option "${unknown}": there are ${OPTIONS.join(', ')}; settings go into config`)
  const { config = {}, splits, onProgress, signal } = options
  const module = kernels('train')
  const chosen = chooseSplits(module, data, config, splits)
  const run = trainModel(module, data, chosen.splits, config, chosen.record)
  let pause = performance.now()
  for (;;) {
    const turn = run.next()
    if (turn.done) return turn.value
    if (performance.now() < pause) continue
    onProgress?.(turn.value)
    await new Promise((resume) => setImmediate(resume))
    signal?.throwIfAborted()
    pause = performance.now() + TURN_MS
  }
}

/** Predicts once. For many calls on one model, keep a `createPredictor(model)`. */
export const predict = (model: Model, inputs: Inputs, rule?: Rule): Prediction => createPredictor(model, rule).predict(inputs)
