// Files of rows by their format. Each format gives cells as text, so that one set of rules reads them all.

import { join } from 'node:path'
import { FormatError } from '../src/core/errors.ts'
import { openArrow } from './arrow.ts'
import { openCsv } from './csv.ts'
import { openParquet } from './parquet.ts'
import { listed } from './sentences.ts'
import { type Columns, type Rows, type Table, tableOf } from './table.ts'

/** Rows with their ids. */
export interface Piece extends Rows {
  readonly ids: readonly string[]
}

/** A file whose header is known; its rows may be read any number of times. */
export interface TableFile extends Columns {
  /**
   * The rows in their order, some thousand at a time.
   * @param only columns whose cells are wanted, besides the ids; those of others may be empty
   * @throws DataError, FormatError naming the file and the line or row
   */
  pieces(only?: ReadonlySet<string>): AsyncGenerator<Piece>
}

/** How the names of files end that are taken for tables: CSV, Parquet, Arrow IPC. */
export const ENDINGS: readonly string[] = ['csv', 'parquet', 'arrow', 'feather', 'ipc']

const TABLE = new RegExp(`^(.+)\\.(?:${ENDINGS.join('|')})$`, 'i')

/** The name of a table's file without its ending; undefined for other files. */
export const stemOf = (file: string): string | undefined => TABLE.exec(file)?.[1]

/**
 * Opens a file by the ending of its name: Parquet, Arrow IPC (a file or a stream), else CSV.
 * @param id the column of ids
 * @throws DataError when it cannot be read; FormatError when it is not of its format, or its header is at fault
 */
export async function openTable(folder: string, file: string, id: string): Promise<TableFile> {
  const path = join(folder, file)
  const format = await (/\.parquet$/i.test(file)
    ? openParquet(path, file)
    : /\.(?:arrow|feather|ipc)$/i.test(file)
      ? openArrow(path, file)
      : openCsv(path, file, id))
  const { unit, refused, place } = format
  const header = format.header.map((cell) => cell.trim())
  checkHeader(file + place, header)
  const key = header.indexOf(id)
  if (key < 0) {
    throw new FormatError(
      `${file} has no column "${id}" to join on, its columns are ${listed(header)}: rename one, or name it as "id" in dataset.json`,
    )
  }
  if (refused.has(key)) {
    throw new FormatError(`${file}: column "${id}" holds ${refused.get(key)}: give ids that are texts or whole numbers`)
  }
  async function* pieces(only?: ReadonlySet<string>): AsyncGenerator<Piece> {
    const wanted = only && new Set([...header.keys()].filter((column) => column === key || only.has(header[column])))
    let some = false
    for await (const { rows, places } of format.pieces(wanted)) {
      some ||= rows.length > 0
      const ids = rows.map((row) => row[key].trim())
      const without = ids.indexOf('')
      if (without >= 0) throw new FormatError(`${file} ${unit} ${places[without]} has no id: give one in column "${id}"`)
      yield { rows, places, ids }
    }
    if (!some) throw new FormatError(`${file} has a header and no rows: give one row per subject`)
  }
  return { file, header, unit, refused, pieces }
}

/** Reads a file whole. @throws as `openTable` and its pieces do; FormatError naming an id that stands twice */
export async function readTable(folder: string, file: string, id: string): Promise<Table> {
  const opened = await openTable(folder, file, id)
  const all: Piece[] = []
  for await (const piece of opened.pieces()) all.push(piece)
  const rows = { rows: all.flatMap((piece) => piece.rows), places: all.flatMap((piece) => piece.places) }
  return tableOf(
    opened,
    all.flatMap((piece) => piece.ids),
    rows,
  )
}

/** @param where the file and, if it has one, the line of the header */
function checkHeader(where: string, header: readonly string[]): void {
  const seen = new Map<string, number>()
  header.forEach((name, column) => {
    if (name === '') throw new FormatError(`${where}: column ${column + 1} has no name, give it one`)
    const first = seen.get(name)
    if (first !== undefined) {
      throw new FormatError(`${where}: columns ${first + 1} and ${column + 1} are both named "${name}", rename one`)
    }
    seen.set(name, column)
  })
}
