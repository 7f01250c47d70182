// Which rows a file sets apart for training, validation and test.

import { DataError } from '../src/core/errors.ts'
import type { Target } from '../src/data/dataset.ts'
import type { Splits } from '../src/data/split.ts'
import { cellError, isGap } from './cells.ts'
import { counted, listed } from './sentences.ts'
import { cellAt, columnAt, type Table } from './table.ts'

/** Row indexes in ascending order. Without `validation`, those rows are to be drawn out of `train`. */
export interface FixedSplits {
  readonly train: Int32Array
  readonly test: Int32Array
  readonly validation?: Int32Array
  /** Where it stands: `FILE:COLUMN`. */
  readonly name: string
}

/** What a file may call a part. */
type Part = Exclude<keyof Splits, 'calibration'>

const PARTS: ReadonlyMap<string, Part> = new Map([
  ['train', 'train'],
  ['test', 'test'],
  ['validation', 'validation'],
  ['val', 'validation'],
])

/**
 * The part of each id.
 * @param left ids that are known but no rows, and so may stand in the file
 * @param learning whether every id needs a part and train needs rows
 * @throws DataError naming the line of a word that is no part, ids without one, or a part without rows
 */
export function readSplit(
  table: Table,
  name: string,
  ids: readonly string[],
  { left, learning }: { left: ReadonlySet<string>; learning: boolean },
): { splits: FixedSplits; notes: string[] } {
  const column = columnAt(table, name)
  const rows: Record<Part, number[]> = { train: [], test: [], validation: [] }
  const without: string[] = []
  ids.forEach((id, i) => {
    const row = table.rowOf.get(id)
    const cell = row === undefined ? '' : cellAt(table, row, column)
    if (row === undefined || isGap(cell)) {
      without.push(id)
      return
    }
    const part = PARTS.get(cell)
    if (!part) throw cellError(table, row, column, ': write train, test or validation')
    rows[part].push(i)
  })
  if (learning) {
    if (without.length > 0) {
      throw new DataError(
        `${table.file} column "${name}" has no word for ${counted(without.length, 'id')} (${listed(without)}): write train or test`,
      )
    }
    if (rows.train.length === 0)
      throw new DataError(`${table.file} column "${name}" leaves no row for train: write train for some`)
  }
  const known = new Set(ids)
  const unknown = table.ids.filter((id) => !known.has(id) && !left.has(id))
  const notes =
    unknown.length > 0 && learning ? [`${table.file}: ${counted(unknown.length, 'id')} without data (${listed(unknown)})`] : []
  if (learning && rows.test.length === 0) notes.push(`${table.file} column "${name}": no test rows, nothing is reported`)
  const { train, test, validation } = rows
  const splits = { train: Int32Array.from(train), test: Int32Array.from(test), name: `${table.file}:${name}` }
  return { splits: validation.length > 0 ? { ...splits, validation: Int32Array.from(validation) } : splits, notes }
}

/** A note if a class has no row to learn it from. */
export function unlearned(target: Target, { train }: FixedSplits): string[] {
  if (target.task !== 'classification') return []
  const learned = new Set(Array.from(train, (row) => target.labels[row]))
  const missing = target.classes.filter((_, label) => !learned.has(label))
  return missing.length > 0
    ? [`no train row has the ${missing.length > 1 ? 'classes' : 'class'} ${listed(missing)}: nothing can be learned of it`]
    : []
}
