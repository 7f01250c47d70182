import { MemoryError } from '../core/errors.ts'
import type { InferKernels, TrainKernels } from './kernels.ts'
import { type Memory, stackMemory } from './memory.ts'

/** One instance of the kernels with a memory of its own: the unit of lifetime. Opening one costs about 0.03 ms. */
export interface Session<K extends InferKernels = InferKernels> {
  readonly kernels: K
  readonly memory: Memory
}

const MAX_PAGES = 65536

/**
 * A session on the kernels of infer.wasm (or train.wasm).
 * @param maxBytes cap on its memory, at most 4 GiB
 * @throws MemoryError when the host gives no memory to begin with
 */
export function openSession(module: WebAssembly.Module, maxBytes: number = MAX_PAGES * 65536): Session {
  const memory = newMemory()
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  const kernels = instance.exports as InferKernels
  // An address comes signed from WASM.
  return { kernels, memory: stackMemory(memory, kernels.heapBase() >>> 0, maxBytes) }
}

/** A session on the kernels of train.wasm. @param maxBytes cap on its memory, at most 4 GiB */
export function openTrainSession(module: WebAssembly.Module, maxBytes?: number): Session<TrainKernels> {
  return openSession(module, maxBytes) as Session<TrainKernels>
}

function newMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES })
  } catch {
    throw new MemoryError(
      'the host gives no WebAssembly memory: raise its limit on memory and addresses (ulimit -v), or drop sessions no longer used',
    )
  }
}
