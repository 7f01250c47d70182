// Training as a user calls it, the same on every host.

import { ConfigError } from '../core/errors.ts'
import type { Progress } from '../core/types.ts'
import type { Dataset } from '../data/dataset.ts'
import { chooseSplits, type GivenSplits } from '../recipe/choose-splits.ts'
import { planOfTraining, type TrainingPlan } from '../recipe/plan.ts'
import { type Trained, trainModel } from '../recipe/recipe.ts'
import type { TrainConfig } from '../train/config.ts'
import { NOT_FAST, type Numerics } from '../wasm/shelf.ts'
import type { Host, Signal } from './host.ts'
import { secondsOf } from './trials.ts'

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
  readonly signal?: Signal
  /**
   * Workers that students, ρ, folds and baselines are trained by at the same time; the model is the same. 1 is the calling thread
   * alone (1).
   */
  readonly workers?: number
}

/** What a training is planned for. */
export type PlanOptions = Pick<TrainOptions, 'config' | 'splits' | 'numerics'>

/** What a training will be, and an estimate of how long it takes one thread; NaN on a host without a clock. */
export type Planned = TrainingPlan & { readonly seconds: number }

const PLAN_OPTIONS: readonly string[] = ['config', 'splits', 'numerics'] satisfies (keyof PlanOptions)[]
const OPTIONS: readonly string[] = [
  'config',
  'splits',
  'numerics',
  'onProgress',
  'signal',
  'workers',
] satisfies (keyof TrainOptions)[]

/** The most workers that may be asked for. */
export const MOST_WORKERS = 256

/** How long training runs before the thread may do something else. */
const TURN_MS = 40

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export async function trainOn(host: Host, data: Dataset, options: TrainOptions = {}): Promise<Trained> {
  checkOptions('train', options, OPTIONS)
  const { config = {}, splits, numerics = 'exact', onProgress, signal, workers = 1 } = options
  checkWorkers(workers)
  await host.load(numerics)
  const module = host.kernels('train', numerics)
  const chosen = chooseSplits(module, data, config, splits)
  const crew = workers > 1 ? crewOn(host, workers, numerics, signal) : undefined
  const run = trainModel(module, data, chosen.splits, config, chosen.record, crew)
  const slow = numerics === 'fast' && host.kernels('train', 'exact') === module
  // Without a clock there is a pause after every piece.
  const { now = () => Number.POSITIVE_INFINITY } = host
  let pause = now()
  try {
    for (;;) {
      const turn = run.next()
      if (turn.done) return slow ? noted(turn.value, NOT_FAST) : turn.value
      const late = now() >= pause
      if (late) onProgress?.(turn.value)
      const news = crew?.news()
      if (!news && !late) continue
      await (news ?? host.turn())
      signal?.throwIfAborted()
      if (late) pause = now() + TURN_MS
    }
  } finally {
    const closed = crew?.close()
    // Who stops it does not wait for workers to end, which takes them some 100 ms.
    if (!signal?.aborted) await closed
  }
}

/**
 * What `train` would do with the same data and options, and an estimate of how long it takes on this machine as busy as it is now,
 * by a few real steps. Trains nothing; takes some tenths of a second.
 * @throws ShapeError, DataError, ConfigError, MemoryError as `train` does before its first step
 */
export function planOn(host: Host, data: Dataset, options: PlanOptions = {}): Planned {
  checkOptions('plan', options, PLAN_OPTIONS)
  const { config = {}, splits, numerics } = options
  const module = host.kernels('train', numerics)
  const made = planOfTraining(module, data, chooseSplits(module, data, config, splits).splits, config)
  return { ...made.plan, seconds: host.now ? secondsOf(made.trials, host.now) : Number.NaN }
}

function crewOn({ crew }: Host, size: number, numerics: Numerics, signal: Signal | undefined) {
  if (crew) return crew(size, numerics, signal)
  throw new ConfigError(`${size} workers are asked for and this host has none: leave out "workers"`)
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
