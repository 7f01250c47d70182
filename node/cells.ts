// From the cells of a file to columns of numbers and categories.

import { DataError } from '../src/core/errors.ts'
import type { CategoryColumn, Column, NumberColumn } from '../src/data/dataset.ts'
import { decimal, sortLevels } from '../src/data/levels.ts'
import { shown } from './sentences.ts'
import { cellAt, placeAt, type Table } from './table.ts'

const MAX_LEVELS = 64
/** A column with more known cells than this and no text twice is a name or a note, not a category. */
const MAX_UNIQUE = 20

/** Whether a cell says that nothing is known. */
export const isGap = (cell: string): boolean => cell === '' || cell === 'NA'

/** Whether a cell is what programs write for a number that is none: `NaN`, `-inf`, `1e999`. */
export const isNotFinite = (cell: string): boolean =>
  /^[+-]?(?:nan|inf|infinity)$/i.test(cell) || Math.abs(decimal(cell)) === Infinity

/** An error that begins with where a cell is and what it holds. */
export function cellError(table: Table, row: number, column: number, rest: string): DataError {
  return new DataError(
    `${placeAt(table, row)}: column "${table.header[column]}" holds ${shown(cellAt(table, row, column))}${rest}`,
  )
}

/**
 * A column to learn from, of the kind that its cells suggest: numbers when at least half of the known cells are, else categories.
 * @param categorical whether it is to be categories in any case
 * @returns undefined when no cell is known
 * @throws DataError naming the first cell that is no number among numbers; or when there are too many different texts
 */
export function inferColumn(table: Table, column: number, modality: string, categorical: boolean): Column | undefined {
  let numbers = 0
  let others = 0
  let texts = 0
  const values = new Float64Array(table.rows.length).fill(Number.NaN)
  for (let row = 0; row < values.length; row++) {
    const cell = cellAt(table, row, column)
    if (isGap(cell)) continue
    values[row] = decimal(cell)
    if (Number.isFinite(values[row])) numbers++
    else {
      others++
      if (!isNotFinite(cell)) texts++
    }
  }
  if (numbers + others === 0) return undefined
  if (categorical) return readCategories(table, column)
  if (others === 0) return { kind: 'number', name: table.header[column], values }
  const declare = `list the column in dataset.json as "categorical": {${JSON.stringify(modality)}: [${JSON.stringify(table.header[column])}]}`
  if (texts === 0 || numbers >= others) {
    return readNumbers(table, column, ` where numbers were: give a number, leave the cell empty if it is unknown, or ${declare}`)
  }
  refuseDecimalCommas(table, column, declare)
  return readCategories(table, column)
}

/**
 * A column of numbers.
 * @param otherwise how to go on after the cell in the error for a text
 * @throws DataError naming the first cell that is no finite number
 */
export function readNumbers(table: Table, column: number, otherwise: string): NumberColumn {
  const values = new Float64Array(table.rows.length)
  for (let row = 0; row < values.length; row++) {
    const cell = cellAt(table, row, column)
    values[row] = isGap(cell) ? Number.NaN : decimal(cell)
    if (Number.isFinite(values[row]) || isGap(cell)) continue
    throw cellError(table, row, column, isNotFinite(cell) ? NOT_FINITE : otherwise)
  }
  return { kind: 'number', name: table.header[column], values }
}

const NOT_FINITE = ': give a number, or leave the cell empty if it is unknown'

/** A column of categories; its levels are the different texts. */
export function readAnyCategories(table: Table, column: number): CategoryColumn {
  const cells = table.rows.map((_, row) => cellAt(table, row, column))
  const levels = sortLevels(cells.filter((cell) => !isGap(cell)))
  const codeOf = new Map(levels.map((level, code) => [level, code]))
  const codes = Int32Array.from(cells, (cell) => (isGap(cell) ? -1 : codeOf.get(cell)!))
  return { kind: 'category', name: table.header[column], codes, levels }
}

/** A column of categories to learn from. @throws DataError when it has too many different texts */
function readCategories(table: Table, column: number): CategoryColumn {
  const read = readAnyCategories(table, column)
  const known = read.codes.reduce((n, code) => n + (code >= 0 ? 1 : 0), 0)
  const place = `${table.file}: column "${read.name}"`
  if (read.levels.length > MAX_LEVELS) {
    throw new DataError(
      `${place} has ${read.levels.length} different texts, too many to make a feature of each (at most ${MAX_LEVELS}): group them or drop the column`,
    )
  }
  if (known > MAX_UNIQUE && read.levels.length === known) {
    throw new DataError(
      `${place} has ${known} texts and no two alike, which tells subjects apart but says nothing of them: drop the column`,
    )
  }
  return read
}

/** Refuses numbers that would pass for texts. @param declare what to do if they are texts */
export function refuseDecimalCommas(table: Table, column: number, declare: string): void {
  const row = table.rows.findIndex((_, i) => /^[+-]?\d*,\d+$/.test(cellAt(table, i, column)))
  if (row >= 0) throw cellError(table, row, column, `: write numbers with a decimal point, or ${declare}`)
}
