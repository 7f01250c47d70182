// An exported graph beside the model it came from, run by ONNX Runtime Web, which is optional: it is loaded when it is asked for.

import { ConfigError, DataError } from '../src/core/errors.ts'
import type { Inputs } from '../src/data/dataset.ts'
import { type OnnxOptions, onnxInput } from '../src/formats/onnx.ts'
import type { Model } from '../src/fusion/model.ts'
import { createPredictor } from '../web/infer.ts'
import { counted } from './sentences.ts'

/** What the graph says beside what the model says. */
export interface Comparison {
  /** Rows compared: those that have every modality of the graph. */
  readonly rows: number
  /** The largest difference of a probability, or of a value in units of the target's scale. */
  readonly difference: number
}

/** How far a graph may be from its model: the two add in another order, and say tanh and the logistic function differently. */
const TOLERANCE = 1e-6

/** The package that runs graphs. @throws ConfigError when it is not installed */
export async function loadRuntime() {
  try {
    const runtime = await import('onnxruntime-web')
    runtime.env.wasm.numThreads = 1
    runtime.env.logLevel = 'error'
    return runtime
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError('graphs are run by the package onnxruntime-web, which is not installed: npm install onnxruntime-web')
  }
}

/**
 * Predicts the rows of `inputs` that have every modality of the graph, by the graph and by the model it was written from.
 * @param options those that the graph was written with
 * @throws DataError when no row has all of them, or graph and model disagree
 */
export async function checkOnnx(
  { InferenceSession, Tensor }: Awaited<ReturnType<typeof loadRuntime>>,
  file: Uint8Array,
  model: Model,
  { rule, missing = [] }: OnnxOptions,
  inputs: Inputs,
): Promise<Comparison> {
  const used = model.preparations.flatMap((preparation) => {
    const modality = inputs.modalities.find((m) => m.name === preparation.modality)
    return missing.includes(preparation.modality) ? [] : [{ preparation, modality }]
  })
  const rows = Int32Array.from(inputs.ids.keys()).filter((row) => used.every(({ modality }) => modality?.present[row]))
  if (rows.length === 0)
    throw new DataError('no row has all the modalities of the graph: give others, or name those that are --missing')
  const modalities = used.flatMap(({ modality }) => modality ?? [])
  const ours = createPredictor(model, rule).predict({ ids: inputs.ids, modalities }, rows)

  const session = await InferenceSession.create(file, { executionProviders: ['wasm'] })
  // Inputs stand in the order of the model's modalities; their names may differ where a modality has the name of an output.
  const feeds = used.map(({ preparation }, i) => {
    const values = onnxInput(preparation, modalities[i], rows)
    return [session.inputNames[i], new Tensor('float64', values, [rows.length, preparation.columns.length])]
  })
  const results = await session.run(Object.fromEntries(feeds))
  await session.release()
  const theirs = (results.probabilities ?? results.values).data as Float32Array | Float64Array
  const labels = results.label?.data as BigInt64Array | undefined
  const D = ours.outputs.length
  const scale = model.target.task === 'regression' ? model.target.scale : new Float64Array(D).fill(1)
  const difference = ours.values.reduce((most, v, i) => Math.max(most, Math.abs(v - theirs[i]) / scale[i % D]), 0)
  const relabelled = labels ? labels.reduce((n, label, i) => n + (Number(label) === ours.labels?.[i] ? 0 : 1), 0) : 0
  // NaN is no small difference.
  if (!(difference <= TOLERANCE && relabelled === 0)) {
    throw new DataError(
      `the graph does not say what the model says: a difference of ${difference} where ${TOLERANCE} is allowed, ` +
        `${counted(relabelled, 'other label')} among ${counted(rows.length, 'row')}: use the model itself`,
    )
  }
  return { rows: rows.length, difference }
}
