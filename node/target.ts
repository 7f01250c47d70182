// What is to be predicted, from the file of labels.

import { DataError, FormatError } from '../src/core/errors.ts'
import type { Target } from '../src/data/dataset.ts'
import { decimal, sortLevels } from '../src/data/levels.ts'
import { cellError, isGap, isNotFinite, refuseDecimalCommas } from './cells.ts'
import { listed } from './sentences.ts'
import { type Columns, cellAt, columnAt, placeAt, type Table } from './table.ts'

/** What a model predicts. */
export type Outcome =
  | { readonly task: 'classification'; readonly classes: readonly string[] }
  | { readonly task: 'regression'; readonly outputs: readonly string[] }

/** A target, and the rows for which it is known; elsewhere its label is -1 and its values are NaN. */
export interface KnownTarget {
  readonly target: Target
  readonly labelled: Int32Array
  readonly notes: readonly string[]
}

/** The columns that hold the target: those asked for, or `label`, or all that are neither ids nor `others`. */
export function targetColumns(
  table: Columns,
  asked: readonly string[] | undefined,
  others: readonly string[],
): readonly string[] {
  if (asked) {
    for (const column of asked) columnAt(table, column)
    return asked
  }
  if (table.header.includes('label')) return ['label']
  const columns = table.header.filter((column) => !others.includes(column))
  if (columns.length === 0) throw new FormatError(`${table.file} has no column to predict: give it a column "label"`)
  return columns
}

/**
 * The target of each id.
 * @param task classification or regression, if that is known; else the cells decide
 * @param model what the model predicts, if there is one
 * @param gaps whether an id may lack its target
 * @returns undefined when no id has one
 * @throws DataError naming the line of a target that is missing, no number or none of the model's classes
 */
export function readTarget(
  table: Table,
  columns: readonly string[],
  ids: readonly string[],
  { task, model, gaps = false }: { task?: Target['task']; model?: Outcome; gaps?: boolean } = {},
): KnownTarget | undefined {
  const at = columns.map((column) => columnAt(table, column))
  const rows = ids.map((id) => table.rowOf.get(id) ?? -1)
  const labelled = Int32Array.from(rows.keys()).filter((i) => {
    const gap = rows[i] < 0 ? -1 : at.find((column) => isGap(cellAt(table, rows[i], column)))
    if (gap === undefined) return true
    if (gaps) return false
    throw new DataError(
      `${placeAt(table, rows[i])}: "${ids[i]}" has no value in column "${table.header[gap]}", give one or remove the row`,
    )
  })
  if (labelled.length === 0) return undefined

  const known = Array.from(labelled, (i) => rows[i])
  for (const column of at) refuseNotFinite(table, known, column)
  if (!model && !task) for (const column of at) refuseDecimalCommas(table, column, 'set "task": "classification" in dataset.json')
  const guess = model || task ? undefined : guessTask(table, known, at)
  const notes = guess ? [guess.note] : []
  if ((model?.task ?? task ?? guess?.task) === 'regression') {
    return { target: regression(table, rows, labelled, at), labelled, notes }
  }
  if (at.length > 1) {
    throw new FormatError(
      `${table.file} has the target columns ${listed(columns)}, of which a classification takes one: name it as "target" in dataset.json`,
    )
  }
  const classes = model?.task === 'classification' ? model.classes : undefined
  return { target: classification(table, rows, labelled, at[0], classes), labelled, notes }
}

function regression(table: Table, rows: readonly number[], labelled: Int32Array, at: readonly number[]): Target {
  const values = new Float64Array(rows.length * at.length).fill(Number.NaN)
  for (const i of labelled) {
    at.forEach((column, k) => {
      const value = decimal(cellAt(table, rows[i], column))
      if (!Number.isFinite(value)) throw cellError(table, rows[i], column, ': a regression needs a number')
      values[i * at.length + k] = value
    })
  }
  return { task: 'regression', outputs: at.map((column) => table.header[column]), values }
}

function classification(
  table: Table,
  rows: readonly number[],
  labelled: Int32Array,
  column: number,
  expected?: readonly string[],
): Target {
  const classes = expected ?? sortLevels(Array.from(labelled, (i) => cellAt(table, rows[i], column)))
  if (classes.length === 1) {
    throw new DataError(
      `${table.file}: column "${table.header[column]}" holds only "${classes[0]}", a classifier needs two classes`,
    )
  }
  const codeOf = new Map(classes.map((name, code) => [name, code]))
  const labels = new Int32Array(rows.length).fill(-1)
  for (const i of labelled) {
    const code = codeOf.get(cellAt(table, rows[i], column))
    if (code === undefined) throw cellError(table, rows[i], column, `, the model knows the classes ${listed(classes, 20)}`)
    labels[i] = code
  }
  return { task: 'classification', classes, labels }
}

/** Refuses `NaN` and its like where all else is numbers: it would pass for a class. */
function refuseNotFinite(table: Table, rows: readonly number[], column: number): void {
  const odd = rows.filter((row) => !Number.isFinite(decimal(cellAt(table, row, column))))
  if (odd.length > 0 && odd.every((row) => isNotFinite(cellAt(table, row, column)))) {
    throw cellError(table, odd[0], column, ': give what is known or remove the row')
  }
}

function guessTask(table: Table, rows: readonly number[], at: readonly number[]): { task: Target['task']; note: string } {
  const place = `column${at.length > 1 ? 's' : ''} ${listed(at.map((column) => table.header[column]))} of ${table.file}`
  const values = at.flatMap((column) => rows.map((row) => decimal(cellAt(table, row, column))))
  if (values.some(Number.isNaN)) return { task: 'classification', note: `${place}: text, so the task is classification` }
  const different = new Set(values).size
  if (at.length === 1 && different <= 10 && values.every(Number.isInteger)) {
    return { task: 'classification', note: `${place}: ${different} different whole numbers, so the task is classification` }
  }
  return { task: 'regression', note: `${place}: numbers, so the task is regression` }
}
