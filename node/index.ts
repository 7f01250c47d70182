/**
 * Meta Fusion in Node: the full door. The names of `web/index.ts`; trains on worker threads, too.
 * @module
 */

import type { Dataset } from '../src/data/dataset.ts'
import type { Trained } from '../src/recipe/recipe.ts'
import { type TrainOptions, trainOn } from '../src/service/train.ts'
import { host } from './host.ts'

export * from '../web/index.ts'

/**
 * Trains a fusion model, its baselines and its ensembles.
 * @returns the model, and every method's scores on the test rows
 * @throws ShapeError, DataError, ConfigError, MemoryError; the signal's reason when it is aborted
 */
export const train = (data: Dataset, options?: TrainOptions): Promise<Trained> => trainOn(host, data, options)
