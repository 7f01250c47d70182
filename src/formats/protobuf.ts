// Protocol buffers, as much as writing a file takes: varints and length-delimited fields.
// Specification: protobuf.dev, "Encoding".

/** Fields one behind the other, in pieces, so that what is large is copied once, by `encoded`. */
export interface Message {
  readonly pieces: readonly Uint8Array[]
  readonly bytes: number
}

const VARINT = 0
const DELIMITED = 2

/** Several messages' fields as those of one. */
export const message = (...parts: readonly Message[]): Message => ({
  pieces: parts.flatMap((part) => part.pieces),
  bytes: parts.reduce((bytes, part) => bytes + part.bytes, 0),
})

/** A field of a whole number from 0 to 2⁵³ - 1. */
export const number = (field: number, value: number): Message => piece([...varint(8 * field + VARINT), ...varint(value)])

/** A field of text (UTF-8), bytes or a message. */
export function delimited(field: number, value: string | Uint8Array | Message): Message {
  const content = typeof value === 'string' ? new TextEncoder().encode(value) : value
  const inner = 'pieces' in content ? content : { pieces: [content], bytes: content.length }
  return message(piece([...varint(8 * field + DELIMITED), ...varint(inner.bytes)]), inner)
}

/** The bytes of a message. */
export function encoded({ pieces, bytes }: Message): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes)
  let at = 0
  for (const part of pieces) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const piece = (bytes: readonly number[]): Message => ({ pieces: [Uint8Array.from(bytes)], bytes: bytes.length })

/** Seven bits to a byte, lowest first; all but the last byte have their highest bit set. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return [...bytes, rest]
}
