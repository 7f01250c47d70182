// Which rows a model may be scored on: never, unknowingly, one that it has learned from.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../src/core/errors.ts'
import { type Dataset, idsDigest } from '../src/data/dataset.ts'
import type { Model } from '../src/fusion/model.ts'
import { chooseSplits } from '../src/recipe/choose-splits.ts'
import { kernels } from '../web/index.ts'
import { expectedOf } from './model.ts'
import type { FixedSplits } from './split-file.ts'
import { readFolder } from './tables.ts'

/** The split the model was trained with, if the folder has its file. */
export function ownSplit({ provenance }: Model, folder: string): string | undefined {
  const { name } = provenance.split
  return name && existsSync(join(folder, name.slice(0, name.lastIndexOf(':')))) ? name : undefined
}

/**
 * The rows to score: the test part of the folder's split, or that which was drawn when the model was trained; every row of a
 * folder with other subjects and no split. Rows that the model has learned from are never scored unknowingly.
 */
export function rowsToScore(
  model: Model,
  data: Dataset,
  given: FixedSplits | undefined,
  asked: boolean,
): { rows: Int32Array; which: string } {
  const { split, seed, subjects } = model.provenance
  const all = Int32Array.from(data.ids.keys())
  const parted = given && given.test.length > 0
  if (subjects !== idsDigest(data, all)) {
    return parted
      ? { rows: given.test, which: `the test part of the split; ${STRANGERS}` }
      : { rows: all, which: `all of them; ${STRANGERS}` }
  }
  // A split that the model drew itself goes before one that the folder has come by since.
  if (split.fractions && !asked) {
    const { validation, test: share } = split.fractions
    const how = validation === 0 ? { folds: 5 } : { validation, folds: 0 }
    const { test } = chooseSplits(kernels('train'), data, { seed, test: share, ...how }).splits
    if (idsDigest(data, test) === split.testIds) return { rows: test, which: 'the test part drawn when the model was trained' }
    throw new DataError(
      'the folder has the subjects the model was trained on, in another order or with other labels, so its test part cannot be drawn again: give the folder as it was',
    )
  }
  const how = split.name
    ? `--split ${split.name}`
    : split.fractions
      ? 'no --split'
      : '--split with the column it was trained with'
  if (!parted) throw new DataError(`the model was trained on subjects of this folder, which says not which: give ${how}`)
  if (idsDigest(data, given.test) !== split.testIds) {
    throw new DataError(`the model was trained on some of the test rows of "${given.name}": score it with ${how}`)
  }
  return { rows: given.test, which: 'the test part of the split' }
}

/** A folder read for a model, and the rows of it to score. @param split `FILE:COLUMN` that was asked for, else the model's own */
export async function readScored(
  model: Model,
  folder: string,
  split: string | undefined,
): Promise<{ data: Dataset; rows: Int32Array; which: string; notes: readonly string[] }> {
  const { data, splits, notes } = await readFolder(folder, {
    expected: expectedOf(model),
    split: split ?? ownSplit(model, folder),
  })
  if (split && splits?.test.length === 0)
    throw new DataError(`"${split}" has no test row among those of "${folder}": write test for some, or leave --split out`)
  return { data, notes, ...rowsToScore(model, data, splits, split !== undefined) }
}

const STRANGERS = 'the model was trained on another set of subjects, make sure that none of these was among them'
