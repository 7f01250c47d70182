// One modality, from its CSV file.

import { FormatError } from '../src/core/errors.ts'
import type { Column, Modality } from '../src/data/dataset.ts'
import { inferColumn, readAnyCategories, readNumbers } from './cells.ts'
import { columnAt, type Table } from './csv.ts'
import { counted, listed } from './sentences.ts'

/** A column as a model knows it. */
export interface ExpectedColumn {
  readonly name: string
  readonly kind: 'number' | 'category'
  readonly levels?: readonly string[]
}

/** A modality as a model knows it; a Preparation is one. */
export interface ExpectedModality {
  readonly modality: string
  readonly columns: readonly ExpectedColumn[]
}

/** A modality with the rows of its file. */
export interface ModalityFile {
  readonly name: string
  readonly file: string
  readonly columns: readonly Column[]
  /** All ids of the file. */
  readonly ids: readonly string[]
  /** The row of each id of which at least one cell is known. */
  readonly rowOf: ReadonlyMap<string, number>
  readonly notes: readonly string[]
}

/**
 * Reads a modality to learn from: the cells decide which columns are numbers.
 * @param others columns that are no features: the ids, and the target and split if they stand in the same file
 * @param categorical columns to read as categories whatever they hold
 * @throws DataError, FormatError naming the file, line and column
 */
export function readModality(
  table: Table,
  name: string,
  others: readonly string[],
  categorical: readonly string[],
): ModalityFile {
  const { file, header } = table
  for (const column of categorical) columnAt(table, column)
  const unknown: string[] = []
  const columns = header.flatMap((feature, at) => {
    if (others.includes(feature)) return []
    const inferred = inferColumn(table, at, name, categorical.includes(feature))
    if (!inferred) unknown.push(feature)
    return inferred ?? []
  })
  if (columns.length === 0) {
    throw new FormatError(`${file} has no column with values besides ${listed(others)}: give it one feature at least`)
  }
  const left = `${file}: left out ${counted(unknown.length, 'column')} without any value (${listed(unknown)})`
  return knownRows(table, name, columns, unknown.length > 0 ? [left] : [])
}

/**
 * Reads a modality for a model: the model says which columns there are and which are numbers.
 * @throws DataError, FormatError naming the file, line and column
 */
export function readExpected(
  table: Table,
  { modality, columns: wanted }: ExpectedModality,
  others: readonly string[],
): ModalityFile {
  const { file, header } = table
  const place = new Map(header.map((column, at) => [column, at]))
  const missing = wanted.filter(({ name }) => !place.has(name)).map(({ name }) => name)
  if (missing.length > 0) {
    throw new FormatError(`${file} lacks ${counted(missing.length, 'column')} that the model needs: ${listed(missing)}`)
  }
  const notes: string[] = []
  const columns = wanted.map(({ name, kind, levels }) => {
    if (kind === 'number') return readNumbers(table, place.get(name)!, NUMBERS_EXPECTED)
    const read = readAnyCategories(table, place.get(name)!)
    const unseen = levels ? read.levels.filter((level) => !levels.includes(level)) : []
    if (unseen.length > 0) {
      notes.push(`${file}: column "${name}" holds ${listed(unseen)}, which the model has not seen and takes as unknown`)
    }
    return read
  })
  const names = new Set([...others, ...wanted.map(({ name }) => name)])
  const ignored = header.filter((column) => !names.has(column))
  if (ignored.length > 0) {
    notes.push(`${file}: ignored ${counted(ignored.length, 'column')} that the model does not use (${listed(ignored)})`)
  }
  return knownRows(table, modality, columns, notes)
}

const NUMBERS_EXPECTED = ', the model was trained on numbers here: give a number, or leave the cell empty if it is unknown'

/** A row of nothing but gaps says as little as no row: the subject lacks the modality. */
function knownRows(table: Table, name: string, columns: readonly Column[], notes: readonly string[]): ModalityFile {
  // A modality of which a model uses no column is there wherever its file has a row.
  const isKnown = (row: number) =>
    columns.length === 0 ||
    columns.some((column) => (column.kind === 'number' ? !Number.isNaN(column.values[row]) : column.codes[row] >= 0))
  const rowOf = new Map([...table.rowOf].filter(([, row]) => isKnown(row)))
  const empty = table.ids.filter((id) => !rowOf.has(id))
  const lacking = `${table.file}: ${counted(empty.length, 'row')} without any value, taken as lacking "${name}" (${listed(empty)})`
  return { name, file: table.file, columns, ids: table.ids, rowOf, notes: empty.length > 0 ? [...notes, lacking] : notes }
}

/** A modality of the model that the folder does not have. */
export function absentModality({ modality: name, columns }: ExpectedModality): ModalityFile {
  const empty = columns.map(({ name, kind, levels = [] }): Column => {
    return kind === 'number' ? { kind, name, values: new Float64Array(0) } : { kind, name, codes: new Int32Array(0), levels }
  })
  return {
    name,
    file: '',
    columns: empty,
    ids: [],
    rowOf: new Map(),
    notes: [`there is no file for modality "${name}": every subject lacks it`],
  }
}

/** The modality with one row per id. */
export function joinModality(ids: readonly string[], { name, columns, rowOf }: ModalityFile): Modality {
  const rows = Int32Array.from(ids, (id) => rowOf.get(id) ?? -1)
  const joined = columns.map((column): Column => {
    if (column.kind === 'category') return { ...column, codes: rows.map((row) => (row < 0 ? -1 : column.codes[row])) }
    const values = new Float64Array(rows.length)
    for (let i = 0; i < rows.length; i++) values[i] = rows[i] < 0 ? Number.NaN : column.values[rows[i]]
    return { ...column, values }
  })
  return { name, columns: joined, present: Uint8Array.from(rows, (row) => (row < 0 ? 0 : 1)) }
}
