/**
 * The small door: reads a model and predicts. No training code is reachable from here.
 * @module
 */

export { ConfigError, DataError, FormatError, HostError, MemoryError, ShapeError } from './core/errors.ts'
export { type CategoryColumn, type Column, type Inputs, type Modality, modality, type NumberColumn } from './data/dataset.ts'
export { type EncodeOptions, encodeModality, type FrozenEncoder } from './data/encoder.ts'
export type { CategoryPreparation, ColumnPreparation, NumberPreparation, Preparation, Unskew } from './data/prepare.ts'
export { readModel } from './formats/model-file.ts'
export { type Assessment, type Assessor, createAssessor, REASONS, type Reason } from './fusion/assess.ts'
export type { Calibration, CalibrationCell, Sample } from './fusion/calibration.ts'
export { type Doubt, type Doubts, suspects, suspicion } from './fusion/doubt.ts'
export { type Ensembles, RULES, type Rule, type Selection } from './fusion/ensemble.ts'
export type { Cut, Extractor } from './fusion/extractor.ts'
export type { MethodScores, Model, ModelStudent, ModelTarget, Provenance, SplitRecord } from './fusion/model.ts'
export { createPredictor, type Prediction, type Predictor, type Watch } from './fusion/predictor.ts'
export type { Projection } from './fusion/projection.ts'
export type { PatternReport } from './fusion/speakers.ts'
export type { StudentSpec } from './fusion/student.ts'
export type { InferKernels } from './wasm/kernels.ts'
export type { Memory } from './wasm/memory.ts'
export { openSession, type Session } from './wasm/session.ts'
export type { Kind, Numerics } from './wasm/shelf.ts'
