/**
 * Meta Fusion, the small door: reads models and predicts; nothing that can learn.
 * @module
 */

import { base64 as infer } from '../build/inline/infer.js'
import { type Assessor, createAssessor as assessorIn } from '../src/fusion/assess.ts'
import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import { type Predictor, createPredictor as predictorIn } from '../src/fusion/predictor.ts'
import { openSession } from '../src/wasm/session.ts'
import type { Kind, Numerics } from '../src/wasm/shelf.ts'
import { type InitOptions, initOn, inlined } from './kernels.ts'

export * from '../src/infer.ts'
export { hasRelaxedSimd, type InitOptions, type Wasm } from './kernels.ts'

const shelf = /* @__PURE__ */ inlined({ infer }, { infer: () => import('../build/inline/infer-relaxed.js') })

/** Kernels of your own hosting in place of those in the code, and fast ones. Not needed otherwise. */
export const init = (options: InitOptions = {}): Promise<void> => initOn(shelf, options)

/** The compiled kernels, which sessions are opened on. @throws ConfigError for those that are not to be had */
export const kernels = (kind: Kind, numerics?: Numerics): WebAssembly.Module => shelf.kernels(kind, numerics)

/**
 * A predictor for a model.
 * @param rule which of its ensembles; `greedy`, Meta Fusion's own, when left out
 * @param numerics `fast` for relaxed SIMD where the host has it, after `init({ numerics: 'fast' })`: last digits then depend on the
 *   processor
 */
export const createPredictor = (model: Model, rule?: Rule, numerics?: Numerics): Predictor =>
  predictorIn(openSession(kernels('infer', numerics)), model, rule)

/** How sure a calibrated model's predictions are: sets or intervals at a level, what is unlike the training rows, where to abstain. */
export const createAssessor = (model: Model, numerics?: Numerics): Assessor =>
  assessorIn(openSession(kernels('infer', numerics)), model)
