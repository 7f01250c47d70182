import { ConfigError } from '../core/errors.ts'
import { refuseLoneRows, type Subjects } from '../data/split.ts'
import { crossFolds } from '../train/cross-fit.ts'
import { randomFrom } from '../wasm/random.ts'
import { openTrainSession } from '../wasm/session.ts'
import type { GivenSplits } from './choose-splits.ts'

/** How rows are parted for cross-validation. */
export interface CrossValidation {
  /** Parts, each of which is tested once in every repetition. Default 5. */
  readonly folds?: number
  /** Times that the rows are parted anew. Default 1. */
  readonly repeats?: number
  /** Default 0. */
  readonly seed?: number
}

/**
 * The splits of a cross-validation: each fold in turn for testing, all other rows to learn from. Folds have as much of every class as can
 * be, of a regression of every fifth of the outcome, and groups whole. What a training chooses it chooses within its own rows, so the
 * cross-validation is nested.
 * @throws ConfigError for counts that cannot be; DataError when a class occurs once
 */
export function crossValidationSplits(
  module: WebAssembly.Module,
  data: Subjects,
  { folds = 5, repeats = 1, seed = 0 }: CrossValidation = {},
): GivenSplits[] {
  const n = data.ids.length
  if (!Number.isInteger(folds) || folds < 2 || folds > n)
    throw new ConfigError(`${folds} folds of ${n} rows are asked for: give a whole number from 2 to the number of rows`)
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > 1000)
    throw new ConfigError(`${repeats} repetitions are asked for: give a whole number from 1 to 1000`)
  refuseLoneRows(data)
  const random = randomFrom(openTrainSession(module), seed).fork('cross-validation')
  const rows = Int32Array.from({ length: n }, (_, row) => row)
  return Array.from({ length: repeats }, (_, r) =>
    crossFolds(rows, folds, random.fork(`repetition ${r}`), strataOf(data), data.groups).map((test) => {
      const held = new Set(test)
      return { train: rows.filter((row) => !held.has(row)), test }
    }),
  ).flat()
}

/** Classes, or fifths of the first output. */
function strataOf({ target }: Subjects): ArrayLike<number> {
  if (target.task === 'classification') return target.labels
  const D = target.outputs.length
  const values = Array.from({ length: target.values.length / D }, (_, row) => target.values[row * D])
  const order = values.map((_, row) => row).sort((a, b) => values[a] - values[b])
  const strata = new Int32Array(values.length)
  order.forEach((row, place) => {
    strata[row] = Math.floor((5 * place) / values.length)
  })
  return strata
}
