// Arrow IPC, as a file (Feather) or a stream, by record batch. apache-arrow is loaded when there is such a file.

import { type FileHandle, open } from 'node:fs/promises'
import type { DataType, RecordBatch, RecordBatchReader } from 'apache-arrow'
import { FormatError } from '../src/core/errors.ts'
import { notRead } from './files.ts'
import { lz4Frame } from './lz4.ts'
import type { Format, Rows } from './table.ts'
import { BLOCK, dateText, decimalText, textOf, timeText } from './values.ts'

/**
 * An Arrow IPC file or stream, compressed by lz4 or zstd or not at all. What is held at once is a record batch, and the dictionaries.
 * @throws DataError when it cannot be read; FormatError when it is no Arrow IPC
 */
export async function openArrow(path: string, file: string): Promise<Format> {
  const arrow = await loadArrow()
  const told = (error: unknown) => {
    if (error instanceof Error && 'code' in error) return notRead(file, error)
    return new FormatError(`${file} cannot be read as Arrow IPC: ${error instanceof Error ? error.message : error}`)
  }
  /** The record batches, after the schema. */
  async function* batches(): AsyncGenerator<RecordBatch | RecordBatchReader['schema']> {
    let handle: FileHandle | undefined
    try {
      handle = await open(path)
      const reader = await (await arrow.RecordBatchReader.from(handle)).open()
      if (!reader.schema) throw new FormatError('it holds no schema')
      yield reader.schema
      for await (const batch of reader) yield batch
    } catch (error) {
      throw told(error)
    } finally {
      // The reader has closed it, if it came to the end.
      await handle?.close().catch(() => {})
    }
  }

  const all = batches()
  const { fields } = (await all.next()).value as RecordBatchReader['schema']
  await all.return(undefined)
  const header = fields.map(({ name }) => name)
  const texts = fields.map(({ type }) => textsOf(type, arrow.Type))
  const refused = new Map(texts.flatMap((text, column) => (text ? [] : [[column, `values of type ${fields[column].type}`]])))

  async function* pieces(only?: ReadonlySet<number>): AsyncGenerator<Rows> {
    const wanted = [...header.keys()].filter((column) => !refused.has(column) && (!only || only.has(column)))
    let before = 0
    const all = batches()
    await all.next()
    for await (const batch of all as AsyncGenerator<RecordBatch>) {
      const data = wanted.map((column) => batch.getChildAt(column)!)
      for (let first = 0; first < batch.numRows; first += BLOCK) {
        const here = Array.from({ length: Math.min(BLOCK, batch.numRows - first) }, (_, i) => first + i)
        const rows = here.map((row) => {
          const cells: string[] = new Array(header.length).fill('')
          for (let i = 0; i < wanted.length; i++) {
            const value = data[i].get(row)
            if (value !== null) cells[wanted[i]] = texts[wanted[i]]!(value)
          }
          return cells
        })
        yield { rows, places: here.map((row) => before + row + 1) }
      }
      before += batch.numRows
    }
  }
  return { header, unit: 'row', refused, place: '', pieces }
}

async function loadArrow() {
  const [arrow, { decompressZstd }] = await Promise.all([import('apache-arrow'), import('hyparquet-compressors')])
  arrow.compressionRegistry.set(arrow.CompressionType.LZ4_FRAME, { decode: lz4Frame })
  arrow.compressionRegistry.set(arrow.CompressionType.ZSTD, { decode: (bytes) => decompressZstd(bytes) })
  return arrow
}

/** What makes a value of a type a text; undefined for types of more than one value. */
function textsOf(type: DataType, Type: typeof import('apache-arrow').Type): ((value: unknown) => string) | undefined {
  switch (type.typeId) {
    case Type.Null:
    case Type.Bool:
    case Type.Int:
    case Type.Float:
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
      return textOf
    case Type.Date:
      return (ms) => dateText(ms as number)
    case Type.Timestamp:
      return (ms) => timeText(Math.trunc(ms as number))
    case Type.Decimal:
      return (words) => decimalText(wholeOf(words as Uint32Array), (type as DataType & { scale: number }).scale)
    case Type.Dictionary:
      return textsOf((type as DataType & { dictionary: DataType }).dictionary, Type)
    default:
      return undefined
  }
}

/** A whole number in two's complement, lowest word first. */
const wholeOf = (words: Uint32Array): bigint => {
  const bits = 32 * words.length
  return BigInt.asIntN(
    bits,
    Array.from(words).reduceRight((sum, word) => sum * 2n ** 32n + BigInt(word), 0n),
  )
}
