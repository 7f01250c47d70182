import type { InferKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import { type Activation, type Dense, dense, type Window } from './dense.ts'

/** A chain of layers; widths are input, hidden …, output. Hidden layers use `activation`, the last one is linear unless `last`. */
export interface MlpSpec {
  readonly widths: readonly number[]
  readonly activation: Activation
  readonly last?: Activation
}

/** Names and shapes of its tensors, as PyTorch's Linear has them. */
export function mlpShapes(name: string, { widths }: MlpSpec): [string, number[]][] {
  return widths.slice(1).flatMap((outputs, l): [string, number[]][] => [
    [`${name}.${l}.weight`, [outputs, widths[l]]],
    [`${name}.${l}.bias`, [outputs]],
  ])
}

/** How many parameters it has. */
export const mlpSize = ({ widths }: MlpSpec): number =>
  widths.slice(1).reduce((size, outputs, l) => size + (widths[l] + 1) * outputs, 0)

/** Its layers in a block whose tensors of this network start at `at`. */
export function mlpLayers({ widths, activation, last = 'identity' }: MlpSpec, at: Pointer): Dense[] {
  let p = at
  return widths.slice(1).map((outputs, l) => {
    const inputs = widths[l]
    const weight = p
    const bias = p + 4 * inputs * outputs
    p = bias + 4 * outputs
    return { weight, bias, inputs, outputs, activation: l === widths.length - 2 ? last : activation }
  })
}

/** What the next layer reads in place of a hidden layer that has just been computed on B rows: training's way to intervene. */
export type Between = (hidden: Window, B: number) => Window

/**
 * y (B, output) of x (B, input).
 * @param hidden one window per hidden layer, kept for the backward pass
 */
export function mlp(
  kernels: InferKernels,
  y: Window,
  x: Window,
  layers: readonly Dense[],
  hidden: readonly Window[],
  B: number,
  between?: Between,
): void {
  let input = x
  for (let l = 0; l < layers.length; l++) {
    const output = l < hidden.length ? hidden[l] : y
    dense(kernels, output, input, layers[l], B)
    input = between && output !== y ? between(output, B) : output
  }
}
