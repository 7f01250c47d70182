// The large door: the small one, and what only learning needs.

export * from './infer'

export { activationGradient } from './activation'
export { dropoutMask, multiply } from './dropout'
export { addProducts, backTransform, finishCovariance, implicitQL, sortEigen, tridiagonalize } from './eigen'
export { gemmNN, gemmTN } from './gemm'
export { kmeans1d } from './kmeans'
export { addGradient, addGradientLabels, crossEntropy, crossEntropyLabels, logLossLabels, squaredError } from './loss'
export { consensus, spread } from './mutual'
export { adam, adamw, clipNorm, sgd } from './optimizer'
export { normals, permutation, uniforms } from './random'
export { columnMoments, columnSums, dot, standardize } from './reduce'
export { combine64, dot64, narrow64, widen64 } from './wide'
