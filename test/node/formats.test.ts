import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  Bool,
  CompressionType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Struct,
  TimestampMillisecond,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import type { CompressionCodec } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { train } from '../../node/index.ts'
import { readFolder } from '../../node/tables.ts'
import { digest } from '../../src/data/dataset.ts'
import { writeModel } from '../../src/formats/model-file.ts'
import { ROOT } from '../structure/imports.ts'
import { folderOf } from './folder.ts'
import { arrow, parquet } from './tabular.ts'

const ROWS = 60
const rows = Array.from({ length: ROWS }, (_, i) => i)
const wave = (i: number, j: number) => (i % 7 === j ? null : Math.sin(i * (j + 2) + j) * 10 ** (j * 3))
const ids = rows.map((i) => `p${i}`)

/** A study, value by value. */
const STUDY = {
  scan: {
    id: ids,
    volume: rows.map((i) => wave(i, 0)),
    tiny: rows.map((i) => wave(i, -7)),
    zero: rows.map((i) => (i % 2 ? -0 : 0.5)),
    count: rows.map((i) => (i % 5 === 1 ? null : BigInt(i * i) - 2n ** 60n)),
    site: rows.map((i) => [null, 'ä "b", c', 'd'][i % 3]),
    smoker: rows.map((i) => (i % 4 === 0 ? null : i % 3 === 0)),
    seen: rows.map((i) => new Date(Date.UTC(2020, i % 3, 5))),
  },
  blood: {
    id: ids.filter((_, i) => i % 11 !== 5).reverse(),
    tau: rows.filter((i) => i % 11 !== 5).map((i) => wave(i, 3)),
    code: rows.filter((i) => i % 11 !== 5).map((i) => i % 3),
  },
  labels: { id: ids, label: rows.map((i) => (i % 2 ? 'case' : 'control')) },
  split: { id: ids, split: rows.map((i) => (i % 4 ? 'train' : 'test')) },
}
const DATASET = JSON.stringify({ categorical: { blood: ['code'] } })

type Values = Record<string, readonly unknown[]>

const cell = (value: unknown): string => {
  if (value === null) return 'NA'
  if (value instanceof Date) return value.toISOString().slice(0, 10)
  if (Object.is(value, -0)) return '-0.0'
  return `"${String(value).replaceAll('"', '""')}"`
}

const asCsv = (columns: Values) =>
  [Object.keys(columns), ...columns.id.map((_, i) => Object.values(columns).map((values) => cell(values[i])))].join('\n')

function asParquet(columns: Values, codec?: CompressionCodec): Uint8Array {
  const schemaless = Object.entries(columns).map(([name, values]) => {
    const known = values.find((value) => value !== null)
    const type = { number: 'DOUBLE', bigint: 'INT64', string: 'STRING', boolean: 'BOOLEAN' }[typeof known as string] as 'DOUBLE'
    if (known instanceof Date)
      return { name, data: values.map((date) => (date as Date).toISOString().slice(0, 10)), type: 'STRING' as const }
    return { name, data: [...values], type, nullable: true }
  })
  return parquet(schemaless, codec, 25)
}

function asArrow(columns: Values, kind: 'file' | 'stream', compression?: CompressionType): Uint8Array {
  const vectors = Object.entries(columns).map(([name, values]) => {
    const known = values.find((value) => value !== null)
    if (known instanceof Date) return [name, vectorFromArray(values, new DateDay())]
    if (typeof known === 'string')
      return [name, vectorFromArray(values, name === 'id' ? new Utf8() : new Dictionary(new Utf8(), new Int32()))]
    const type = typeof known === 'bigint' ? new Int64() : typeof known === 'boolean' ? new Bool() : new Float64()
    return [name, vectorFromArray(values, type)]
  })
  return arrow(Object.fromEntries(vectors), kind, compression)
}

const study = (ending: string, write: (columns: Values) => string | Uint8Array) =>
  folderOf({
    'dataset.json': DATASET,
    ...Object.fromEntries(Object.entries(STUDY).map(([name, columns]) => [`${name}.${ending}`, write(columns)])),
  })

