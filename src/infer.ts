/**
 * The small door: reads a model and predicts. No training code is reachable from here.
 * @module
 */

export { ConfigError, DataError, FormatError, MemoryError, ShapeError } from './core/errors.ts'
export { type CategoryColumn, type Column, type Inputs, type Modality, modality, type NumberColumn } from './data/dataset.ts'
export { type EncodeOptions, encodeModality, type FrozenEncoder } from './data/encoder.ts'
export { readModel } from './formats/model-file.ts'
export { RULES, type Rule } from './fusion/ensemble.ts'
export type { Model } from './fusion/model.ts'
export { createPredictor, type Prediction, type Predictor } from './fusion/predictor.ts'
export type { PatternReport } from './fusion/speakers.ts'
export { openSession, type Session } from './wasm/session.ts'
