import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'

/**
 * One step over a student's block. `rate` per step; `decay` per step and parameter (L2 in the gradient for sgd and adam, apart
 * from it for adamw); `clip` the largest norm of a student's gradient, 0 for none.
 */
export interface OptimizerSpec {
  readonly kind: 'sgd' | 'adam' | 'adamw'
  readonly rate: number
  readonly decay: number
  readonly momentum: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly clip: number
}

export const ADAM: OptimizerSpec = {
  kind: 'adam',
  rate: 1e-3,
  decay: 0,
  momentum: 0.9,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clip: 0,
}

/** Running products β₁ᵗ and β₂ᵗ after t steps: multiplied, not raised, so that every host has the same bits. */
export interface Steps {
  beta1t: number
  beta2t: number
}

export const noSteps = (): Steps => ({ beta1t: 1, beta2t: 1 })

/** A student's block and what its optimizer remembers: two moments of the block's layout (sgd uses the first). */
export interface OptimizerState {
  readonly block: Pointer
  readonly first: Pointer
  readonly second: Pointer
  readonly size: number
  steps: Steps
}

/** One step along `gradient`. */
export function optimize(kernels: TrainKernels, spec: OptimizerSpec, state: OptimizerState, gradient: Pointer): void {
  const { block, first, second, size, steps } = state
  if (spec.clip > 0) kernels.clipNorm(gradient, size, spec.clip)
  if (spec.kind === 'sgd') {
    kernels.sgd(block, gradient, first, size, spec.rate, spec.momentum, spec.decay)
    return
  }
  steps.beta1t *= spec.beta1
  steps.beta2t *= spec.beta2
  const stepSize = spec.rate / (1 - steps.beta1t)
  const root = Math.sqrt(1 - steps.beta2t)
  const update = spec.kind === 'adam' ? kernels.adam : kernels.adamw
  const decay = spec.kind === 'adam' ? spec.decay : 1 - spec.rate * spec.decay
  update(
    block,
    gradient,
    first,
    second,
    size,
    stepSize,
    root,
    spec.beta1,
    spec.beta2,
    1 - spec.beta1,
    1 - spec.beta2,
    spec.epsilon,
    decay,
  )
}
