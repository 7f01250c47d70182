// The kernels' types come from the compiler: a changed signature is a type error at each call.

import type { instantiate as instantiateInfer } from '../../build/infer.js'
import type { instantiate as instantiateTrain } from '../../build/train.js'

/** What infer.wasm exports. */
export type InferKernels = Awaited<ReturnType<typeof instantiateInfer>>

/** What train.wasm exports: InferKernels and the kernels only learning needs. */
export type TrainKernels = Awaited<ReturnType<typeof instantiateTrain>>
