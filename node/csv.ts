// CSV files, read piece by piece: what is held at once does not grow with the file.

import { createReadStream } from 'node:fs'
import papaparse from 'papaparse'
import { FormatError } from '../src/core/errors.ts'
import { lineAt, notRead } from './files.ts'
import type { Format, Rows } from './table.ts'

/** Bytes that are asked for at once. */
const PIECE = 2 ** 20

/** Bytes, and then characters, in which a row must end. */
const LONGEST = 2 ** 26

/**
 * A CSV file with a header: separated by commas, semicolons or tabs, LF or CRLF, UTF-8 with or without a byte order mark.
 * Blank lines are skipped.
 * @param id the column of ids, by which the separator is known
 * @throws DataError when it cannot be read; FormatError naming the file and line of what is wrong
 */
export async function openCsv(path: string, file: string, id: string): Promise<Format> {
  for await (const { rows, places } of rowsOf(path, file, id)) {
    if (rows.length === 0) continue
    const [header] = rows
    return { header, unit: 'line', refused: new Map(), place: ` line ${places[0]}`, pieces: () => body(path, file, id, header) }
  }
  throw new FormatError(`${file} is empty: give a header and one row per subject`)
}

/** The rows after the header. */
async function* body(path: string, file: string, id: string, header: readonly string[]): AsyncGenerator<Rows> {
  let skipped = 0
  for await (const piece of rowsOf(path, file, id)) {
    const first = Math.min(1 - skipped, piece.rows.length)
    skipped += first
    const [rows, places] = [piece.rows.slice(first), piece.places.slice(first)]
    const odd = rows.findIndex((row) => row.length !== header.length)
    if (odd >= 0) {
      throw new FormatError(
        `${file} line ${places[odd]} has ${rows[odd].length} cells, the header has ${header.length}: give every row as many cells as the header`,
      )
    }
    yield { rows, places }
  }
}

/** All rows that are not blank, the header's among them. */
async function* rowsOf(path: string, file: string, id: string): AsyncGenerator<Rows> {
  let parser: papaparse.Parser | undefined
  let line = 1
  let rest = '' // the beginning of a row whose end is in the next piece
  for await (const { bytes, last } of linesOf(path, file)) {
    const text = rest + textOf(bytes, `${file} line `, line, rest)
    parser ??= new papaparse.Parser({ newline: '\n', delimiter: delimiterOf(text, id) })
    const { data, errors, meta } = parser.parse(text, 0, !last) as papaparse.ParseResult<string[]>
    refuseQuotes(errors, text, `${file} line `, line)
    rest = text.slice(meta.cursor)
    // A quoted cell may hold line breaks: then its row takes more than one line.
    const quoted = text.includes('"')
    const rows: string[][] = []
    const places: number[] = []
    for (const row of data) {
      if (row.length > 1 || row[0].trim() !== '') {
        rows.push(row)
        places.push(line)
      }
      line++
      if (quoted) for (const cell of row) for (let i = cell.indexOf('\n'); i >= 0; i = cell.indexOf('\n', i + 1)) line++
    }
    if (rest.length > LONGEST) throw tooLong(`${file} line ${line}`)
    yield { rows, places }
  }
}

/** The bytes of a file in pieces that end where a line does; the last one, perhaps empty, where the file does. */
async function* linesOf(path: string, file: string): AsyncGenerator<{ bytes: Uint8Array; last: boolean }> {
  let rest = Buffer.alloc(0)
  const stream = createReadStream(path, { highWaterMark: PIECE })
  try {
    for await (const chunk of stream) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : (chunk as Buffer<ArrayBuffer>)
      // A CR at the very end may be half of a CRLF.
      const end = 1 + Math.max(bytes.lastIndexOf(10), bytes.subarray(0, -1).lastIndexOf(13))
      if (end > 0) yield { bytes: bytes.subarray(0, end), last: false }
      rest = bytes.subarray(end)
      if (rest.length > LONGEST) throw tooLong(file)
    }
  } catch (error) {
    throw error instanceof FormatError ? error : notRead(file, error)
  } finally {
    stream.destroy()
  }
  yield { bytes: rest, last: true }
}

const tooLong = (where: string): FormatError =>
  new FormatError(`${where} begins a row of more than 64 MiB: close its quotes, and give every subject a line`)

/** UTF-8 as text with LF alone. @param before what stands before it, from `line` on */
function textOf(bytes: Uint8Array, where: string, line: number, before: string): string {
  const start = line === 1 && before === '' && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start))
    return text.replace(/\r\n?/g, '\n')
  } catch {
    const good = new TextDecoder().decode(bytes).split('\ufffd', 1)[0].replace(/\r\n?/g, '\n')
    const at = line - 1 + lineAt(before + good, before.length + good.length)
    throw new FormatError(`${where}${at} is not UTF-8: save the file as UTF-8`)
  }
}

function refuseQuotes(errors: readonly papaparse.ParseError[], text: string, where: string, line: number): void {
  const quotes = errors.find((error) => error.type === 'Quotes')
  if (!quotes) return
  const place = `${where}${line - 1 + lineAt(text, quotes.index ?? 0)}`
  if (quotes.code === 'MissingQuotes') throw new FormatError(`${place}: the quote that opens here is never closed`)
  throw new FormatError(`${place}: a quoted cell goes on after its closing quote, write a quote inside a cell as two ("")`)
}

/** The separator that makes the ids a column of their own; where none does, the one that looks most like it. */
function delimiterOf(text: string, id: string): string {
  const start = text.trimStart()
  const own = [',', ';', '\t'].find((delimiter) => {
    const header = papaparse.parse<string[]>(start, { newline: '\n', delimiter, preview: 1 }).data[0]
    return header?.some((cell) => cell.trim() === id)
  })
  return own ?? papaparse.parse(start, { newline: '\n', preview: 10 }).meta.delimiter
}
