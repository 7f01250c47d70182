// Mirror of nn/dense.ts.

import { type Dense, kindOf, type Window } from '../../nn/dense.ts'
import type { TrainKernels } from '../../wasm/kernels.ts'
import type { Pointer } from '../../wasm/memory.ts'

/** Gradient of one layer: dWeight = dYᵀ x, dBias = column sums of dY. dY (B, outputs) is the gradient before the activation. */
export function denseGradient(
  kernels: TrainKernels,
  dWeight: Pointer,
  dBias: Pointer,
  dY: Window,
  x: Window,
  layer: Dense,
  B: number,
): void {
  const { inputs, outputs } = layer
  kernels.gemmTN(dWeight, dY.at, x.at, outputs, inputs, B, inputs, dY.ld, x.ld, false)
  kernels.columnSums(dBias, dY.at, B, outputs, dY.ld)
}

/** dX (B, width) = dY (B, outputs) · weight, for the `width` inputs from `first` on. */
export function denseInputGradient(
  kernels: TrainKernels,
  dX: Window,
  dY: Window,
  layer: Dense,
  B: number,
  first: number,
  width: number,
): void {
  kernels.gemmNN(dX.at, dY.at, layer.weight + 4 * first, B, width, layer.outputs, dX.ld, dY.ld, layer.inputs, false)
}

/** dY *= act'(y): from the gradient after the activation to the one before it. */
export function throughActivation(kernels: TrainKernels, dY: Window, y: Window, layer: Dense, B: number): void {
  kernels.activationGradient(dY.at, y.at, B, layer.outputs, dY.ld, y.ld, kindOf(layer.activation))
}
