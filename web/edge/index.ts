/**
 * Meta Fusion at the edge, the full door: the names and promises of `web/index.ts`, on one thread and without a clock.
 * @module
 */

import module from '../../build/train.wasm'
import type { Dataset, Inputs } from '../../src/data/dataset.ts'
import { type Assessor, createAssessor as assessorIn } from '../../src/fusion/assess.ts'
import type { Rule } from '../../src/fusion/ensemble.ts'
import type { Model } from '../../src/fusion/model.ts'
import { type Prediction, type Predictor, createPredictor as predictorIn } from '../../src/fusion/predictor.ts'
import type { Trained } from '../../src/recipe/recipe.ts'
import type { Host } from '../../src/service/host.ts'
import { type Planned, type PlanOptions, planOn, type TrainOptions, trainOn } from '../../src/service/train.ts'
import { type FeatureShares, featureShares as sharesIn } from '../../src/train/features.ts'
import { openSession, openTrainSession } from '../../src/wasm/session.ts'
import type { Kind, Numerics } from '../../src/wasm/shelf.ts'
import { disposable, type Fusion, type FusionOptions } from '../fusion.ts'
import { type InitOptions, imported, initOn } from './kernels.ts'
import { ownThread } from './own-thread.ts'

export * from '../../src/index.ts'
export type { Fusion, FusionCalls, FusionOptions, WorkerLike } from '../fusion.ts'
export { hasRelaxedSimd, type InitOptions } from './kernels.ts'

const shelf = /* @__PURE__ */ imported('train', module)

export const init = (options: InitOptions = {}): Promise<void> => initOn(shelf, options)

export const kernels = (kind: Kind, numerics?: Numerics): WebAssembly.Module => shelf.kernels(kind, numerics)

// There is no MessageChannel in every edge.
const turn = (): Promise<void> => new Promise((resume) => setTimeout(resume, 0))

const host: Host = { kernels, load: (numerics) => shelf.load(numerics), turn }

export const train = (data: Dataset, options?: TrainOptions): Promise<Trained> => trainOn(host, data, options)

export const plan = (data: Dataset, options?: PlanOptions): Planned => planOn(host, data, options)

export const createPredictor = (model: Model, rule?: Rule, numerics?: Numerics): Predictor =>
  predictorIn(openSession(kernels('infer', numerics)), model, rule)

/** Shares of the features in predictions, by integrated gradients; `output` is a class or output, the predicted one when left out. */
export const featureShares = (model: Model, inputs: Inputs, rows: ArrayLike<number>, output?: string): FeatureShares[] =>
  sharesIn(openTrainSession(kernels('train')), model, inputs, Int32Array.from(rows), output)

/** How sure a calibrated model's predictions are: sets or intervals at a level, what is unlike the training rows, where to abstain. */
export const createAssessor = (model: Model, numerics?: Numerics): Assessor =>
  assessorIn(openSession(kernels('infer', numerics)), model)

export const predict = (model: Model, inputs: Inputs, rule?: Rule): Prediction => createPredictor(model, rule).predict(inputs)

export const createFusion = (options: FusionOptions = {}): Fusion => disposable(() => ownThread(host), options)