describe('the same study is the same data set', () => {
  const codecs: readonly CompressionCodec[] = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4_RAW']
  test.each([
    ...codecs.map((codec) => [`Parquet, ${codec}`, 'parquet', (columns: Values) => asParquet(columns, codec)] as const),
    ['an Arrow file', 'arrow', (columns: Values) => asArrow(columns, 'file')] as const,
    ['an Arrow stream', 'ipc', (columns: Values) => asArrow(columns, 'stream')] as const,
    ['Feather, LZ4', 'feather', (columns: Values) => asArrow(columns, 'file', CompressionType.LZ4_FRAME)] as const,
    ['Feather, zstd', 'FEATHER', (columns: Values) => asArrow(columns, 'file', CompressionType.ZSTD)] as const,
  ])('in CSV and in %s', async (_, ending, write) => {
    const folder = study('csv', asCsv)
    const plain = await readFolder(folder)
    // Labels and split are looked for by names in small letters.
    const other =
      ending === 'FEATHER'
        ? folderOf({
            'dataset.json': DATASET,
            'scan.FEATHER': write(STUDY.scan),
            'blood.Feather': write(STUDY.blood),
            'labels.feather': write(STUDY.labels),
            'split.feather': write(STUDY.split),
          })
        : study(ending, write)
    const read = await readFolder(other)
    expect(read.data).toEqual(plain.data)
    expect(read.data.modalities.map(({ columns }) => columns.map(({ kind }) => kind[0]).join(''))).toEqual(['nc', 'nnnnccc'])
    expect(digest(read.data)).toBe(digest(plain.data))
    expect({ ...read.splits, name: '' }).toEqual({ ...plain.splits, name: '' })
  })

  test('and trains to the same bytes of a model', async () => {
    const bytes = async (folder: string) => {
      const { data, splits } = await readFolder(folder)
      const config = {
        epochs: 3,
        batch: 8,
        head: [4],
        baselines: false as const,
        extractors: { '*': ['skip', 'raw'] },
        allowLeakage: true,
      }
      const { train: learn, test: rest } = splits!
      return writeModel((await train(data, { config, splits: { train: learn, test: rest } })).model)
    }
    const plain = await bytes(study('csv', asCsv))
    expect(Buffer.compare(await bytes(study('parquet', asParquet)), plain)).toBe(0)
    expect(Buffer.compare(await bytes(study('arrow', (columns) => asArrow(columns, 'file'))), plain)).toBe(0)
  })
})

/** The cells of the only modality's only column but the ids. */
async function cellsOf(file: string, content: Uint8Array): Promise<unknown[]> {
  const { inputs } = await readFolder(folderOf({ [file]: content }), { target: 'optional' })
  const [column] = inputs.modalities[0].columns
  if (column.kind === 'number') return Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
  return Array.from(column.codes, (code) => (code < 0 ? null : column.levels[code]))
}

const two = ['a', 'b']
const id = vectorFromArray(two, new Utf8())
const arrowOf = (x: Vector) => arrow({ id, x }, 'file')
const parquetOf = (x: Parameters<typeof parquet>[0][0]) => parquet([{ name: 'id', data: two, type: 'STRING' }, x])

