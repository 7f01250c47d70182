/**
 * Encoders that are ONNX models, run by onnxruntime-web: in Node and in browsers.
 * @module
 */

import { ConfigError } from '../../src/core/errors.ts'
import type { FrozenEncoder } from '../../src/data/encoder.ts'
import { frozen, loaded, type Packed, type RawNumbers, reasonOf } from './frozen.ts'

export type { FrozenEncoder } from '../../src/data/encoder.ts'
export type { RawNumbers } from './frozen.ts'

/** A session of onnxruntime-web, as far as an encoder needs it. */
export interface OnnxSession {
  readonly outputNames: readonly string[]
  readonly inputMetadata: readonly {
    readonly name: string
    readonly isTensor: boolean
    readonly type?: string
    readonly shape?: readonly unknown[]
  }[]
  run(feeds: object): Promise<object>
}

export interface OnnxEncoderOptions {
  /** With its version, if it has one: a model takes only rows of the encoder that it was trained on. */
  readonly name: string
  /** The bytes of an ONNX file, its address (in Node its path), or a session that has it open. */
  readonly model: Uint8Array | string | OnnxSession
  /** Which input is encoded. Default: the only one. */
  readonly input?: string
  /** Which output is the rows. Default: the first. */
  readonly output?: string
  /** Sizes of one input, for a model that leaves them open: `[3, 224, 224]`. */
  readonly shape?: readonly number[]
  /**
   * Where the wasm files of onnxruntime-web are: their folder with a `/` at its end, or the address of each. Node finds them; a page
   * is to serve them. Means nothing once a session is open.
   */
  readonly wasmPaths?: string | { readonly wasm?: string; readonly mjs?: string }
}

/**
 * An encoder of an ONNX model, on one thread unless `env.wasm.numThreads` of onnxruntime-web/wasm has been set. The numbers are those
 * of onnxruntime, and so are their bits.
 * @throws ConfigError when onnxruntime-web is not installed or does not open the model, or the model has another input than one
 * tensor, sizes left open, or no output of the name
 */
export async function onnxEncoder({
  name,
  model,
  input,
  output,
  shape,
  wasmPaths,
}: OnnxEncoderOptions): Promise<FrozenEncoder<RawNumbers>> {
  const ort = await loaded('onnxruntime-web', () => import('onnxruntime-web/wasm'))
  const session = typeof model === 'string' || ArrayBuffer.isView(model) ? await opened(ort, name, model, wasmPaths) : model
  const taken = takenBy(name, session, input)
  const made = output ?? session.outputNames[0]
  if (!session.outputNames.includes(made)) {
    throw new ConfigError(
      `the model of the encoder "${name}" has no output "${made}": there are ${session.outputNames.join(', ')}`,
    )
  }
  const run = async (values: Packed, sizes: number[]) => {
    const tensor = new ort.Tensor(taken.type, values, sizes)
    try {
      const outputs = (await session.run({ [taken.name]: tensor })) as Record<string, { readonly data: ArrayLike<number> }>
      return outputs[made].data
    } catch (error) {
      throw new ConfigError(`the model of the encoder "${name}" does not run: ${reasonOf(error)}`)
    }
  }
  return frozen({ name, declared: taken.shape, shape, type: taken.type, run })
}

type Ort = typeof import('onnxruntime-web/wasm')

async function opened(
  { env, InferenceSession }: Ort,
  name: string,
  model: Uint8Array | string,
  wasmPaths: OnnxEncoderOptions['wasmPaths'],
): Promise<OnnxSession> {
  env.wasm.numThreads ??= 1
  if (wasmPaths !== undefined) env.wasm.wasmPaths = wasmPaths
  try {
    return await (typeof model === 'string' ? InferenceSession.create(model) : InferenceSession.create(model))
  } catch (error) {
    throw new ConfigError(
      `onnxruntime-web does not open the model of the encoder "${name}" (${reasonOf(error)}): give an ONNX file, and in a page the ` +
        'folder of its wasm files as wasmPaths',
    )
  }
}

/** The input that is encoded; the others are not given, so there may be none. */
function takenBy(name: string, { inputMetadata }: OnnxSession, input: string | undefined) {
  const [only, ...others] = inputMetadata.filter((each) => input === undefined || each.name === input)
  if (only?.isTensor && others.length === 0) {
    return { name: only.name, type: only.type as 'float32', shape: only.shape }
  }
  const names = inputMetadata.map((each) => each.name).join(', ')
  throw new ConfigError(
    `the model of the encoder "${name}" takes ${names}: ` +
      (input === undefined ? 'give the name of one of these tensors as input' : `"${input}" is to be one of these tensors`),
  )
}
