import papaparse from 'papaparse'
import { decimal } from '../../src/data/levels.ts'
import type { Preparation } from '../../src/data/prepare.ts'
import { malformed } from './refusal.ts'
import type { Asked } from './sheet.ts'
import { readCells } from './table.ts'
import { textOf } from './text.ts'

/** A table of cells between commas, with a header. An empty cell and `NA` are gaps. @throws Refusal */
export function readCsv(bytes: Uint8Array, preparations: readonly Preparation[], most: number): Asked {
  const text = textOf(bytes).replace(/\r\n?/g, '\n')
  // One more than is taken, so that too many are noticed.
  const { data, errors } = papaparse.parse<string[]>(text, {
    newline: '\n',
    delimiter: ',',
    skipEmptyLines: true,
    preview: most + 2,
  })
  if (errors.length > 0) throw malformed(`the body is no CSV, in row ${(errors[0].row ?? 0) - 1}: ${errors[0].message}`)
  const [header, ...rows] = data
  if (!header) throw malformed('the body is empty: send a header and one line per row')
  const short = rows.findIndex((row) => row.length !== header.length)
  if (short >= 0) {
    throw malformed(`row ${short} has ${rows[short].length} cells, the header has ${header.length}: give every row as many`)
  }
  const cell = (row: number, column: number, kind: 'number' | 'category') => {
    const given = rows[row][column].trim()
    if (given === '' || given === 'NA') return null
    if (kind === 'category') return given
    const value = decimal(given)
    return Number.isNaN(value) ? given : value
  }
  return readCells({ header: header.map((name) => name.trim()), rows: rows.length, cell }, preparations, most)
}
