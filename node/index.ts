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
import { planOfTraining, type TrainingPlan } from '../src/recipe/plan.ts'
import { type Trained, trainModel } from '../src/recipe/recipe.ts'
import type { TrainConfig } from '../src/train/config.ts'
import { createPredictor } from './infer.ts'
import { hasRelaxedSimd, kernels, NOT_FAST, type Numerics } from './kernels.ts'
import { crewOf } from './pool/crew.ts'
import { MOST_WORKERS } from './pool/pool.ts'
import { secondsOf } from './trials.ts'

export * from '../src/index.ts'
export { type BarChartSpec, barChart } from './figures/bar-chart.ts'
export { type HeatMapSpec, heatMap } from './figures/heat-map.ts'
export { type LineChartSpec, lineChart } from './figures/line-chart.ts'
export { createPredictor } from './infer.ts'
export { hasRelaxedSimd, kernels, type Numerics } from './kernels.ts'
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
  /** `fast` trains by relaxed SIMD where the host has it, and the model says so: its bits depend on the processor. */
  readonly numerics?: Numerics
  /** Called at most every 50 ms. */
  readonly onProgress?: (progress: Progress) => void
  /** Stops the training at its next pause, some 50 ms away. */
  readonly signal?: AbortSignal
  /** Threads that students, ρ, folds and baselines are trained on at the same time; the model is the same. 1 is this one (1). */
  readonly workers?: number
}

/** What a training is planned for. */
export type PlanOptions = Pick<TrainOptions, 'config' | 'splits' | 'numerics'>

const PLAN_OPTIONS: readonly string[] = ['config', 'splits', 'numerics'] satisfies (keyof PlanOptions)[]
const OPTIONS: readonly string[] = [
  'config',
  'splits',
  'numerics',
  'onProgress',
  'signal',
  'workers',
] satisfies (keyof TrainOptions)[]

/** How long training runs before the process may do something else. */
const TURN_MS = 50

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export async function train(data: Dataset, options: TrainOptions = {}): Promise<Trained> {
  checkOptions('train', options, OPTIONS)
  const { config = {}, splits, numerics = 'exact', onProgress, signal, workers = 1 } = options
  checkWorkers(workers)
  const module = kernels('train', numerics)
  const chosen = chooseSplits(module, data, config, splits)
  const crew = workers > 1 ? crewOf(workers, numerics, signal) : undefined
  const run = trainModel(module, data, chosen.splits, config, chosen.record, crew)
  let pause = performance.now()
  try {
    for (;;) {
      const turn = run.next()
      if (turn.done) return numerics === 'fast' && !hasRelaxedSimd() ? noted(turn.value, NOT_FAST) : turn.value
      const late = performance.now() >= pause
      if (late) onProgress?.(turn.value)
      const news = crew?.news()
      if (!news && !late) continue
      await (news ?? new Promise((resume) => setImmediate(resume)))
      signal?.throwIfAborted()
      if (late) pause = performance.now() + TURN_MS
    }
  } finally {
    await crew?.close()
  }
}

/**
 * What `train` would do with the same data and options, and an estimate of how long it takes on this machine as busy as it is now,
 * by a few real steps. Trains nothing; takes some tenths of a second.
 * @throws ShapeError, DataError, ConfigError, MemoryError as `train` does before its first step
 */
export function plan(data: Dataset, options: PlanOptions = {}): TrainingPlan & { readonly seconds: number } {
  checkOptions('plan', options, PLAN_OPTIONS)
  const { config = {}, splits, numerics } = options
  const module = kernels('train', numerics)
  const made = planOfTraining(module, data, chooseSplits(module, data, config, splits).splits, config)
  return { ...made.plan, seconds: secondsOf(made.trials) }
}

/** The same training with one more note in its model. */
function noted(trained: Trained, note: string): Trained {
  const { model } = trained
  const provenance = { ...model.provenance, notes: [...model.provenance.notes, note] }
  return { ...trained, model: { ...model, provenance } }
}

function checkOptions(of: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown) throw new ConfigError(`${of} has no option "${unknown}": there are ${known.join(', ')}; settings go into config`)
}

function checkWorkers(workers: number): void {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS) return
  throw new ConfigError(`workers is ${JSON.stringify(workers)}: give a whole number from 1 to ${MOST_WORKERS}`)
}

/** Predicts once. For many calls on one model, keep a `createPredictor(model)`. */
export const predict = (model: Model, inputs: Inputs, rule?: Rule): Prediction => createPredictor(model, rule).predict(inputs)
