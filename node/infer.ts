/**
 * Meta Fusion in Node: the small door. Reads models and predicts; nothing that can learn.
 * @module
 */

import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import { type Predictor, createPredictor as predictorIn } from '../src/fusion/predictor.ts'
import { openSession } from '../src/wasm/session.ts'
import { kernels, type Numerics } from './kernels.ts'

export * from '../src/infer.ts'
export { hasRelaxedSimd, type Numerics } from './kernels.ts'

/**
 * A predictor for a model.
 * @param rule which of its ensembles; `greedy`, Meta Fusion's own, when left out
 * @param numerics `fast` for relaxed SIMD where the host has it: last digits then depend on the processor
 */
export const createPredictor = (model: Model, rule?: Rule, numerics?: Numerics): Predictor =>
  predictorIn(openSession(kernels('infer', numerics)), model, rule)
