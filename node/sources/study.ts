import type { Dataset } from '../../src/data/dataset.ts'
import type { Splits, Subjects } from '../../src/data/split.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { kernels } from '../../web/index.ts'

/**
 * Data that is made ready anew for every split: which columns are kept and what is fitted depends on the training rows alone.
 * So a run over seeds is, for each: `split`, `dataset`, `train(data, { splits, config: { ...config, seed } })`.
 */
export interface Study {
  readonly title: string
  /** The rows: their ids, target and groups. */
  readonly subjects: Subjects
  /** What was left out and why, one sentence each. */
  readonly notes: readonly string[]
  /** The rows to learn from, to choose by and to report on, in the paper's shares. */
  split(seed: number): Splits
  /** The data set for a split. @throws DataError when its training rows leave nothing */
  dataset(splits: Splits): Dataset
}

/** The paper's setting for a study. */
export interface Application {
  readonly config: TrainConfig
}

/** Splits as `train` draws them with this setting. */
export const drawnFrom =
  (subjects: Subjects, { validation, test }: TrainConfig) =>
  (seed: number): Splits =>
    chooseSplits(kernels('train'), subjects, { seed, validation, test }).splits
