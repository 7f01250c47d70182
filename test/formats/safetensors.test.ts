import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/core/errors.ts'
import { readSafetensors, type Stored, type Tensors, writeSafetensors } from '../../src/formats/safetensors.ts'

const content = (tensors: Record<string, Stored>, metadata: Record<string, string> = {}): Tensors => ({
  metadata,
  tensors: new Map(Object.entries(tensors)),
})

/** A file by hand: a header, and zeros behind it. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const text =
    header instanceof Uint8Array ? header : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + dataBytes)
  new DataView(file.buffer).setUint32(0, text.length, true)
  file.set(text, 8)
  return file
}

const refusing = (file: Uint8Array) => expect(() => readSafetensors(file))

describe('written and read', () => {
  const everything = content(
    {
      floats: { shape: [2, 3], values: Float32Array.of(1, -0, Number.NaN, Infinity, 1e-45, 3.4e38) },
      doubles: { shape: [3], values: Float64Array.of(Math.PI, -0, 5e-324) },
      whole: { shape: [1, 1, 2], values: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
      bytes: { shape: [3], values: Uint8Array.of(0, 255, 7) },
      scalar: { shape: [], values: Float64Array.of(42) },
      'none of it': { shape: [0], values: new Float32Array(0) },
      'none of many': { shape: [4, 0, 2 ** 40], values: new Float64Array(0) },
      'größe "µ" 🧠\n': { shape: [1], values: Float32Array.of(1) },
      7: { shape: [1], values: Uint8Array.of(9) },
    },
    { format: 'x', 'schlüssel 🔑': '{"a": "b"}' },
  )
  const file = writeSafetensors(everything)

  test('every type, shape and name comes back, bit for bit', () => {
    const { metadata, tensors } = readSafetensors(file)
    expect(metadata).toEqual(everything.metadata)
    expect(new Set(tensors.keys())).toEqual(new Set(everything.tensors.keys()))
    for (const [name, { shape, values }] of everything.tensors) {
      const stored = tensors.get(name)
      expect(stored?.shape, name).toEqual(shape)
      expect(stored?.values.constructor, name).toBe(values.constructor)
      expect(Buffer.from(stored!.values.buffer).equals(Buffer.from(values.buffer)), name).toBe(true)
    }
  })

  test('what was read is written as the same bytes', () => {
    expect(Buffer.from(writeSafetensors(readSafetensors(file))).equals(Buffer.from(file))).toBe(true)
  })

  test('a key that names a prototype is a key like any other', () => {
    const names = JSON.parse('{"__proto__": 1, "constructor": 2}')
    const tensors = new Map(Object.keys(names).map((name) => [name, { shape: [1], values: Float32Array.of(names[name]) }]))
    const read = readSafetensors(writeSafetensors({ metadata: JSON.parse('{"__proto__": "text"}'), tensors }))
    expect([...read.tensors.keys()].sort()).toEqual(['__proto__', 'constructor'])
    expect(Object.entries(read.metadata)).toEqual([['__proto__', 'text']])
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })

  test('tensors stand at multiples of their size, behind a header of a multiple of 8 bytes', () => {
    for (let length = 0; length < 9; length++) {
      const odd = content({
        ['n'.repeat(length)]: { shape: [length], values: new Uint8Array(length) },
        d: everything.tensors.get('doubles')!,
      })
      const bytes = writeSafetensors(odd)
      const header = new DataView(bytes.buffer).getUint32(0, true)
      expect(header % 8).toBe(0)
      const described = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header)))
      expect(described.d.data_offsets).toEqual([0, 24])
      expect(readSafetensors(bytes).tensors.get('d')?.values).toEqual(everything.tensors.get('doubles')?.values)
    }
  })

  test('a part of a larger array is written alone', () => {
    const values = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
    const { tensors } = readSafetensors(writeSafetensors(content({ part: { shape: [2], values } })))
    expect(tensors.get('part')?.values).toEqual(Float32Array.of(2, 3))
  })

  test('a file is read where it stands, at any offset and as a Buffer, and what is read is a copy', () => {
    for (const offset of [0, 1, 3]) {
      const place = Buffer.alloc(file.length + 8, 0xff)
      place.set(file, offset)
      const { tensors } = readSafetensors(place.subarray(offset, offset + file.length))
      place.fill(0)
      expect(tensors.get('doubles')?.values).toEqual(everything.tensors.get('doubles')?.values)
    }
  })

  test('a file without metadata and without tensors is a file', () => {
    expect(readSafetensors(fileOf('{}'))).toEqual({ metadata: {}, tensors: new Map() })
    expect(readSafetensors(fileOf('{ }     \n')).tensors.size).toBe(0)
  })

  test('tensors may be described in any order', () => {
    const header = {
      b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] },
      none: { dtype: 'U8', shape: [0], data_offsets: [1, 1] },
      a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
    }
    expect([...readSafetensors(fileOf(header, 3)).tensors.keys()]).toEqual(['a', 'none', 'b'])
  })

  test('a tensor cannot have the name of the metadata', () => {
    expect(() => writeSafetensors(content({ __metadata__: { shape: [0], values: new Uint8Array(0) } }))).toThrow(
      new FormatError('a tensor is named "__metadata__", which is the metadata\'s name: rename it'),
    )
  })
})

describe('a file that lies', () => {
  const u8 = (begin: number, end: number, shape: unknown = [end - begin]) => ({ dtype: 'U8', shape, data_offsets: [begin, end] })
  const claiming = (bytes: number[]) => Uint8Array.from([...bytes, 0x7b, 0x7d])

  test.each<[string, Uint8Array, string]>([
    [
      'is too short for a length',
      new Uint8Array(7),
      'the file has 7 bytes, a safetensors file has at least 8: it is truncated or of another kind',
    ],
    [
      'is empty',
      new Uint8Array(0),
      'the file has 0 bytes, a safetensors file has at least 8: it is truncated or of another kind',
    ],
    [
      'ends inside its header',
      claiming([3, 0, 0, 0, 0, 0, 0, 0]),
      'the header claims 3 bytes and 2 follow: the file is truncated or of another kind',
    ],
    [
      'claims a header of more than 100 MB',
      claiming([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]),
      'the header claims 100000001 bytes, more than the 100000000 allowed: this is no safetensors file',
    ],
    [
      'claims a header of 2⁶⁴ bytes',
      claiming([0, 0, 0, 0, 0, 0, 0, 0x80]),
      'the header claims 9223372036854776000 bytes, more than the 100000000 allowed: this is no safetensors file',
    ],
    [
      'is a CSV file',
      new TextEncoder().encode('id,label\n1,a\n'),
      'the header claims 7810757299310192000 bytes, more than the 100000000 allowed: this is no safetensors file',
    ],
    ['has no header', new Uint8Array(8), 'the header does not begin with "{": this is no safetensors file'],
    ['has a list for a header', fileOf('[]'), 'the header does not begin with "{": this is no safetensors file'],
    ['has blanks before its header', fileOf(' {}'), 'the header does not begin with "{": this is no safetensors file'],
    ['has a header that is no JSON', fileOf('{"a": '), 'the header is not JSON: the file is damaged or of another kind'],
    ['has zeros after its header', fileOf('{}\0\0'), 'the header is not JSON: the file is damaged or of another kind'],
    [
      'has a header that is not UTF-8',
      fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)),
      'the header is not UTF-8: the file is damaged or of another kind',
    ],
    [
      'names a tensor twice',
      fileOf(`{"a":${JSON.stringify(u8(0, 1))},"\\u0061":${JSON.stringify(u8(0, 1))}}`, 1),
      'the header names "a" twice: the file is damaged',
    ],
    [
      'describes a tensor twice over',
      fileOf('{"a":{"dtype":"U8","shape":[1],"shape":[2],"data_offsets":[0,2]}}', 2),
      'the header names "shape" twice: the file is damaged',
    ],
    [
      'has two metadata',
      fileOf('{"__metadata__":{},"__metadata__":{}}'),
      'the header names "__metadata__" twice: the file is damaged',
    ],
    [
      'nests without end',
      fileOf(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
      'the header nests deeper than 3 levels: the file is damaged',
    ],
    [
      'has a list of metadata',
      fileOf({ __metadata__: ['a'] }),
      '__metadata__ in the header is not a map from text to text: the file is damaged',
    ],
    [
      'has a number in its metadata',
      fileOf({ __metadata__: { a: 1 } }),
      '__metadata__ in the header is not a map from text to text: the file is damaged',
    ],
    [
      'has no metadata for its metadata',
      fileOf({ __metadata__: null }),
      '__metadata__ in the header is not a map from text to text: the file is damaged',
    ],
    ['describes a tensor with a number', fileOf({ a: 1 }), 'tensor "a" has no description in the header: the file is damaged'],
    [
      'has a type that is not read',
      fileOf({ a: { ...u8(0, 2), dtype: 'F16' } }, 2),
      'tensor "a" is of type "F16": only F32, F64, I32, I8, U8 can be read',
    ],
    [
      'has a type that is a prototype',
      fileOf({ a: { ...u8(0, 2), dtype: 'constructor' } }, 2),
      'tensor "a" is of type "constructor": only F32, F64, I32, I8, U8 can be read',
    ],
    [
      'has no type',
      fileOf({ a: { shape: [1], data_offsets: [0, 1] } }, 1),
      'tensor "a" is of type nothing: only F32, F64, I32, I8, U8 can be read',
    ],
    [
      'has no shape',
      fileOf({ a: { dtype: 'U8', data_offsets: [0, 1] } }, 1),
      'tensor "a" has the shape nothing: a list of whole numbers was expected',
    ],
    [
      'has a shape below zero',
      fileOf({ a: u8(0, 1, [-1]) }, 1),
      'tensor "a" has the shape [-1]: a list of whole numbers was expected',
    ],
    ['has half a row', fileOf({ a: u8(0, 1, [0.5]) }, 1), 'tensor "a" has the shape [0.5]: a list of whole numbers was expected'],
    [
      'has text for a shape',
      fileOf({ a: u8(0, 1, ['1']) }, 1),
      'tensor "a" has the shape ["1"]: a list of whole numbers was expected',
    ],
    [
      'has a shape beyond what a number holds',
      fileOf({ a: u8(0, 1, [2 ** 53]) }, 1),
      'tensor "a" has the shape [9007199254740992]: a list of whole numbers was expected',
    ],
    [
      'has one offset',
      fileOf({ a: { ...u8(0, 1), data_offsets: [0] } }, 1),
      'tensor "a" has the offsets [0]: a begin and an end were expected',
    ],
    [
      'has text for offsets',
      fileOf({ a: { ...u8(0, 1), data_offsets: '01' } }, 1),
      'tensor "a" has the offsets "01": a begin and an end were expected',
    ],
    [
      'begins before it begins',
      fileOf({ a: { ...u8(0, 1), data_offsets: [-1, 0] } }, 1),
      'tensor "a" has the offsets [-1,0]: a begin and an end were expected',
    ],
    [
      'ends before it begins',
      fileOf({ a: { ...u8(0, 1), data_offsets: [1, 0] } }, 1),
      'tensor "a" has the offsets [1,0]: a begin and an end were expected',
    ],
    [
      'has more bytes than its shape',
      fileOf({ a: u8(0, 3, [2]) }, 3),
      'tensor "a" of shape [2] needs 2 bytes and has 3: the file is damaged',
    ],
    [
      'has fewer bytes than its shape',
      fileOf({ a: { dtype: 'F64', shape: [2, 2], data_offsets: [0, 31] } }, 31),
      'tensor "a" of shape [2,2] needs 32 bytes and has 31: the file is damaged',
    ],
    [
      'has a shape whose product overflows',
      fileOf({ a: u8(0, 1, new Array(20).fill(2 ** 52)) }, 1),
      `tensor "a" of shape [${new Array(20)
        .fill(2 ** 52)
        .join(',')
        .slice(0, 79)}… needs Infinity bytes and has 1: the file is damaged`,
    ],
    [
      'has bytes for nothing',
      fileOf({ a: u8(0, 1, [...new Array(20).fill(2 ** 52), 0]) }, 1),
      `tensor "a" of shape [${new Array(20)
        .fill(2 ** 52)
        .join(',')
        .slice(0, 79)}… needs 0 bytes and has 1: the file is damaged`,
    ],
    [
      'has a hole before its first tensor',
      fileOf({ a: u8(4, 8) }, 8),
      'tensor "a" starts at byte 4 where 0 was expected: tensors must follow each other without holes or overlap',
    ],
    [
      'has a hole between two tensors',
      fileOf({ a: u8(0, 4), b: u8(5, 6) }, 6),
      'tensor "b" starts at byte 5 where 4 was expected: tensors must follow each other without holes or overlap',
    ],
    [
      'has tensors that overlap',
      fileOf({ a: u8(0, 4), b: u8(3, 6) }, 6),
      'tensor "b" starts at byte 3 where 4 was expected: tensors must follow each other without holes or overlap',
    ],
    [
      'has two tensors in one place',
      fileOf({ a: u8(0, 4), b: u8(0, 4) }, 4),
      'tensor "b" starts at byte 0 where 4 was expected: tensors must follow each other without holes or overlap',
    ],
    ['ends inside a tensor', fileOf({ a: u8(0, 4) }, 3), 'tensor "a" ends at byte 4 and the data has 3: the file is truncated'],
    [
      'has a tensor far beyond its end',
      fileOf({ a: u8(0, 2 ** 52) }, 4),
      'tensor "a" ends at byte 4503599627370496 and the data has 4: the file is truncated',
    ],
    ['goes on after its tensors', fileOf({ a: u8(0, 4) }, 6), '2 bytes follow the last tensor: the file is damaged'],
    [
      'has a name of many lines',
      fileOf({ 'a\nb\u001b[31m': u8(0, 4) }, 3),
      'tensor "a\\nb\\u001b[31m" ends at byte 4 and the data has 3: the file is truncated',
    ],
    [
      'has a name without end',
      fileOf({ ['x'.repeat(1000)]: 1 }),
      `tensor "${'x'.repeat(79)}… has no description in the header: the file is damaged`,
    ],
  ])('%s', (_, file, sentence) => {
    refusing(file).toThrow(new FormatError(sentence))
  })

  test('that is cut anywhere is refused as truncated', () => {
    const file = writeSafetensors(content({ a: { shape: [5], values: new Float32Array(5) } }, { k: 'v' }))
    for (let length = 0; length < file.length; length++) refusing(file.subarray(0, length)).toThrow(/truncated/)
  })
})
