import { type Activation, kindOf } from '../nn/dense.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Memory, Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { sourceBefore } from './extractor.ts'
import type { Source } from './student.ts'

/**
 * A frozen layer on one modality: weight (width, inputs), bias (width). A PCA is one; a frozen network is one for each of its
 * depths, `frozen-sliced(128)` before `frozen-sliced(128,70)`, so that its cuts share what they have in common.
 */
export interface Projection {
  readonly modality: number
  /** The extractor it is for, `pca(30)`. */
  readonly name: string
  readonly weight: Float32Array
  readonly bias: Float32Array
  /** Of a network's layer; none of a PCA. */
  readonly activation?: Activation
}

/** Adds to the sources what frozen layers make of all `rows`, in their order: computed once, not once per batch. */
export function projectAll(
  session: Session<InferKernels>,
  sources: Map<string, Source>,
  projections: readonly Projection[],
  rows: number,
): void {
  for (const projection of projections) {
    const { modality, name } = projection
    const source = sources.get(sourceBefore(modality, name)) as Source
    sources.set(`${modality}:${name}`, project(session, source, projection, rows))
  }
}

/** act(x · weightᵀ + bias) for all `rows` of a source. */
export function project(session: Session<InferKernels>, source: Source, projection: Projection, rows: number): Source {
  const { kernels, memory } = session
  const width = projection.bias.length
  const at = memory.alloc(4 * rows * width)
  const mark = memory.mark()
  runFrozen(kernels, at, source, placeLayer(memory, projection), rows)
  memory.release(mark)
  return { at, width }
}

/** A frozen layer in memory. */
interface Layer {
  readonly weight: Pointer
  readonly bias: Pointer
  readonly width: number
  readonly activation: Activation
}

/** And the source it reads and the one it makes. */
export interface Frozen extends Layer {
  readonly from: string
  readonly to: string
}

const placeLayer = (memory: Memory, { weight, bias, activation = 'identity' }: Projection): Layer => ({
  weight: memory.put(weight),
  bias: memory.put(bias),
  width: bias.length,
  activation,
})

export const placeFrozen = (memory: Memory, projection: Projection): Frozen => ({
  from: sourceBefore(projection.modality, projection.name),
  to: `${projection.modality}:${projection.name}`,
  ...placeLayer(memory, projection),
})

/** out (rows, width) = act(x · weightᵀ + bias) for all `rows` of its source. */
export function runFrozen(kernels: InferKernels, out: Pointer, x: Source, layer: Layer, rows: number): void {
  const { weight, bias, width, activation } = layer
  kernels.gemmNT(out, x.at, weight, rows, width, x.width, width, x.width, x.width, false)
  kernels.biasActivation(out, bias, rows, width, width, kindOf(activation))
}
