import { expect, test } from 'vitest'
import { lz4Frame } from '../../node/lz4.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'

test.each([
  [
    // lz4 1.9.4: -BD --content-size -BX
    '04224d187c405700000000000000a9170000003f6162630300052f640a1a00050f1d000a50616263640a5f1c80da00000000e3e152dd',
    'abcabcabcabcabcabcabcabcabcd\n'.repeat(3),
  ],
  // A stored block, and no checksum.
  ['04224d186040820300008068690a00000000', 'hi\n'],
  ['04224d186040820000000000', ''],
])('a frame holds what was put in: %s', (hex, text) => {
  expect(Buffer.from(lz4Frame(Buffer.from(hex, 'hex'))).toString()).toBe(text)
})

test('a block may repeat what stands in the block before', () => {
  // lz4 1.9.4: -BD -B4
  const frame = Buffer.from(
    'BCJNGERAXiUBAAD/C2FiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6GgD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////zlBsbW5vcAYBAAAP8P////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////+0UHZ3eHl6AAAAAP3w8G8=',
    'base64',
  )
  expect(Buffer.from(lz4Frame(frame)).toString()).toBe(ALPHABET.repeat(5000))
})

test.each([
  ['00000000000000', 'a buffer is no LZ4 frame'],
  ['04224d18604082030000806869', 'an LZ4 frame is cut off'],
  ['04224d1860408203000080686900', 'an LZ4 frame is cut off'],
  ['04224d186040820300000000ffff00000000', 'an LZ4 block points before its beginning'],
])('%s: %s', (hex, sentence) => {
  expect(() => lz4Frame(Buffer.from(hex, 'hex'))).toThrow(sentence)
})
