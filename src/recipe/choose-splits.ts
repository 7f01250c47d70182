import { DataError } from '../core/errors.ts'
import { refuseLoneRows, type Splits, type Subjects, splitRows, splitValidation } from '../data/split.ts'
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
  const { seed = 0, validation, test = 0.15 } = checkConfig(config)
  const named = given?.name === undefined ? {} : { name: given.name }
  refuseLoneRows(data)
  if (given?.validation) {
    const splits = { train: rowsOf(given.train), validation: rowsOf(given.validation), test: rowsOf(given.test) }
    return { splits, record: { source: 'given', ...named } }
  }
  const random = randomFrom(openTrainSession(module), seed).fork('split')
  if (given) {
    const fraction = validation ?? 0.2
    return {
      splits: { ...splitValidation(random, data, rowsOf(given.train), fraction), test: rowsOf(given.test) },
      record: { source: 'given, validation drawn', ...named },
    }
  }
  const fractions = { validation: validation ?? 0.15, test }
  return { splits: splitRows(random, data, fractions), record: { source: 'drawn', fractions } }
}

function rowsOf(given: ArrayLike<number>): Int32Array {
  const rows = Array.from(given)
  const odd = rows.find((row) => !Number.isInteger(row))
  if (odd !== undefined) throw new DataError(`the split names row ${odd}: give the indexes of rows as whole numbers`)
  return Int32Array.from(rows)
}