describe('values', () => {
  test.each<[what: string, cells: unknown[], file: string, content: Uint8Array]>([
    [
      'single precision is what it holds',
      [0.10000000149011612, null],
      'm.arrow',
      arrowOf(vectorFromArray([0.1, null], new Float32())),
    ],
    [
      'decimals',
      [12.34, -0.57],
      'm.arrow',
      arrowOf(vectorFromArray([Uint32Array.of(1234, 0, 0, 0), Uint32Array.of(-57, -1, -1, -1)], new Decimal(2, 10, 128))),
    ],
    [
      'instants are texts',
      ['2020-02-01T10:00:00.000Z', null],
      'm.arrow',
      arrowOf(vectorFromArray([new Date('2020-02-01T10:00Z'), null], new TimestampMillisecond())),
    ],
    [
      'instants are texts',
      ['2020-02-01T10:00:00.000Z', null],
      'm.parquet',
      parquetOf({ name: 'x', data: [new Date('2020-02-01T10:00Z'), null], type: 'TIMESTAMP', nullable: true }),
    ],
    [
      'whole numbers of 64 bits are rounded as those of a CSV file',
      [9007199254740992, 1],
      'm.parquet',
      parquetOf({ name: 'x', data: [9007199254740993n, 1n], type: 'INT64' }),
    ],
    [
      'texts that say that nothing is known',
      ['y', null],
      'm.parquet',
      parquetOf({ name: 'x', data: [' y ', 'NA'], type: 'STRING' }),
    ],
  ])('%s: %j in %s', async (_, cells, file, content) => {
    expect(await cellsOf(file, content)).toEqual(cells)
  })
})

const list = new List(new Field('item', new Float64()))
const struct = new Struct([new Field('y', new Float64())])

describe('refused, naming file, row and column', () => {
  test.each<[sentence: string, file: string, content: Uint8Array | string]>([
    [
      'm.parquet row 2: column "x" holds "NaN": give a number, or leave the cell empty if it is unknown',
      'm.parquet',
      parquetOf({ name: 'x', data: [1, Number.NaN], type: 'DOUBLE' }),
    ],
    [
      'm.arrow row 2: column "x" holds "Infinity": give a number, or leave the cell empty if it is unknown',
      'm.arrow',
      arrowOf(vectorFromArray([1, Infinity])),
    ],
    [
      'm.arrow row 1: column "x" holds "1,5": write numbers with a decimal point, or list the column in dataset.json as "categorical": {"m": ["x"]}',
      'm.arrow',
      arrowOf(vectorFromArray(['1,5', '2,5'])),
    ],
    [
      'm.arrow: column "x" holds values of type List<Float64>: give numbers, texts, dates or booleans, or drop the column',
      'm.arrow',
      arrowOf(vectorFromArray([[1], [2]], list)),
    ],
    [
      'm.arrow: column "x" holds values of type Struct<{y:Float64}>: give numbers, texts, dates or booleans, or drop the column',
      'm.arrow',
      arrowOf(vectorFromArray([{ y: 1 }, { y: 2 }], struct)),
    ],
    [
      'm.parquet: column "x" holds values of type JSON: give numbers, texts, dates or booleans, or drop the column',
      'm.parquet',
      parquetOf({ name: 'x', data: [{ a: 1 }, { a: 2 }], type: 'JSON' }),
    ],
    [
      'm.parquet: id "a" stands on rows 1 and 2, give each subject one row',
      'm.parquet',
      parquet([{ name: 'id', data: ['a', ' a'], type: 'STRING' }]),
    ],
    ['m.arrow row 2 has no id: give one in column "id"', 'm.arrow', arrow({ id: vectorFromArray(['a', null]) }, 'file')],
    [
      'm.arrow: column "id" holds values of type List<Float64>: give ids that are texts or whole numbers',
      'm.arrow',
      arrow({ id: vectorFromArray([[1]], list) }, 'file'),
    ],
    ['m.arrow: columns 1 and 2 are both named "id", rename one', 'm.arrow', arrow({ id, ' id ': id }, 'file')],
    [
      'm.parquet has no column "id" to join on, its columns are "x": rename one, or name it as "id" in dataset.json',
      'm.parquet',
      parquet([{ name: 'x', data: [1], type: 'DOUBLE' }]),
    ],
    [
      'm.parquet has a header and no rows: give one row per subject',
      'm.parquet',
      parquet([{ name: 'id', data: [], type: 'STRING' }]),
    ],
    ['m.parquet cannot be read as Parquet: ', 'm.parquet', 'id,x\na,1\nb,2\n'],
    ['m.arrow cannot be read as Arrow IPC: ', 'm.arrow', 'id,x\na,1\nb,2\n'],
    ['m.arrow cannot be read as Arrow IPC: ', 'm.arrow', ''],
    ['m.arrow cannot be read as Arrow IPC: ', 'm.arrow', arrowOf(vectorFromArray([1, 2])).subarray(0, 300)],
    ['m.parquet cannot be read as Parquet: ', 'm.parquet', parquetOf({ name: 'x', data: [1, 2], type: 'DOUBLE' }).subarray(40)],
  ])('%s', async (sentence, file, content) => {
    const reading = readFolder(folderOf({ [file]: content }), { target: 'optional' })
    await expect(reading).rejects.toThrow(sentence)
    await expect(reading).rejects.toMatchObject({ name: expect.stringMatching(/^(?:Data|Format)Error$/) })
  })

  test('a column of lists that the model does not use is none of its business', async () => {
    const expected = {
      modalities: [{ modality: 'm', columns: [{ kind: 'number', name: 'x' }] }],
      target: { task: 'regression', outputs: ['y'] },
    } as const
    const content = arrow({ id, lists: vectorFromArray([[1], [2]], list), x: vectorFromArray([1, 2]) }, 'stream')
    const { inputs } = await readFolder(folderOf({ 'm.arrow': content }), { expected, target: 'optional' })
    expect(inputs.modalities[0].columns).toEqual([{ kind: 'number', name: 'x', values: Float64Array.of(1, 2) }])
  })

  test.each([
    ['m.csv', 'm.parquet', '"m.csv" and "m.parquet" are both modality "m": keep one, or name one in dataset.json'],
    ['labels.csv', 'labels.arrow', '"labels.csv" and "labels.arrow" are both there: keep one, or name one in dataset.json'],
    ['split.parquet', 'split.ipc', '"split.parquet" and "split.ipc" are both there: keep one, or name one in dataset.json'],
  ])('%s and %s', async (one, another, sentence) => {
    await expect(readFolder(folderOf({ 'a.csv': '', [one]: '', [another]: '' }))).rejects.toThrow(sentence)
  })
})

