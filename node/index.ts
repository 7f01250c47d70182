/**
 * Meta Fusion in Node: the full door. The names of `web/index.ts`; trains on worker threads, too.
 * @module
 */

import type { Worker } from 'node:worker_threads'
import type { Dataset } from '../src/data/dataset.ts'
import type { Trained } from '../src/recipe/recipe.ts'
import { type TrainOptions, trainOn } from '../src/service/train.ts'
import { disposable, type Fusion, type FusionOptions } from '../web/fusion.ts'
import { deskHand } from '../web/wire.ts'
import { host, startWorker } from './host.ts'
import { lineTo } from './pool/line.ts'

export * from '../web/index.ts'

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export const train = (data: Dataset, options?: TrainOptions): Promise<Trained> => trainOn(host, data, options)

/**
 * A worker thread that trains and predicts, so that this thread stays free. Started by the first call; `dispose` ends it, without
 * which the process goes on.
 */
export const createFusion = (options: FusionOptions = {}): Fusion =>
  disposable(() => deskHand(lineTo((options.createWorker as (() => Worker) | undefined)?.() ?? startWorker())), options)
