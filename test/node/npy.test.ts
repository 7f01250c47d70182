import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseNpy, writeNpy } from '../../node/npy.ts'

// Written by the program that the file names.
const golden = JSON.parse(readFileSync(new URL('npy.json', import.meta.url), 'utf8'))
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))
const parse = (bytes: Uint8Array) => parseNpy(bytes, 'a.npy')

interface Golden {
  readonly name: string
  readonly shape: number[]
  readonly values: number[]
  readonly base64: string
}

test.each<Golden>(golden.arrays)('reads what NumPy has written: $name', ({ shape, values, base64 }) => {
  expect(parse(bytesOf(base64))).toEqual({ shape, values: Float64Array.from(values) })
})

test('reads bytes that begin anywhere in a buffer', () => {
  const { base64, values } = golden.arrays[0]
  const shifted = new Uint8Array([1, 2, 3, ...bytesOf(base64)]).subarray(3)
  expect(parse(shifted).values).toEqual(Float64Array.from(values))
})

describe('writes and reads again', () => {
  test.each([
    [[2, 3], Float32Array.of(0.1, -1, 3e38, 0, Number.NaN, Infinity)],
    [[4], Float64Array.of(0.1, 1e300, -0, 5e-324)],
    [[1, 2, 2], Uint8Array.of(0, 1, 127, 255)],
    [[3, 0], new Float64Array(0)],
  ])('%j %o', (shape, values) => {
    expect(parse(writeNpy(shape, values))).toEqual({ shape, values: Float64Array.from(values) })
  })

  test('to the byte as NumPy does', () => {
    const { base64, shape, values } = golden.arrays[0]
    expect(writeNpy(shape, Float64Array.from(values))).toEqual(bytesOf(base64))
  })
})

describe('refuses', () => {
  const whole = writeNpy([2, 3], new Float32Array(6))
  const edited = (from: string, to: string) => {
    const text = Buffer.from(whole).toString('latin1').replace(from, to)
    return new Uint8Array(Buffer.from(text, 'latin1'))
  }
  const version = (major: number) => whole.map((byte, i) => (i === 6 ? major : byte))

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'a.npy is no .npy file: save the array with numpy.save'],
    ['a zip', Uint8Array.of(80, 75, 3, 4, 0, 0, 0, 0), 'a.npy is no .npy file: save the array with numpy.save'],
    ['another version', version(4), 'a.npy has version 4 of the .npy format: versions 1 to 3 are known'],
    ['an opening alone', whole.subarray(0, 8), 'a.npy ends within its header: copy the file again'],
    ['half a header', whole.subarray(0, 60), 'a.npy ends within its header: copy the file again'],
    ['a header of 4 GiB', version(2).fill(255, 8, 12), 'a.npy ends within its header: copy the file again'],
    [
      'missing numbers',
      whole.subarray(0, whole.length - 1),
      'a.npy has 23 bytes of numbers, its shape (2, 3) needs 24: copy the file again',
    ],
    [
      'more numbers',
      new Uint8Array([...whole, 0]),
      'a.npy has 25 bytes of numbers, its shape (2, 3) needs 24: copy the file again',
    ],
    ['objects', bytesOf(golden.objects), 'a.npy holds Python objects: save it as an array of numbers'],
    [
      'numbers of 16 bits',
      bytesOf(golden.half),
      'a.npy holds values of type "<f2": save it as one of f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1',
    ],
    [
      'text',
      edited("'<f4'", "'<U1'"),
      'a.npy holds values of type "<U1": save it as one of f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1',
    ],
    [
      'records',
      bytesOf(golden.records),
      "a.npy has a header that cannot be read (\"{'descr': [('a', '<i4'), ('b', '<f8')], …\"): save one array of numbers",
    ],
    [
      'a shape that is none',
      edited('(2, 3)', '(2, x)'),
      "a.npy has a header that cannot be read (\"{'descr': '<f4', 'fortran_order': False,…\"): save one array of numbers",
    ],
  ])('%s', (_, bytes, sentence) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ name: 'FormatError', message: sentence }))
  })
})