test('dataset.json may name the one of two formats', async () => {
  const files = {
    'm.csv': 'id,x\np1,1\np2,2\n',
    'm.parquet': 'not one',
    'labels.csv': 'id,label\np1,a\np2,b\n',
    'dataset.json': JSON.stringify({ modalities: { m: 'm.csv' } }),
  }
  expect((await readFolder(folderOf(files))).data.ids).toEqual(['p1', 'p2'])
})

/** The packages that reading a folder loads, in a process of its own. */
function loadedBy(folder: string): string[] {
  const hooks = `import { writeSync } from 'node:fs'
    export async function resolve(name, context, next) {
      if (/^[a-z]/.test(name) && !/^(?:node|file|data):/.test(name)) writeSync(1, name + '\\n')
      return next(name, context)
    }`
  const program = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
    const { readFolder } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'dist/node/node.js')).href)})
    await readFolder(${JSON.stringify(folder)}, { target: 'optional' })`
  const words = ['--input-type=module', '--eval', program]
  const said = execFileSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' })
  return said.split('\n').filter((name) => /^(?:hyparquet|hyparquet-compressors|apache-arrow|papaparse)$/.test(name))
}

describe('a library is loaded when a file needs it', () => {
  test.each([
    ['m.csv', 'id,x\na,1\nb,2\n', ['papaparse']],
    ['m.parquet', parquetOf({ name: 'x', data: [1, 2], type: 'DOUBLE' }), ['papaparse', 'hyparquet', 'hyparquet-compressors']],
    ['m.arrow', arrowOf(vectorFromArray([1, 2])), ['papaparse', 'apache-arrow', 'hyparquet-compressors']],
  ])('%s', (file, content, libraries) => {
    expect(new Set(loadedBy(folderOf({ [file]: content })))).toEqual(new Set(libraries))
  })
})
