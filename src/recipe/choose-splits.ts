import type { Dataset } from '../data/dataset.ts'
import { type Splits, splitRows, splitValidation } from '../data/split.ts'
import type { SplitRecord } from '../fusion/model.ts'
import { checkConfig, type TrainConfig } from '../train/config.ts'
import { randomFrom } from '../wasm/random.ts'
import { openTrainSession } from '../wasm/session.ts'

/** A split that came with the data; without validation rows, they are drawn out of train. */
export type GivenSplits = Pick<Splits, 'train' | 'test'> & { readonly validation?: Int32Array }

/**
 * The rows to learn from, to choose by and to report on: as given, or drawn with the configuration's seed.
 * @throws DataError when a part would be empty or a class occurs once; ConfigError
 */
export function chooseSplits(
  module: WebAssembly.Module,
  data: Pick<Dataset, 'ids' | 'target'>,
  config: TrainConfig,
  given?: GivenSplits,
): { splits: Splits; record: SplitRecord } {
  const { seed = 0, validation, test = 0.15 } = checkConfig(config)
  if (given?.validation) return { splits: { ...given, validation: given.validation }, record: { source: 'given' } }
  const random = randomFrom(openTrainSession(module), seed).fork('split')
  if (given) {
    const fraction = validation ?? 0.2
    return {
      splits: { ...splitValidation(random, data, given.train, fraction), test: given.test },
      record: { source: 'given, validation drawn' },
    }
  }
  const fractions = { validation: validation ?? 0.15, test }
  return { splits: splitRows(random, data, fractions), record: { source: 'drawn', fractions } }
}
