// What the page of browser.test.ts runs: it encodes, trains a fusion and says what came out.

import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { encodeModality } from '../../src/data/encoder.ts'
import { writeModel } from '../../src/formats/model-file.ts'
import { trainModel } from '../../src/recipe/recipe.ts'
import { onnxEncoder } from '../../web/encoders/onnx.ts'
import { tfjsEncoder } from '../../web/encoders/tfjs.ts'
import { CONFIG, floats, network, SPLITS, studyOf, subjects } from './images.ts'
import { onnxModel } from './onnx-model.ts'

/** What came out, as the test takes it. */
export interface Said {
  readonly isolated: boolean
  readonly images: readonly number[]
  readonly onnx: readonly number[]
  readonly model: readonly number[]
}

/** What is asked of Node and of the page alike. @param paths where a page finds the wasm files */
export async function work(
  module: WebAssembly.Module,
  paths?: { readonly tfjs: string; readonly ort: string },
): Promise<Omit<Said, 'isolated'>> {
  const made = subjects()
  const encoder = await tfjsEncoder({ name: 'bars-v1', model: () => network(tf, layers), wasmPaths: paths?.tfjs })
  const scan = await encodeModality('scan', encoder, made.images)
  const run = trainModel(module, studyOf(made, scan), SPLITS, CONFIG)
  let turn = run.next()
  while (!turn.done) turn = run.next()
  const onnx = await onnxEncoder({ name: 'mlp-v1', model: onnxModel(['batch', 4]), wasmPaths: paths?.ort })
  return {
    images: [...(await encoder.encode(made.images))],
    onnx: [...(await onnx.encode([floats(4, 1), floats(4, 2)]))],
    model: [...writeModel(turn.value.model)],
  }
}
