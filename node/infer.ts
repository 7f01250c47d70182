/**
 * Meta Fusion in Node: the small door. Reads models and predicts; nothing that can learn.
 * @module
 */

import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import { type Predictor, createPredictor as predictorIn } from '../src/fusion/predictor.ts'
import { openSession } from '../src/wasm/session.ts'
import { kernels } from './kernels.ts'

export * from '../src/infer.ts'

/** A predictor for a model. @param rule which of its ensembles; `greedy`, Meta Fusion's own, when left out */
export const createPredictor = (model: Model, rule?: Rule): Predictor => predictorIn(openSession(kernels('infer')), model, rule)
