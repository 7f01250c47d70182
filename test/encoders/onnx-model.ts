// An ONNX file by hand: y = relu(x · w), x of the given sizes, w (4, 3).

import { floats } from './images.ts'

export const WEIGHTS = floats(12, 9)

/** A field of a protobuf message: a whole number, or bytes with their length. */
function field(id: number, value: number | string | Uint8Array): number[] {
  if (typeof value === 'number') return [id << 3, ...varint(value)]
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return [(id << 3) | 2, ...varint(bytes.length), ...bytes]
}
const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)])
const message = (...fields: number[][]) => Uint8Array.from(fields.flat())

const FLOAT = 1
const value = (name: string, sizes: readonly (number | string)[]) => {
  const dims = sizes.map((size) => field(1, message(typeof size === 'number' ? field(1, size) : field(2, size))))
  return message(field(1, name), field(2, message(field(1, message(field(1, FLOAT), field(2, message(...dims)))))))
}
const node = (op: string, inputs: readonly string[], output: string) =>
  message(...inputs.map((name) => field(1, name)), field(2, output), field(4, op))

/** @param sizes the batch first; a name is a size left open */
export function onnxModel(sizes: readonly (number | string)[]): Uint8Array {
  const weights = message(field(1, 4), field(1, 3), field(2, FLOAT), field(8, 'w'), field(9, new Uint8Array(WEIGHTS.buffer)))
  const graph = message(
    field(1, node('MatMul', ['x', 'w'], 'h')),
    field(1, node('Relu', ['h'], 'y')),
    field(2, 'g'),
    field(5, weights),
    field(11, value('x', sizes)),
    field(12, value('y', [sizes[0], 3])),
  )
  return message(field(1, 8), field(7, graph), field(8, message(field(2, 13))))
}
