import { MemoryError } from '../core/errors.ts'
import type { InferKernels, TrainKernels } from './kernels.ts'
import { type Memory, stackMemory } from './memory.ts'

/** One instance of the kernels with a memory of its own: the unit of lifetime. Opening one costs about 0.03 ms. */
export interface Session<K extends InferKernels = InferKernels> {
  readonly kernels: K
  readonly memory: Memory
}

const MAX_PAGES = 65536
const PAGE = 65536

/** What sessions may take at most, by their kernels: the host's limit goes where they go. */
const caps = new WeakMap<WebAssembly.Module, number>()

/** Gives every session on these kernels a limit, in bytes. */
export const capMemory = (module: WebAssembly.Module, maxBytes: number): void => void caps.set(module, maxBytes)

/**
 * A session on the kernels of infer.wasm (or train.wasm).
 * @param maxBytes cap on its memory, at most 4 GiB; the kernels' own (`capMemory`) when left out
 * @throws MemoryError when the host gives no memory to begin with
 */
export function openSession(module: WebAssembly.Module, maxBytes: number = caps.get(module) ?? MAX_PAGES * PAGE): Session {
  const memory = newMemory(Math.min(MAX_PAGES, Math.ceil(maxBytes / PAGE)))
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  const kernels = instance.exports as InferKernels
  // An address comes signed from WASM.
  return { kernels, memory: stackMemory(memory, kernels.heapBase() >>> 0, maxBytes) }
}

/** A session on the kernels of train.wasm. @param maxBytes as in `openSession` */
export function openTrainSession(module: WebAssembly.Module, maxBytes?: number): Session<TrainKernels> {
  return openSession(module, maxBytes) as Session<TrainKernels>
}

function newMemory(maximum: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 16, maximum })
  } catch {
    throw new MemoryError(
      'the host gives no WebAssembly memory: raise its limit on memory and addresses (ulimit -v), or drop sessions no longer used',
    )
  }
}
