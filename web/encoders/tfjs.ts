/**
 * Encoders that are models of TF.js, run by its WebAssembly backend: in Node and in browsers.
 * @module
 */

import { ConfigError } from '../../src/core/errors.ts'
import type { FrozenEncoder } from '../../src/data/encoder.ts'
import { frozen, loaded, type Packed, type RawNumbers, reasonOf } from './frozen.ts'

export type { FrozenEncoder } from '../../src/data/encoder.ts'
export type { RawNumbers } from './frozen.ts'

/** A LayersModel or a GraphModel, as far as an encoder needs it: one input, one output. */
export interface TfjsModel {
  readonly inputs: readonly { readonly shape?: readonly (number | null)[] | null; readonly dtype: string }[]
  predict(inputs: object): unknown
}

export interface TfjsEncoderOptions {
  /** With its version, if it has one: a model takes only rows of the encoder that it was trained on. */
  readonly name: string
  /** The model, or what makes or loads it, called when the backend is ready: `() => loadLayersModel('/model/model.json')`. */
  readonly model: TfjsModel | (() => TfjsModel | Promise<TfjsModel>)
  /** Sizes of one input, for a model that leaves them open: `[224, 224, 3]`. */
  readonly shape?: readonly number[]
  /**
   * Where the .wasm files of @tensorflow/tfjs-backend-wasm are: their folder with a `/` at its end, or the place of each by its
   * name. Node finds them; a page is to serve them. Means nothing once the backend runs.
   */
  readonly wasmPaths?: string | Record<string, string>
}

/**
 * An encoder of a TF.js model. The wasm backend becomes TF.js's backend and is started if it does not run yet, without threads
 * unless the flag WASM_HAS_MULTITHREAD_SUPPORT has been set: with them it never starts in a cross-origin isolated page. The numbers
 * are those of TF.js, and so are their bits.
 * @throws ConfigError when @tensorflow/tfjs-core or -backend-wasm is not installed, the backend does not start, or the model has
 * more than one input or output, sizes left open, or an operation that the backend lacks
 */
export async function tfjsEncoder({
  name,
  model: given,
  shape,
  wasmPaths,
}: TfjsEncoderOptions): Promise<FrozenEncoder<RawNumbers>> {
  const tf = await running(wasmPaths)
  const model = typeof given === 'function' ? await given() : given
  const [input, ...others] = model.inputs
  if (!input || others.length > 0) {
    throw new ConfigError(`the model of the encoder "${name}" has ${model.inputs.length} inputs: give a model of one`)
  }
  const predict = (values: Packed, sizes: number[]) =>
    tf.tidy(() => {
      const output = model.predict(tf.tensor(values, sizes, input.dtype as 'float32' | 'int32'))
      if (output instanceof tf.Tensor) return output
      throw new ConfigError(`the model of the encoder "${name}" has more than one output: give a model of one`)
    })
  const run = async (values: Packed, sizes: number[]) => {
    // The program may have changed to another backend in between.
    if (tf.getBackend() !== 'wasm') await tf.setBackend('wasm')
    const output = refusing(name, () => predict(values, sizes))
    try {
      return await output.data()
    } finally {
      output.dispose()
    }
  }
  return frozen({ name, declared: input.shape ?? undefined, shape, type: input.dtype, run })
}

/** What TF.js refuses to run, as a sentence. */
function refusing<T>(name: string, predict: () => T): T {
  try {
    return predict()
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const reason = reasonOf(error)
    const kernel = /Kernel '(\w+)' not registered/.exec(reason)?.[1]
    throw new ConfigError(
      kernel
        ? `the model of the encoder "${name}" needs the operation ${kernel}, which TF.js's wasm backend lacks: give a model without it`
        : `the model of the encoder "${name}" does not run (${reason}): give one that predicts from a batch of inputs`,
    )
  }
}

/** TF.js takes one start of a backend for failed when another is asked for meanwhile. */
let last: Promise<unknown> = Promise.resolve()

/** TF.js with its wasm backend running. */
async function running(wasmPaths: TfjsEncoderOptions['wasmPaths']) {
  const [tf, wasm] = await loaded('@tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm', () =>
    Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-backend-wasm')]),
  )
  const start = async () => {
    if (!('wasm' in tf.engine().registry)) {
      if (!(THREADS in tf.env().getFlags())) tf.env().set(THREADS, false)
      if (wasmPaths !== undefined) wasm.setWasmPaths(wasmPaths)
    }
    if (!(await tf.setBackend('wasm'))) throw new Error('TF.js says why in the console')
  }
  const turn = last.then(start)
  last = turn.catch(() => {})
  try {
    await turn
  } catch (error) {
    throw new ConfigError(
      `TF.js's wasm backend does not start from ${JSON.stringify(wasmPaths ?? 'where it looks by itself')} (${reasonOf(error)}): ` +
        'give the folder of the .wasm files of @tensorflow/tfjs-backend-wasm as wasmPaths',
    )
  }
  return tf
}

const THREADS = 'WASM_HAS_MULTITHREAD_SUPPORT'
