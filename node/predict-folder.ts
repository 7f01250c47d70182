import { ConfigError } from '../src/core/errors.ts'
import type { Assessment, Assessor } from '../src/fusion/assess.ts'
import type { Rule } from '../src/fusion/ensemble.ts'
import type { Model } from '../src/fusion/model.ts'
import type { Prediction } from '../src/fusion/predictor.ts'
import type { Numerics } from '../src/wasm/shelf.ts'
import { createAssessor, createPredictor, init } from '../web/infer.ts'
import { folderRows } from './folder-rows.ts'
import { expectedOf } from './model.ts'

export interface PredictFolderOptions {
  /** Which of the model's ensembles; its own when left out. */
  readonly rule?: Rule
  readonly numerics?: Numerics
  /** Asks a calibrated model how sure it is: predictions are then `Assessment`s. It predicts by its own ensemble. */
  readonly level?: number
  /** Told what was left out or found missing, one sentence each, the most of it at the end. */
  readonly onNote?: (sentence: string) => void
  /** Stops the reading at the next piece of a file. */
  readonly signal?: AbortSignal
}

/**
 * Predicts every subject of a folder, some thousand rows at a time: a folder whose files are sorted by id, or list the same ids in
 * the same order, may be larger than memory (`folderRows`).
 * @throws DataError, FormatError as `readFolder` does, when it comes to the row; the signal's reason
 */
export async function* predictFolder(
  model: Model,
  folder: string,
  { rule, numerics, level, onNote = () => {}, signal }: PredictFolderOptions = {},
): AsyncGenerator<Prediction | Assessment> {
  await init({ numerics })
  if (level !== undefined && rule !== undefined)
    throw new ConfigError(`a level goes with the model's own ensemble and not with ${rule}: leave one of them out`)
  const predictor = level === undefined ? createPredictor(model, rule, numerics) : undefined
  const assessor = predictor ? undefined : createAssessor(model, numerics)
  for await (const inputs of folderRows(folder, expectedOf(model), onNote, signal))
    yield predictor ? predictor.predict(inputs) : (assessor as Assessor).assess(inputs, level)
}
