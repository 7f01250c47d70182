import type { InferKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import type { Source } from './student.ts'

/** A frozen linear layer on one modality, such as PCA: weight (components, features), bias (components). */
export interface Projection {
  readonly modality: number
  /** The extractor it is for, `pca(30)`. */
  readonly name: string
  readonly weight: Float32Array
  readonly bias: Float32Array
}

/** x · weightᵀ + bias for all `rows` of a source: computed once, not once per batch. */
export function project(
  { kernels, memory }: Session<InferKernels>,
  source: Source,
  projection: Projection,
  rows: number,
): Source {
  const width = projection.bias.length
  const at = memory.alloc(4 * rows * width)
  const mark = memory.mark()
  const weight = memory.put(projection.weight)
  kernels.gemmNT(at, source.at, weight, rows, width, source.width, width, source.width, source.width, false)
  kernels.biasActivation(at, memory.put(projection.bias), rows, width, width, 0)
  memory.release(mark)
  return { at, width }
}
