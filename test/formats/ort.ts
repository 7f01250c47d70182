// ONNX Runtime Web, one thread: what the written graphs are held against.

import { env, InferenceSession, Tensor } from 'onnxruntime-web'
import type { Inputs, Modality } from '../../src/data/dataset.ts'
import { onnxInput } from '../../src/formats/onnx.ts'
import type { Model } from '../../src/fusion/model.ts'

export async function openOnnx(file: Uint8Array): Promise<InferenceSession> {
  env.wasm.numThreads = 1
  env.logLevel = 'error'
  return InferenceSession.create(file, { executionProviders: ['wasm'] })
}

/** What a graph says of these rows, which have the modalities that it reads. */
export async function runOnnx(file: Uint8Array, { preparations }: Model, { modalities }: Inputs, rows: ArrayLike<number>) {
  const session = await openOnnx(file)
  const feeds = preparations.flatMap((preparation, m) => {
    if (!session.inputNames.includes(preparation.modality)) return []
    const values = onnxInput(preparation, modalities[m] as Modality, rows)
    return [[preparation.modality, new Tensor('float64', values, [rows.length, preparation.columns.length])] as const]
  })
  const results = await session.run(Object.fromEntries(feeds))
  await session.release()
  return results
}
