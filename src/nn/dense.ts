import type { InferKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'

/** In the order of the kernels' `kind`. */
export const ACTIVATIONS = ['identity', 'relu', 'tanh', 'sigmoid'] as const
export type Activation = (typeof ACTIVATIONS)[number]

/** The number by which kernels know an activation. */
export const kindOf = (activation: Activation): number => ACTIVATIONS.indexOf(activation)

/** A matrix window: address of its first element and elements from row to row. */
export interface Window {
  readonly at: Pointer
  readonly ld: number
}

/** One layer in a block: addresses of weight (outputs, inputs), row-major, and bias (outputs). */
export interface Dense {
  readonly weight: Pointer
  readonly bias: Pointer
  readonly inputs: number
  readonly outputs: number
  readonly activation: Activation
}

/** y (B, outputs) = act(x (B, inputs) · weightᵀ + bias), into a window of a wider buffer if that is what y is. */
export function dense(kernels: InferKernels, y: Window, x: Window, layer: Dense, B: number): void {
  const { weight, bias, inputs, outputs } = layer
  kernels.gemmNT(y.at, x.at, weight, B, outputs, inputs, y.ld, x.ld, inputs, false)
  kernels.biasActivation(y.at, bias, B, outputs, y.ld, kindOf(layer.activation))
}
