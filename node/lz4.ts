// The frames of LZ4, in which Feather files are compressed unless they are asked not to be.
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md

import { FormatError } from '../src/core/errors.ts'

const MAGIC = 0x184d2204

/** The bytes that a frame holds; its checksums are not looked at. @throws FormatError when it is none, or cut off */
export function lz4Frame(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  if (input.length < 7 || view.getUint32(0, true) !== MAGIC) throw new FormatError('a buffer is no LZ4 frame')
  const [flags, size] = [input[4], input[5]]
  const most = 2 ** (8 + 2 * ((size >> 4) & 7)) // of one block
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)
  let out = new Uint8Array(most)
  let length = 0
  for (;;) {
    if (at + 4 > input.length) throw cutOff()
    const head = view.getUint32(at, true)
    if (head === 0) return out.slice(0, length)
    const block = input.subarray(at + 4, at + 4 + (head & 0x7fffffff))
    at += 4 + (head & 0x7fffffff) + (flags & 16 ? 4 : 0)
    if (at > input.length) throw cutOff()
    if (out.length < length + most) {
      const more = new Uint8Array(2 * (length + most))
      more.set(out)
      out = more
    }
    if (head >>> 31) {
      out.set(block, length)
      length += block.length
    } else length = unpack(block, out, length)
  }
}

const cutOff = () => new FormatError('an LZ4 frame is cut off')

/** One block; it may repeat what stands before it. @returns where the output ends */
function unpack(block: Uint8Array, out: Uint8Array, end: number): number {
  let at = 0
  /** A length of four bits, and bytes that go on where those are full. */
  const lengthOf = (bits: number): number => {
    let length = bits
    if (bits === 15) for (let byte = 255; byte === 255; length += byte) byte = block[at++]
    return length
  }
  while (at < block.length) {
    const token = block[at++]
    const literals = lengthOf(token >> 4)
    out.set(block.subarray(at, at + literals), end)
    at += literals
    end += literals
    if (at >= block.length) break // the last sequence is literals alone
    const offset = block[at] | (block[at + 1] << 8)
    at += 2
    if (offset === 0 || offset > end) throw new FormatError('an LZ4 block points before its beginning')
    for (let left = lengthOf(token & 15) + 4; left > 0; left--, end++) out[end] = out[end - offset]
  }
  return end
}
