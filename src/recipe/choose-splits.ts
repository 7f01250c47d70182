import { BASELINES } from '../baselines/baselines.ts'
import { DataError } from '../core/errors.ts'
import { refuseLoneRows, type Splits, type Subjects, splitRows, splitValidation } from '../data/split.ts'
import { isCut, parseExtractor } from '../fusion/extractor.ts'
import type { SplitRecord } from '../fusion/model.ts'
import { checkConfig } from '../train/check-config.ts'
import type { TrainConfig } from '../train/config.ts'
import { randomFrom } from '../wasm/random.ts'
import { openTrainSession } from '../wasm/session.ts'

/** A split that came with the data, as indexes of rows; without validation rows, they are drawn out of train. */
export interface GivenSplits {
  readonly train: ArrayLike<number>
  readonly test: ArrayLike<number>
  readonly validation?: ArrayLike<number>
  /** Where it came from, for the model's record: `FILE:COLUMN`. */
  readonly name?: string
}

/**
 * The rows to learn from, to choose by and to report on: as given, or drawn with the configuration's seed, groups whole.
 * @throws DataError when a part would be empty, a class occurs once or a row is no whole number; ConfigError
 */
export function chooseSplits(
  module: WebAssembly.Module,
  data: Subjects,
  config: TrainConfig,
  given?: GivenSplits,
): { splits: Splits; record: SplitRecord } {
  const { seed = 0, calibration } = checkConfig(config)
  const { splits, record } = splitsFor(module, data, config, given)
  if (calibration === undefined) return { splits, record }
  const random = randomFrom(openTrainSession(module), seed).fork('calibration')
  const { train, validation: held } = splitValidation(random, data, splits.train, calibration)
  return { splits: { ...splits, train, calibration: held }, record }
}

function splitsFor(
  module: WebAssembly.Module,
  data: Subjects,
  config: TrainConfig,
  given?: GivenSplits,
): { splits: Splits; record: SplitRecord } {
  const { seed = 0, validation, test = 0.15 } = config
  const named = given?.name === undefined ? {} : { name: given.name }
  refuseLoneRows(data)
  if (given?.validation) {
    const splits = { train: rowsOf(given.train), validation: rowsOf(given.validation), test: rowsOf(given.test) }
    return { splits, record: { source: 'given', ...named } }
  }
  const random = randomFrom(openTrainSession(module), seed).fork('split')
  if (given && crossFits(config, given.train.length)) {
    const splits = { train: rowsOf(given.train), validation: new Int32Array(), test: rowsOf(given.test) }
    return { splits, record: { source: 'given', ...named } }
  }
  if (given) {
    const fraction = validation ?? 0.2
    return {
      splits: { ...splitValidation(random, data, rowsOf(given.train), fraction), test: rowsOf(given.test) },
      record: { source: 'given, validation drawn', ...named },
    }
  }
  if (crossFits(config, data.ids.length)) {
    const { train, validation: drawn } = splitValidation(random, data, Array.from(data.ids.keys()), test)
    return {
      splits: { train, validation: new Int32Array(), test: drawn },
      record: { source: 'drawn', fractions: { validation: 0, test } },
    }
  }
  const fractions = { validation: validation ?? 0.15, test }
  return { splits: splitRows(random, data, fractions), record: { source: 'drawn', fractions } }
}

/** Above so many rows a part of them for validation tells enough. */
const CROSS_FITTED_UP_TO = 5000

/**
 * Whether choices are made by cross-fitting and no validation rows are drawn: unless some are asked for, or something is that needs them.
 * Networks that students are cut from have seen all labels, and some baselines keep state from one training to the next.
 */
function crossFits({ folds, validation, extractors = {}, baselines }: TrainConfig, rows: number): boolean {
  if (folds !== undefined) return folds > 0
  const cut = Object.values(extractors).some((list) => list.some((text) => isCut(parseExtractor(text))))
  const held = Array.isArray(baselines) && baselines.some((name) => BASELINES[name]?.validates)
  return validation === undefined && rows <= CROSS_FITTED_UP_TO && !cut && !held
}

function rowsOf(given: ArrayLike<number>): Int32Array {
  const rows = Array.from(given)
  const odd = rows.find((row) => !Number.isInteger(row))
  if (odd !== undefined) throw new DataError(`the split names row ${odd}: give the indexes of rows as whole numbers`)
  return Int32Array.from(rows)
}
