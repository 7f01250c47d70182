// safetensors: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes without holes.
// Specification: huggingface/safetensors README, "Format". Every rule is checked before a number is believed.

import { FormatError } from '../core/errors.ts'
import { isRecord, parseJson, shown } from './json.ts'

export type Values = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array

/** A named array; values row-major. */
export interface Stored {
  readonly shape: readonly number[]
  readonly values: Values
}

export interface Tensors {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, Stored>
}

const DTYPES = {
  F32: { bytes: 4, make: (b: ArrayBuffer) => new Float32Array(b) },
  F64: { bytes: 8, make: (b: ArrayBuffer) => new Float64Array(b) },
  I32: { bytes: 4, make: (b: ArrayBuffer) => new Int32Array(b) },
  I8: { bytes: 1, make: (b: ArrayBuffer) => new Int8Array(b) },
  U8: { bytes: 1, make: (b: ArrayBuffer) => new Uint8Array(b) },
}
type Dtype = keyof typeof DTYPES

const dtypeOf = (values: Values): Dtype => {
  if (values instanceof Float32Array) return 'F32'
  if (values instanceof Float64Array) return 'F64'
  if (values instanceof Int32Array) return 'I32'
  return values instanceof Int8Array ? 'I8' : 'U8'
}

const MAX_HEADER = 100_000_000
const METADATA = '__metadata__'

/** The file of these tensors: widest elements first, so that each stands at a multiple of its size; then in the order given. */
export function writeSafetensors({ metadata, tensors }: Tensors): Uint8Array<ArrayBuffer> {
  const entries = [...tensors].sort(([, a], [, b]) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT)
  let end = 0
  const described = entries.map(([name, { shape, values }]): [string, unknown] => {
    if (name === METADATA) throw new FormatError(`a tensor is named "${METADATA}", which is the metadata's name: rename it`)
    const begin = end
    end += values.byteLength
    return [name, { dtype: dtypeOf(values), shape, data_offsets: [begin, end] }]
  })
  let text = JSON.stringify(Object.fromEntries([[METADATA, metadata], ...described]))
  const encode = (s: string) => new TextEncoder().encode(s)
  text += ' '.repeat((8 - (encode(text).length % 8)) % 8)
  const head = encode(text)
  const file = new Uint8Array(8 + head.length + end)
  new DataView(file.buffer).setUint32(0, head.length, true)
  file.set(head, 8)
  let at = 8 + head.length
  for (const [, { values }] of entries) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += values.byteLength
  }
  return file
}

/** The tensors of a file, each a copy. @throws FormatError, one sentence for each way a file can be wrong */
export function readSafetensors(bytes: Uint8Array): Tensors {
  // A plain view: a subclass such as Node's Buffer has a `slice` that does not copy.
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < 8)
    throw new FormatError(
      `the file has ${file.length} bytes, a safetensors file has at least 8: it is truncated or of another kind`,
    )
  const view = new DataView(file.buffer, file.byteOffset)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  if (length > MAX_HEADER)
    throw new FormatError(`the header claims ${length} bytes, more than the ${MAX_HEADER} allowed: this is no safetensors file`)
  if (8 + length > file.length) {
    throw new FormatError(
      `the header claims ${length} bytes and ${file.length - 8} follow: the file is truncated or of another kind`,
    )
  }
  const header = parseHeader(file.subarray(8, 8 + length))
  const data = file.subarray(8 + length)
  const { [METADATA]: metadata = {}, ...rest } = header
  if (!isRecord(metadata) || Object.values(metadata).some((v) => typeof v !== 'string')) {
    throw new FormatError(`${METADATA} in the header is not a map from text to text: the file is damaged`)
  }
  const entries = Object.entries(rest).map(([name, value]) => ({ name, ...parseEntry(name, value) }))
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const tensors = new Map<string, Stored>()
  let at = 0
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== at) {
      throw new FormatError(
        `tensor ${shown(name)} starts at byte ${begin} where ${at} was expected: tensors must follow each other without holes or overlap`,
      )
    }
    if (end > data.length)
      throw new FormatError(`tensor ${shown(name)} ends at byte ${end} and the data has ${data.length}: the file is truncated`)
    tensors.set(name, { shape, values: DTYPES[dtype].make(data.slice(begin, end).buffer as ArrayBuffer) })
    at = end
  }
  if (at !== data.length) throw new FormatError(`${data.length - at} bytes follow the last tensor: the file is damaged`)
  return { metadata: metadata as Record<string, string>, tensors }
}

/** The header, an object of tensors' objects with lists in them. */
const DEEPEST = 3

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw new FormatError('the header does not begin with "{": this is no safetensors file')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FormatError('the header is not UTF-8: the file is damaged or of another kind')
  }
  return parseJson('the header', text, DEEPEST) as Record<string, unknown>
}

function parseEntry(key: string, value: unknown): { dtype: Dtype; shape: number[]; begin: number; end: number } {
  const name = shown(key)
  if (!isRecord(value)) throw new FormatError(`tensor ${name} has no description in the header: the file is damaged`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    throw new FormatError(`tensor ${name} is of type ${shown(dtype)}: only ${Object.keys(DTYPES).join(', ')} can be read`)
  }
  const natural = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0
  if (!Array.isArray(shape) || !shape.every(natural)) {
    throw new FormatError(`tensor ${name} has the shape ${shown(shape)}: a list of whole numbers was expected`)
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(natural) || offsets[0] > offsets[1]) {
    throw new FormatError(`tensor ${name} has the offsets ${shown(offsets)}: a begin and an end were expected`)
  }
  const [begin, end] = offsets
  // Zero first: a product that has overflowed to infinity would make it NaN.
  const bytes = shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, DTYPES[dtype as Dtype].bytes)
  if (bytes !== end - begin) {
    throw new FormatError(
      `tensor ${name} of shape ${shown(shape)} needs ${bytes} bytes and has ${end - begin}: the file is damaged`,
    )
  }
  return { dtype: dtype as Dtype, shape, begin, end }
}
