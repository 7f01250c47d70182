/**
 * The full door, for a host to build on: everything takes the compiled kernels as a module. Node's own is `node/index.ts`.
 * @module
 */

export type { Rival } from './baselines/rival.ts'
export type { Progress } from './core/types.ts'
export { type Dataset, digest, type Target } from './data/dataset.ts'
export { type Pattern, type Presence, presence } from './data/presence.ts'
export type { Fractions, Splits, Subjects } from './data/split.ts'
export { type SyntheticSpec, synthetic, type Transform } from './experiments/synthetic.ts'
export { writeModel } from './formats/model-file.ts'
export { evaluate, type Metrics } from './fusion/evaluate.ts'
export {
  type ModalityImportance,
  type ModalityShares,
  modalityImportance,
  modalityShares,
  type NextModality,
  nextModality,
} from './fusion/shapley.ts'
export * from './infer.ts'
export type { Interval } from './metrics/bootstrap.ts'
export { type ClassificationMetrics, type ReliabilityBin, reliability } from './metrics/classification.ts'
export type { RegressionMetrics } from './metrics/regression.ts'
export {
  atThreshold,
  compareAreas,
  type DecisionPoint,
  decisionCurve,
  type McNemar,
  mcnemar,
  type RocAreas,
  type RocComparison,
  type RocPoint,
  rocAreas,
  rocCurve,
  type ThresholdMetrics,
} from './metrics/roc.ts'
export { type Comparison, nearBest, paired, type Summary, summarize } from './metrics/summary.ts'
export { chooseSplits, type GivenSplits } from './recipe/choose-splits.ts'
export { type CrossValidation, crossValidationSplits } from './recipe/cross-validate.ts'
export {
  type PlannedBytes,
  type PlannedEncoder,
  type PlannedNetwork,
  planOfTraining,
  type TrainingPlan,
  type Trial,
} from './recipe/plan.ts'
export { type MethodResult, type Trained, trainModel } from './recipe/recipe.ts'
export type { Signal } from './service/host.ts'
export type { Planned, PlanOptions, TrainOptions } from './service/train.ts'
export type { ClusterCount } from './train/cluster.ts'
export type { Encoder, EncoderCourse, Resolved, TrainConfig } from './train/config.ts'
export type { GreedySpec } from './train/ensembling.ts'
export { type FeatureShare, type FeatureShares, featureShares } from './train/features.ts'
export type { OptimizerSpec } from './train/optimizer.ts'
export type { Teaching } from './train/rho.ts'
export type { ClassWeights } from './train/row-weights.ts'
export type { Schedule } from './train/schedule.ts'
export type { StackingSpec } from './train/stacking.ts'
export type { TrainKernels } from './wasm/kernels.ts'
export { openTrainSession } from './wasm/session.ts'
