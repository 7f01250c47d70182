// The same table in every format that is read.

import { brotliCompressSync, gzipSync } from 'node:zlib'
import { Table as ArrowTable, CompressionType, compressionRegistry, tableToIPC, type Vector } from 'apache-arrow'
import type { CompressionCodec } from 'hyparquet'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'

/** A Parquet file. */
export const parquet = (columnData: ColumnSource[], codec?: CompressionCodec, rowGroupSize?: number): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors: COMPRESSORS, rowGroupSize }))

/** An Arrow IPC file or stream. */
export function arrow(columns: Record<string, Vector>, kind: 'file' | 'stream', compressionType?: CompressionType): Uint8Array {
  compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: lz4Stored })
  compressionRegistry.set(CompressionType.ZSTD, { encode: zstdStored })
  return tableToIPC(new ArrowTable(columns), kind, compressionType)
}

/** A zstd frame of raw blocks: RFC 8878. */
function zstdStored(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0])
  head.writeUInt32LE(bytes.length, 5)
  return Buffer.concat([head, Buffer.from([1 | ((bytes.length << 3) & 0xff), bytes.length >> 5, bytes.length >> 13]), bytes])
}

/** An LZ4 frame of one stored block. */
function lz4Stored(bytes: Uint8Array): Uint8Array {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((0x80000000 | bytes.length) >>> 0)
  return Buffer.concat([
    Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0]),
    ...(bytes.length > 0 ? [size, bytes] : []),
    Buffer.alloc(4),
  ])
}

/** One LZ4 block of literals alone. */
function lz4Literals(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 15) return Buffer.concat([Buffer.from([bytes.length << 4]), bytes])
  const more = bytes.length - 15
  return Buffer.concat([Buffer.from([0xf0]), Buffer.alloc(Math.floor(more / 255), 255), Buffer.from([more % 255]), bytes])
}

const COMPRESSORS: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  GZIP: (bytes) => new Uint8Array(gzipSync(bytes)),
  BROTLI: (bytes) => new Uint8Array(brotliCompressSync(bytes)),
  ZSTD: zstdStored,
  LZ4_RAW: lz4Literals,
}
