// CSV files that are too large to be held as text.

import { createReadStream } from 'node:fs'
import papaparse from 'papaparse'
import { FormatError } from '../../src/core/errors.ts'
import { notRead } from '../files.ts'
import { listed } from '../sentences.ts'

/** What to do with the rows of a file whose header is known: their cells, and their number from 1. */
export type TakeRow = (cells: readonly string[], row: number) => void

/**
 * Reads a CSV file with a header piece by piece.
 * @param begin is given the header and gives what to do with each row
 * @throws DataError when the file cannot be read; FormatError when it is empty or a row has another number of cells; whatever
 *   `begin` and what it gives throw
 */
export function streamRows(path: string, name: string, begin: (header: readonly string[]) => TakeRow): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 22 })
    let header: readonly string[] | undefined
    let take: TakeRow | undefined
    let row = 0
    const each = (cells: string[]) => {
      if (cells.length === 1 && cells[0].trim() === '') return
      if (!header) {
        header = cells.map((cell) => cell.replace(/^\ufeff/, '').trim())
        take = begin(header)
        return
      }
      row++
      if (cells.length !== header.length) {
        throw new FormatError(
          `${name} row ${row} has ${cells.length} cells, the header has ${header.length}: give every row as many cells as the header`,
        )
      }
      take?.(cells, row)
    }
    const fail = (error: unknown) => {
      stream.destroy()
      reject(error)
    }
    stream.on('error', (error) => reject(notRead(name, error)))
    papaparse.parse<string[]>(stream, {
      delimiter: ',',
      chunk({ data }, parser) {
        try {
          data.forEach(each)
        } catch (error) {
          fail(error) // Before the end that abort tells of.
          parser.abort()
        }
      },
      complete() {
        if (header) resolve()
        else fail(new FormatError(`${name} is empty: give a header and rows`))
      },
      error: fail,
    })
  })
}

/** Where columns stand in a header. @throws FormatError naming those that are missing */
export function placesOf(name: string, header: readonly string[], wanted: readonly string[]): number[] {
  const missing = wanted.filter((column) => !header.includes(column))
  if (missing.length > 0) throw new FormatError(`${name} lacks the columns ${listed(missing)}: give the file as NACC sent it`)
  return wanted.map((column) => header.indexOf(column))
}
