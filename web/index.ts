/**
 * Meta Fusion, the full door: trains, predicts, reads and writes. The same names on every host.
 * @module
 */

import type { Dataset, Inputs } from '../src/data/dataset.ts'
import { type Assessor, createAssessor as assessorIn } from '../src/fusion/assess.ts'
import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import { type Prediction, type Predictor, createPredictor as predictorIn } from '../src/fusion/predictor.ts'
import type { Trained } from '../src/recipe/recipe.ts'
import { type Planned, type PlanOptions, planOn, type TrainOptions, trainOn } from '../src/service/train.ts'
import { type FeatureShares, featureShares as sharesIn } from '../src/train/features.ts'
import { openSession, openTrainSession } from '../src/wasm/session.ts'
import type { Numerics } from '../src/wasm/shelf.ts'
import { disposable, type Fusion, type FusionOptions } from './fusion.ts'
import { hostWith, kernels } from './host.ts'
import { lineTo } from './line.ts'
import { deskHand } from './wire.ts'

export * from '../src/index.ts'
export type { Fusion, FusionCalls, FusionOptions, WorkerLike } from './fusion.ts'
export { init, kernels } from './host.ts'
export { hasRelaxedSimd, type InitOptions, type Wasm } from './kernels.ts'

/** Bundlers look for these very words. */
const startWorker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })

const host = /* @__PURE__ */ hostWith(startWorker)

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export const train = (data: Dataset, options?: TrainOptions): Promise<Trained> => trainOn(host, data, options)

/**
 * What `train` would do with the same data and options, and an estimate of how long it takes on this machine as busy as it is now,
 * by a few real steps. Trains nothing; takes some tenths of a second.
 * @throws ShapeError, DataError, ConfigError, MemoryError as `train` does before its first step
 */
export const plan = (data: Dataset, options?: PlanOptions): Planned => planOn(host, data, options)

/**
 * A predictor for a model.
 * @param rule which of its ensembles; `greedy`, Meta Fusion's own, when left out
 * @param numerics `fast` for relaxed SIMD where the host has it, after `init({ numerics: 'fast' })`: last digits then depend on the
 *   processor
 */
export const createPredictor = (model: Model, rule?: Rule, numerics?: Numerics): Predictor =>
  predictorIn(openSession(kernels('infer', numerics)), model, rule)

/** Shares of the features in predictions, by integrated gradients; `output` is a class or output, the predicted one when left out. */
export const featureShares = (model: Model, inputs: Inputs, rows: ArrayLike<number>, output?: string): FeatureShares[] =>
  sharesIn(openTrainSession(kernels('train')), model, inputs, Int32Array.from(rows), output)

/** How sure a calibrated model's predictions are: sets or intervals at a level, what is unlike the training rows, where to abstain. */
export const createAssessor = (model: Model, numerics?: Numerics): Assessor =>
  assessorIn(openSession(kernels('infer', numerics)), model)

/** Predicts once. For many calls on one model, keep a `createPredictor(model)`. */
export const predict = (model: Model, inputs: Inputs, rule?: Rule): Prediction => createPredictor(model, rule).predict(inputs)

/**
 * A worker that trains and predicts, so that this thread stays free. Started by the first call; `dispose` ends it.
 */
export const createFusion = (options: FusionOptions = {}): Fusion =>
  disposable(() => deskHand(lineTo((options.createWorker as (() => Worker) | undefined) ?? startWorker)), options)
