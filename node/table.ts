// A file with one row per id, whatever its format: the rules for cells, targets and splits read this alone.

import { FormatError } from '../src/core/errors.ts'
import { listed } from './sentences.ts'

/** Rows of a file, in its order. */
export interface Rows {
  /** Cells as text, as a CSV file would hold them; `cellAt` trims them. */
  readonly rows: readonly (readonly string[])[]
  /** Where in the file each stands, from 1: the line it starts on, or its number where there are no lines. */
  readonly places: readonly number[]
}

/** The columns of a file. */
export interface Columns {
  readonly file: string
  /** Names of all columns, in order. */
  readonly header: readonly string[]
  /** What `places` count. */
  readonly unit: 'line' | 'row'
  /** Columns that hold no cells but lists and the like: their type. */
  readonly refused: ReadonlyMap<number, string>
}

/** What a format has to give. */
export interface Format extends Omit<Columns, 'file'> {
  /** The header's place in an error, ` line 1`, if it has one. */
  readonly place: string
  pieces(only?: ReadonlySet<number>): AsyncGenerator<Rows>
}

/** Rows and what their file is. */
export interface Table extends Columns, Rows {
  /** The id of each row. */
  readonly ids: readonly string[]
  /** The row of each id. */
  readonly rowOf: ReadonlyMap<string, number>
}

/** The trimmed cell of a row. @throws FormatError when the column holds no cells */
export function cellAt({ file, header, refused, rows }: Table, row: number, column: number): string {
  const type = refused.get(column)
  if (type === undefined) return rows[row][column].trim()
  throw new FormatError(
    `${file}: column "${header[column]}" holds ${type}: give numbers, texts, dates or booleans, or drop the column`,
  )
}

/** `m.csv line 3` */
export const placeAt = ({ file, unit, places }: Table, row: number): string => `${file} ${unit} ${places[row]}`

/** The index of a column. @throws FormatError listing the columns that there are */
export function columnAt({ file, header }: Columns, name: string): number {
  const column = header.indexOf(name)
  if (column < 0) throw new FormatError(`${file} has no column "${name}": its columns are ${listed(header, 20)}`)
  return column
}

/** Some rows of a file with their ids. @throws FormatError naming two rows of one id */
export function tableOf({ file, header, unit, refused }: Columns, ids: readonly string[], { rows, places }: Rows): Table {
  const rowOf = new Map<string, number>()
  ids.forEach((id, row) => {
    const first = rowOf.get(id)
    if (first !== undefined) throw standsTwice({ file, unit }, id, places[first], places[row])
    rowOf.set(id, row)
  })
  return { file, header, unit, refused, rows, places, ids, rowOf }
}

/** What to say of an id that two rows have. */
export const standsTwice = ({ file, unit }: Pick<Columns, 'file' | 'unit'>, id: string, first: number, second: number) =>
  new FormatError(`${file}: id "${id}" stands on ${unit}s ${first} and ${second}, give each subject one row`)
