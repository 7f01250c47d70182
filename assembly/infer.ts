// The small door: what a predictor needs.

/** First byte that the host may use; static memory of the kernels lies below. */
export function heapBase(): usize {
  return __heap_base
}

/** Whether this build rounds as the processor likes: what a model says of how it was trained. */
export function relaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD
}

export { biasActivation } from './activation'
export { gatherRows } from './gather'
export { gemmNT } from './gemm'
export { weightedSum } from './reduce'
export { softmax } from './softmax'
