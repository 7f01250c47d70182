import { join } from 'node:path'
import papaparse from 'papaparse'
import { FormatError } from '../src/core/errors.ts'
import { lineAt, readText } from './files.ts'
import { listed } from './sentences.ts'

/** A CSV file: one row per id. */
export interface Table {
  readonly file: string
  /** Names of all columns, in order. */
  readonly header: readonly string[]
  /** Cells as they stand in the file; `cellAt` trims them. */
  readonly rows: readonly (readonly string[])[]
  /** The line of the file that each row starts on, from 1. */
  readonly lines: readonly number[]
  /** The id of each row. */
  readonly ids: readonly string[]
  /** The row of each id. */
  readonly rowOf: ReadonlyMap<string, number>
}

/**
 * Reads a CSV file with a header: separated by commas, semicolons or tabs, LF or CRLF, UTF-8 with or without a byte order mark.
 * Blank lines are skipped.
 * @param id the column of ids
 * @throws DataError when it cannot be read; FormatError naming the file and line of what is wrong
 */
export function readTable(folder: string, file: string, id: string): Table {
  const { rows, lines } = parse(file, readText(join(folder, file), file), id)
  if (rows.length === 0) throw new FormatError(`${file} is empty: give a header and one row per subject`)
  const header = rows.shift()!.map((cell) => cell.trim())
  checkHeader(file, lines.shift()!, header)
  const key = header.indexOf(id)
  if (key < 0) {
    throw new FormatError(
      `${file} has no column "${id}" to join on, its columns are ${listed(header)}: rename one, or name it as "id" in dataset.json`,
    )
  }
  if (rows.length === 0) throw new FormatError(`${file} has a header and no rows: give one row per subject`)
  rows.forEach((row, i) => {
    if (row.length === header.length) return
    throw new FormatError(
      `${file} line ${lines[i]} has ${row.length} cells, the header has ${header.length}: give every row as many cells as the header`,
    )
  })
  const ids = rows.map((row) => row[key].trim())
  return { file, header, rows, lines, ids, rowOf: indexIds(file, id, ids, lines) }
}

/** The trimmed cell of a row. */
export const cellAt = (table: Table, row: number, column: number): string => table.rows[row][column].trim()

/** The index of a column. @throws FormatError listing the columns that there are */
export function columnAt(table: Table, name: string): number {
  const column = table.header.indexOf(name)
  if (column < 0) throw new FormatError(`${table.file} has no column "${name}": its columns are ${listed(table.header, 20)}`)
  return column
}

function parse(file: string, raw: string, id: string): { rows: string[][]; lines: number[] } {
  const text = raw.replace(/\r\n?/g, '\n')
  const { data, errors } = papaparse.parse<string[]>(text, { newline: '\n', delimiter: delimiterOf(text, id) })
  const quotes = errors.find((error) => error.type === 'Quotes')
  if (quotes) {
    const place = `${file} line ${lineAt(text, quotes.index ?? 0)}`
    if (quotes.code === 'MissingQuotes') throw new FormatError(`${place}: the quote that opens here is never closed`)
    throw new FormatError(`${place}: a quoted cell goes on after its closing quote, write a quote inside a cell as two ("")`)
  }
  // A quoted cell may hold line breaks: then its row takes more than one line.
  const quoted = text.includes('"')
  const rows: string[][] = []
  const lines: number[] = []
  let line = 1
  for (const row of data) {
    if (row.length > 1 || row[0].trim() !== '') {
      rows.push(row)
      lines.push(line)
    }
    line++
    if (quoted) for (const cell of row) for (let i = cell.indexOf('\n'); i >= 0; i = cell.indexOf('\n', i + 1)) line++
  }
  return { rows, lines }
}

/** The separator that makes the ids a column of their own. */
function delimiterOf(text: string, id: string): string | undefined {
  const start = text.trimStart()
  return [',', ';', '\t'].find((delimiter) => {
    const header = papaparse.parse<string[]>(start, { newline: '\n', delimiter, preview: 1 }).data[0]
    return header?.some((cell) => cell.trim() === id)
  })
}

function checkHeader(file: string, line: number, header: readonly string[]): void {
  const seen = new Map<string, number>()
  header.forEach((name, column) => {
    if (name === '') throw new FormatError(`${file} line ${line}: column ${column + 1} has no name, give it one`)
    const first = seen.get(name)
    if (first !== undefined) {
      throw new FormatError(`${file} line ${line}: columns ${first + 1} and ${column + 1} are both named "${name}", rename one`)
    }
    seen.set(name, column)
  })
}

function indexIds(file: string, column: string, ids: readonly string[], lines: readonly number[]): Map<string, number> {
  const rowOf = new Map<string, number>()
  ids.forEach((id, row) => {
    if (id === '') throw new FormatError(`${file} line ${lines[row]} has no id: give one in column "${column}"`)
    const first = rowOf.get(id)
    if (first !== undefined) {
      throw new FormatError(`${file}: id "${id}" stands on lines ${lines[first]} and ${lines[row]}, give each subject one row`)
    }
    rowOf.set(id, row)
  })
  return rowOf
}
