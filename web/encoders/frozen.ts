// What the encoders have in common, whichever library runs the model: raw numbers in, rows out.

import { ConfigError, DataError, ShapeError } from '../../src/core/errors.ts'
import type { FrozenEncoder } from '../../src/data/encoder.ts'

/** One input, row-major: as many numbers as the model's input has places, (height, width, channels) of an image. */
export type RawNumbers = ArrayLike<number>

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }

/** Numbers as a model takes them. */
export type Packed = Float32Array | Int32Array | Uint8Array

/** A model of one input and one output, as its library declares and runs it. */
export interface Runnable {
  readonly name: string
  /** Sizes of the input, the batch first; a size that is no positive number is left open. */
  readonly declared: readonly unknown[] | undefined
  /** Sizes of the input without the batch, if the user gave them. */
  readonly shape?: readonly number[]
  readonly type: string
  /** @param sizes of the values, the batch first */
  run(values: Packed, sizes: number[]): Promise<ArrayLike<number>>
}

/** An encoder of a model, its width found by running it once on zeros. @throws ConfigError for a model that cannot be one */
export async function frozen(model: Runnable): Promise<FrozenEncoder<RawNumbers>> {
  const { name, type, run } = model
  const shape = shapeOf(model)
  if (!(type in ARRAYS)) {
    throw new ConfigError(
      `the model of the encoder "${name}" takes ${type}: give one that takes ${Object.keys(ARRAYS).join(', ')}`,
    )
  }
  const kind = type as keyof typeof ARRAYS
  const size = shape.reduce((product, n) => product * n, 1)
  const probe = await run(new ARRAYS[kind](size), [1, ...shape])
  if (typeof probe[0] !== 'number') {
    throw new ConfigError(
      `the model of the encoder "${name}" makes ${probe.length} × ${typeof probe[0]} of an input: give an output of floats`,
    )
  }
  const width = probe.length
  const encodeAtOnce = async (inputs: readonly RawNumbers[]) => {
    const made = await run(pack(name, kind, shape, inputs), [inputs.length, ...shape])
    if (made.length === inputs.length * width) return made
    throw new ShapeError(
      `the encoder "${name}" made ${made.length} numbers of ${inputs.length} inputs: ${width} of each were expected`,
    )
  }
  const most = model.declared?.[0] === 1 ? 1 : Number.POSITIVE_INFINITY
  return {
    name,
    width,
    encode: async (inputs) => {
      const rows = new Float32Array(inputs.length * width)
      for (let at = 0; at < inputs.length; at += most) {
        rows.set(await encodeAtOnce(inputs.slice(at, at + most)), at * width)
      }
      return rows
    },
  }
}

const isSize = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0
const said = (sizes: readonly unknown[]) => sizes.map((n) => (isSize(n) ? n : '?')).join(' × ')

/** The sizes of one input: as the model declares them, what it leaves open as the user says. */
function shapeOf({ name, declared, shape }: Runnable): readonly number[] {
  const own = declared?.slice(1)
  if (isSize(declared?.[0]) && declared[0] !== 1) {
    throw new ConfigError(
      `the model of the encoder "${name}" takes ${declared[0]} inputs at once: give one of a free batch, or of batches of 1`,
    )
  }
  const sizes = shape ?? own
  if (!sizes?.every(isSize)) {
    throw new ConfigError(
      `the model of the encoder "${name}" leaves its input's sizes open (${said(sizes ?? [])}): give them as shape, without the batch`,
    )
  }
  if (own && (own.length !== sizes.length || own.some((n, i) => isSize(n) && n !== sizes[i]))) {
    throw new ConfigError(
      `the model of the encoder "${name}" takes ${said(own)}, its shape is ${said(sizes)}: give a shape that fits`,
    )
  }
  return sizes as readonly number[]
}

function pack(name: string, kind: keyof typeof ARRAYS, shape: readonly number[], inputs: readonly RawNumbers[]): Packed {
  const size = shape.reduce((product, n) => product * n, 1)
  const values = new ARRAYS[kind](inputs.length * size)
  inputs.forEach((input, i) => {
    if (input.length !== size) {
      throw new ShapeError(
        `input ${i} of the encoder "${name}" has ${input.length} numbers: give ${size} (${said(shape)}), row-major`,
      )
    }
    values.set(input, i * size)
    if (kind === 'float32') return
    for (let j = 0; j < size; j++) {
      if (values[i * size + j] !== input[j]) {
        throw new DataError(
          `input ${i} of the encoder "${name}" has ${input[j]} at ${j}: its model takes whole numbers (${kind})`,
        )
      }
    }
  })
  return values
}

/** What an optional package is. @throws ConfigError that says how to get it */
export async function loaded<T>(packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw new ConfigError(`this encoder needs ${packages}, which cannot be loaded (${reasonOf(error)}): npm install ${packages}`)
  }
}

/** The first line of an error, without a full stop. */
export const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String((error as { message?: unknown } | null)?.message ?? error)
  return text.split('\n')[0].replace(/\.$/, '')
}
