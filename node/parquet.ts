// Parquet files, by row group. hyparquet is loaded when there is such a file.

import type { SchemaTree } from 'hyparquet'
import { FormatError } from '../src/core/errors.ts'
import { notRead } from './files.ts'
import type { Format, Rows } from './table.ts'
import { BLOCK, dateText, textOf, timeText } from './values.ts'

/**
 * A Parquet file, compressed by snappy, gzip, zstd, brotli or lz4 or not at all. What is held at once is a row group of the wanted
 * columns.
 * @throws DataError when it cannot be read; FormatError when it is no Parquet file
 */
export async function openParquet(path: string, file: string): Promise<Format> {
  const [parquet, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      if (typeof error?.code === 'string') throw notRead(file, error)
      throw new FormatError(`${file} cannot be read as Parquet: ${error instanceof Error ? error.message : error}`)
    })
  const buffer = await told(parquet.asyncBufferFromFile(path))
  const metadata = await told(parquet.parquetMetadataAsync(buffer))
  const children = parquet.parquetSchema(metadata).children
  const header = children.map(({ element }) => element.name)
  const refused = new Map<number, string>()
  children.forEach((child, column) => {
    const type = refusedType(child)
    if (type) refused.set(column, type)
  })
  const texts = children.map(({ element: { converted_type: type, scale = 0 } }) =>
    // hyparquet gives decimals as numbers, whose last digits are those of a product.
    type === 'DECIMAL' ? (value: unknown) => (typeof value === 'number' ? value.toFixed(scale) : '') : textOf,
  )

  async function* pieces(only?: ReadonlySet<number>): AsyncGenerator<Rows> {
    const wanted = [...header.keys()].filter((column) => !refused.has(column) && (!only || only.has(column)))
    const columns = wanted.map((column) => header[column])
    const scan = await told(parquet.parquetScan({ file: buffer, metadata, columns, compressors, parsers: PARSERS }))
    for (const range of scan.ranges) {
      const data = await told(Promise.all(columns.map((column) => scan.readColumn({ column, ...range }))))
      const count = range.rowEnd - range.rowStart
      for (let first = 0; first < count; first += BLOCK) {
        const here = Array.from({ length: Math.min(BLOCK, count - first) }, (_, i) => first + i)
        const rows = here.map((row) => {
          const cells: string[] = new Array(header.length).fill('')
          for (let i = 0; i < wanted.length; i++) cells[wanted[i]] = texts[wanted[i]](data[i][row])
          return cells
        })
        yield { rows, places: here.map((row) => range.rowStart + row + 1) }
      }
    }
  }
  return { header, unit: 'row', refused, place: '', pieces }
}

/** Instants become texts at once. */
const PARSERS = {
  dateFromDays: (days: number | undefined) => (days === undefined ? undefined : dateText(days * 86_400_000)),
  timestampFromMilliseconds: (ms: bigint | undefined) => instant(ms, 1n),
  timestampFromMicroseconds: (us: bigint | undefined) => instant(us, 1000n),
  timestampFromNanoseconds: (ns: bigint | undefined) => instant(ns, 1_000_000n),
}

const instant = (value: bigint | undefined, perMs: bigint) =>
  value === undefined ? undefined : timeText(Number(BigInt(value) / perMs))

const PLAIN = /^(?:UTF8|ENUM|DECIMAL|DATE|TIMESTAMP_\w+|U?INT_\d+|STRING|NULL|UUID|FLOAT16|TIMESTAMP|INTEGER)$/

/** What a column holds, if not one cell per row. */
function refusedType({ children, element }: SchemaTree): string | undefined {
  const { repetition_type, converted_type, logical_type, type } = element
  const named = logical_type?.type ?? converted_type
  if (named && !PLAIN.test(named)) return `values of type ${named}`
  if (repetition_type === 'REPEATED') return 'lists'
  if (children.length > 0) return 'structs'
  return type === 'FIXED_LEN_BYTE_ARRAY' && !named ? 'bytes' : undefined
}
