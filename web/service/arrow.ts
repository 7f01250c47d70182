import type { Preparation } from '../../src/data/prepare.ts'
import { malformed } from './refusal.ts'
import type { Asked } from './sheet.ts'
import { readCells } from './table.ts'

/**
 * A table of Arrow, as a stream or a file. Null and NaN are gaps.
 *
 * A service takes it as an option: it brings a library that is larger than all the rest, and that a body made to hurt can keep busy
 * for ever (it believes the lengths it reads), so only those should send Arrow who are trusted.
 * @throws Refusal
 */
export async function readArrow(bytes: Uint8Array, preparations: readonly Preparation[], most: number): Promise<Asked> {
  const { tableFromIPC } = await import('apache-arrow')
  const table = parsed(() => {
    const read = tableFromIPC(bytes)
    if (read.numCols === 0) throw malformed('no column')
    return { header: read.schema.fields.map((field) => field.name), rows: read.numRows, columns: read }
  })
  const vectors = table.header.map((_, column) => parsed(() => table.columns.getChildAt(column)))
  const cell = (row: number, column: number) => {
    const value: unknown = parsed(() => vectors[column]?.get(row) ?? null)
    if (typeof value === 'bigint') return Number(value)
    return Number.isNaN(value) ? null : value
  }
  return readCells({ header: table.header, rows: table.rows, cell }, preparations, most)
}

/** What is no Arrow shows in many ways, some of them late. */
function parsed<Value>(read: () => Value): Value {
  try {
    return read()
  } catch {
    throw malformed('the body is no Arrow table that can be read: send an Arrow stream or file, not compressed')
  }
}
