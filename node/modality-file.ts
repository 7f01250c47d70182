// One modality, from its file.

import { FormatError } from '../src/core/errors.ts'
import type { Column, Modality } from '../src/data/dataset.ts'
import { sortLevels } from '../src/data/levels.ts'
import { isTooFar, type Unskew, usually } from '../src/data/prepare.ts'
import { cellError, inferColumn, readAnyCategories, readNumbers } from './cells.ts'
import { counted, listed } from './sentences.ts'
import { columnAt, type Table } from './table.ts'

/** A column as a model knows it. */
export interface ExpectedColumn {
  readonly name: string
  readonly kind: 'number' | 'category'
  readonly levels?: readonly string[]
  readonly mean?: number
  readonly scale?: number
  readonly unskew?: Unskew
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
  const notes =
    unknown.length > 0 ? [`${file}: left out ${counted(unknown.length, 'column')} without any value (${listed(unknown)})`] : []
  const empty = tallyOf()
  const read = knownRows(table, name, columns, empty)
  return { ...read, notes: [...notes, ...emptyNotes(file, name, empty)] }
}

/** Names that were found: how many, and the first of them. */
interface Tally {
  count: number
  readonly first: string[]
}

const tallyOf = (): Tally => ({ count: 0, first: [] })

function tally(into: Tally, name: string): void {
  into.count++
  if (into.first.length < 5) into.first.push(name)
}

/** What reading for a model finds; it may be read piece by piece. */
export interface Findings {
  /** Categories that the model does not know, by column. */
  readonly unseen: Map<string, Set<string>>
  /** Columns that it does not use. */
  ignored: readonly string[]
  /** Rows of nothing but gaps. */
  readonly empty: Tally
}

export const noFindings = (): Findings => ({ unseen: new Map(), ignored: [], empty: tallyOf() })

/** Unknown categories of a column that are kept to be told of. */
const MOST_UNSEEN = 1000

/**
 * Reads a modality for a model: the model says which columns there are and which are numbers.
 * @param found is added to; `foundNotes` tells of it
 * @throws DataError, FormatError naming the file, the line or row, and the column
 */
export function readExpected(
  table: Table,
  { modality, columns: wanted }: ExpectedModality,
  others: readonly string[],
  found: Findings,
): ModalityFile {
  const { file, header } = table
  const place = new Map(header.map((column, at) => [column, at]))
  const missing = wanted.filter(({ name }) => !place.has(name)).map(({ name }) => name)
  if (missing.length > 0) {
    throw new FormatError(`${file} lacks ${counted(missing.length, 'column')} that the model needs: ${listed(missing)}`)
  }
  const columns = wanted.map(({ name, kind, levels, mean = 0, scale = 1, unskew }) => {
    if (kind === 'number') {
      const read = readNumbers(table, place.get(name)!, NUMBERS_EXPECTED)
      const far = read.values.findIndex((value) => !Number.isNaN(value) && isTooFar({ mean, scale, unskew }, value))
      if (far < 0) return read
      throw cellError(table, far, place.get(name)!, `, in training it was ${usually({ mean, scale, unskew })}: correct it`)
    }
    const read = readAnyCategories(table, place.get(name)!)
    const unseen = found.unseen.get(name) ?? new Set()
    for (const level of read.levels) if (levels && !levels.includes(level) && unseen.size < MOST_UNSEEN) unseen.add(level)
    if (unseen.size > 0) found.unseen.set(name, unseen)
    return read
  })
  const names = new Set([...others, ...wanted.map(({ name }) => name)])
  found.ignored = header.filter((column) => !names.has(column))
  return knownRows(table, modality, columns, found.empty)
}

/** What was found in a modality's file, one sentence each. */
export function foundNotes(file: string, name: string, { unseen, ignored, empty }: Findings): string[] {
  const notes = [...unseen].map(([column, levels]) => {
    const more = levels.size < MOST_UNSEEN ? '' : ' at least'
    return `${file}: column "${column}" holds ${listed(sortLevels(levels))}${more}, which the model has not seen and takes as unknown`
  })
  if (ignored.length > 0) {
    notes.push(`${file}: ignored ${counted(ignored.length, 'column')} that the model does not use (${listed(ignored)})`)
  }
  return [...notes, ...emptyNotes(file, name, empty)]
}

function emptyNotes(file: string, name: string, { count, first }: Tally): string[] {
  if (count === 0) return []
  return [`${file}: ${counted(count, 'row')} without any value, taken as lacking "${name}" (${listed(first, 5, count)})`]
}

const NUMBERS_EXPECTED = ', the model was trained on numbers here: give a number, or leave the cell empty if it is unknown'

/** A row of nothing but gaps says as little as no row: the subject lacks the modality. @param empty such rows are added to it */
function knownRows(table: Table, name: string, columns: readonly Column[], empty: Tally): ModalityFile {
  // A modality of which a model uses no column is there wherever its file has a row.
  const isKnown = (row: number) =>
    columns.length === 0 ||
    columns.some((column) => (column.kind === 'number' ? !Number.isNaN(column.values[row]) : column.codes[row] >= 0))
  const rowOf = new Map([...table.rowOf].filter(([, row]) => isKnown(row)))
  for (const id of table.ids) if (!rowOf.has(id)) tally(empty, id)
  return { name, file: table.file, columns, ids: table.ids, rowOf, notes: [] }
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
