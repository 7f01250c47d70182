// Mirror of nn/mlp.ts.

import type { Dense, Window } from '../../nn/dense.ts'
import type { TrainKernels } from '../../wasm/kernels.ts'
import type { Pointer } from '../../wasm/memory.ts'
import type { Drops } from '../dropout.ts'
import { denseGradient, denseInputGradient, throughActivation } from './dense.ts'

/**
 * Gradients of a network into the block at `gradient` (the layout of its parameters).
 * @param dY (B, output): gradient of its output
 * @param x (B, input), hidden: what the forward pass had
 * @param below for the gradient of each hidden layer: layers next to each other need different rooms
 * @param drops what the next layers read in place of hidden ones, and the masks, where the forward pass dropped
 * @returns the gradient before the first layer's activation, for whoever needs that of x
 */
export function mlpGradient(
  kernels: TrainKernels,
  gradient: Pointer,
  dY: Window,
  x: Window,
  layers: readonly Dense[],
  hidden: readonly Window[],
  below: readonly Window[],
  B: number,
  drops?: Drops,
): Window {
  const start = layers[0].weight
  let d = dY
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l]
    const dropped = l > 0 ? drops?.layers.get(hidden[l - 1]) : undefined
    const input = l > 0 ? (dropped?.out ?? hidden[l - 1]) : x
    denseGradient(kernels, gradient + (layer.weight - start), gradient + (layer.bias - start), d, input, layer, B)
    if (l === 0) break
    const dX = below[l - 1]
    denseInputGradient(kernels, dX, d, layer, B, 0, layer.inputs)
    if (dropped) kernels.multiply(dX.at, dX.at, dropped.mask, B * layer.inputs)
    throughActivation(kernels, dX, hidden[l - 1], layers[l - 1], B)
    d = dX
  }
  return d
}
