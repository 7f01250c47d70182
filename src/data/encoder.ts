// What turns anything into rows: an image model, a text model, a function. It lives with whoever has it; here is how a modality
// is made of what it says, the same way for training and for prediction.

import { ConfigError, DataError, ShapeError } from '../core/errors.ts'
import { type Modality, modality } from './dataset.ts'

/** A function from raw inputs to numbers that nobody trains here. */
export interface FrozenEncoder<Raw> {
  /** With its version, if it has one: a model takes only rows of the encoder that it was trained on. */
  readonly name: string
  /** Numbers it makes of each input. */
  readonly width: number
  /** Rows (inputs, width), row-major, of some inputs at once. */
  encode(inputs: readonly Raw[]): Float32Array | Promise<Float32Array>
}

export interface EncodeOptions {
  /** Inputs that are encoded at once. Default 32. */
  readonly batch?: number
}

/**
 * A modality of what an encoder makes of raw inputs, its features named after the encoder: `clip-vit-b32 0`, `clip-vit-b32 1`, ….
 * @param inputs one per subject, in the order of the ids; undefined where a subject has none, which is then missing, not zero
 * @throws ConfigError for an encoder that cannot be; ShapeError for rows of another width; DataError for a number that is not finite
 */
export async function encodeModality<Raw>(
  name: string,
  encoder: FrozenEncoder<Raw>,
  inputs: readonly (Raw | undefined)[],
  { batch = 32 }: EncodeOptions = {},
): Promise<Modality> {
  const { width } = encoder
  if (!(encoder.name && Number.isInteger(width) && width >= 1)) {
    throw new ConfigError(`the encoder "${encoder.name}" has the width ${width}: give it a name and a whole width from 1 on`)
  }
  if (!(Number.isInteger(batch) && batch >= 1)) {
    throw new ConfigError(`the batch of inputs to encode is ${batch}: give a whole number from 1 on`)
  }
  const known = Array.from(inputs.keys()).filter((row) => inputs[row] !== undefined)
  const values = new Float32Array(inputs.length * width).fill(Number.NaN)
  for (let at = 0; at < known.length; at += batch) {
    const rows = known.slice(at, at + batch)
    const encoded = await encoder.encode(rows.map((row) => inputs[row] as Raw))
    if (encoded.length !== rows.length * width) {
      throw new ShapeError(
        `the encoder "${encoder.name}" made ${encoded.length} numbers of ${rows.length} inputs: ${width} of each were expected`,
      )
    }
    const bad = encoded.findIndex((v) => !Number.isFinite(v))
    if (bad >= 0) {
      throw new DataError(
        `the encoder "${encoder.name}" made ${encoded[bad]} of input ${rows[Math.floor(bad / width)]} of "${name}": ` +
          'correct the input, or give undefined where there is none',
      )
    }
    rows.forEach((row, i) => {
      values.set(encoded.subarray(i * width, (i + 1) * width), row * width)
    })
  }
  const features = Array.from({ length: width }, (_, i) => `${encoder.name} ${i}`)
  return modality(
    name,
    values,
    features,
    Uint8Array.from(inputs, (input) => (input === undefined ? 0 : 1)),
  )
}
