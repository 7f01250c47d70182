/**
 * Meta Fusion at the edge, the small door: reads models and predicts; nothing that can learn.
 * @module
 */

import infer from '../../build/infer.wasm'
import { type Assessor, createAssessor as assessorIn } from '../../src/fusion/assess.ts'
import type { Rule } from '../../src/fusion/ensemble.ts'
import type { Model } from '../../src/fusion/model.ts'
import { type Predictor, createPredictor as predictorIn } from '../../src/fusion/predictor.ts'
import { openSession } from '../../src/wasm/session.ts'
import type { Kind, Numerics } from '../../src/wasm/shelf.ts'
import { type InitOptions, imported, initOn } from './kernels.ts'

export * from '../../src/infer.ts'
export { hasRelaxedSimd, type InitOptions } from './kernels.ts'

const shelf = /* @__PURE__ */ imported('infer', infer)

export const init = (options: InitOptions = {}): Promise<void> => initOn(shelf, options)

export const kernels = (kind: Kind, numerics?: Numerics): WebAssembly.Module => shelf.kernels(kind, numerics)

export const createPredictor = (model: Model, rule?: Rule, numerics?: Numerics): Predictor =>
  predictorIn(openSession(kernels('infer', numerics)), model, rule)

/** How sure a calibrated model's predictions are: sets or intervals at a level, what is unlike the training rows, where to abstain. */
export const createAssessor = (model: Model, numerics?: Numerics): Assessor =>
  assessorIn(openSession(kernels('infer', numerics)), model)
