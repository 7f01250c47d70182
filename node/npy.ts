// NumPy's .npy files: a line of Python that says what follows, then the numbers.
// Format: numpy.lib.format, versions 1.0 to 3.0.

import { FormatError } from '../src/core/errors.ts'
import { readBytes } from './files.ts'
import { shown } from './sentences.ts'

/** Numbers of any number of axes, row-major: the last axis is the fastest. */
export interface NpyArray {
  readonly shape: readonly number[]
  readonly values: Float64Array
}

type Get = (view: DataView, at: number, little: boolean) => number

/** Kind and bytes of a number, as a dtype names them. Whole numbers of 64 bits are rounded to f64. */
const TYPES: Record<string, readonly [bytes: number, get: Get]> = {
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  u8: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  b1: [1, (view, at) => view.getUint8(at)],
}

const MAGIC = '\x93NUMPY'

/** Reads a .npy file. @throws DataError when it cannot be read; FormatError when it is none, or holds no plain numbers */
export const readNpy = (path: string, name = path): NpyArray => parseNpy(readBytes(path, name), name)

/**
 * The array of a .npy file: numbers or booleans of either byte order, in C or Fortran order.
 * @param name what to call the file in an error
 * @throws FormatError naming what is wrong
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))
  if (text(0, 6) !== MAGIC) throw new FormatError(`${name} is no .npy file: save the array with numpy.save`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const major = bytes[6]
  if (!(major >= 1 && major <= 3))
    throw new FormatError(`${name} has version ${major} of the .npy format: versions 1 to 3 are known`)
  const start = major === 1 ? 10 : 12
  if (bytes.length < start) throw new FormatError(`${name} ends within its header: copy the file again`)
  const data = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (bytes.length < data || data - start > 65536) throw new FormatError(`${name} ends within its header: copy the file again`)

  const { type, little, fortran, shape } = parseHeader(text(start, data), name)
  const [size, get] = TYPES[type]
  const count = shape.reduce((product, n) => product * n, 1)
  if (bytes.length - data !== count * size) {
    throw new FormatError(
      `${name} has ${bytes.length - data} bytes of numbers, its shape (${shape.join(', ')}) needs ${count * size}: copy the file again`,
    )
  }
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = get(view, data + i * size, little)
  return { shape, values: fortran ? rowMajor(values, shape) : values }
}

interface Header {
  readonly type: string
  readonly little: boolean
  readonly fortran: boolean
  readonly shape: readonly number[]
}

/** Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`. */
function parseHeader(header: string, name: string): Header {
  const descr = /'descr': *'([^']*)'/.exec(header)?.[1]
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1]
  const sizes = /'shape': *\(((?: *\d+L? *,?)*)\)/.exec(header)?.[1]
  if (descr?.includes('O')) throw new FormatError(`${name} holds Python objects: save it as an array of numbers`)
  if (descr === undefined || order === undefined || sizes === undefined) {
    throw new FormatError(`${name} has a header that cannot be read (${shown(header.trim())}): save one array of numbers`)
  }
  const [, endian, type] = /^([<>|=]?)(.*)$/.exec(descr)!
  if (!Object.hasOwn(TYPES, type)) {
    throw new FormatError(`${name} holds values of type "${descr}": save it as one of ${Object.keys(TYPES).join(', ')}`)
  }
  return { type, little: endian !== '>', fortran: order === 'True', shape: (sizes.match(/\d+/g) ?? []).map(Number) }
}

/** The same array, whose first axis was the fastest. */
function rowMajor(values: Float64Array, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length)
  const place = shape.map(() => 0)
  for (let i = 0; i < out.length; i++) {
    let at = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) at = at * shape[axis] + place[axis]
    out[i] = values[at]
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0
  }
  return out
}

/** The bytes of a .npy file of version 1.0, row-major. */
export function writeNpy(shape: readonly number[], values: Float32Array | Float64Array | Uint8Array): Uint8Array {
  const type = values instanceof Float32Array ? '<f4' : values instanceof Float64Array ? '<f8' : '|u1'
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  // The numbers begin at a multiple of 64 bytes, after a line break.
  const data = Math.ceil((10 + header.length + 1) / 64) * 64
  const bytes = new Uint8Array(data + values.byteLength)
  const opening = `${MAGIC}\x01\x00\x00\x00${header}`.padEnd(data - 1, ' ')
  bytes.set(Uint8Array.from(`${opening}\n`, (letter) => letter.charCodeAt(0)))
  const view = new DataView(bytes.buffer)
  view.setUint16(8, data - 10, true)
  values.forEach((value, i) => {
    const at = data + i * values.BYTES_PER_ELEMENT
    if (values instanceof Float32Array) view.setFloat32(at, value, true)
    else if (values instanceof Float64Array) view.setFloat64(at, value, true)
    else bytes[at] = value
  })
  return bytes
}
