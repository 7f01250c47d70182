// Which compiled kernels there are: what the host has of its own, and what it was given.

import { ConfigError, FormatError } from '../core/errors.ts'
import type { InferKernels, TrainKernels } from './kernels.ts'
import { capMemory, openSession } from './session.ts'

/**
 * How kernels round: `exact`, the same bits on every host, or `fast`, by relaxed SIMD, whose bits depend on the processor.
 * Where relaxed SIMD is not to be had, `fast` is `exact`.
 */
export type Numerics = 'exact' | 'fast'

/** What is to be said where `fast` was asked for and is not to be had. */
export const NOT_FAST = 'relaxed SIMD is not to be had here (Node 22 and browsers have it), so numerics are exact'

/** Kernels that predict, or those and what only learning needs. */
export type Kind = 'infer' | 'train'

/** What a host has of its own. Kernels that train predict, too, so one kind can do for both. */
export interface Stock {
  readonly exact: { readonly [kind in Kind]?: () => WebAssembly.Module }
  /** What has to be loaded first. */
  readonly fast?: { readonly [kind in Kind]?: () => Promise<WebAssembly.Module> }
  readonly hasRelaxedSimd: () => boolean
  /** The most memory of a session on them, in bytes. */
  readonly maxBytes?: number
}

export interface Shelf {
  /**
   * Compiled kernels.
   * @throws ConfigError for unknown numerics, for fast ones before they are loaded, for training where only prediction is to be had
   */
  kernels(kind: Kind, numerics?: Numerics): WebAssembly.Module
  /** Puts kernels there, which are taken from then on. @throws FormatError unless they are ours */
  add(module: WebAssembly.Module): void
  /** Loads fast kernels, if the host can run them. */
  load(numerics: Numerics): Promise<void>
}

/** @throws ConfigError unless it is one of the two */
export function checkNumerics(value: unknown): Numerics {
  if (value === 'exact' || value === 'fast') return value
  throw new ConfigError(`numerics is ${JSON.stringify(value)}: give "exact" or "fast"`)
}

/** What kernels are known by, and those that train. */
const OURS = ['heapBase', 'relaxed', 'gemmNT'] satisfies (keyof InferKernels)[]
const TRAINS = 'adamw' satisfies keyof TrainKernels

export function shelfOf({ exact, fast = {}, hasRelaxedSimd, maxBytes }: Stock): Shelf {
  const known = new Map<string, WebAssembly.Module>()
  const nameOf = (kind: Kind, numerics: Numerics) => `${kind} ${numerics}`
  const numericsOf = (asked: unknown): Numerics => (checkNumerics(asked) === 'fast' && hasRelaxedSimd() ? 'fast' : 'exact')

  function put(kind: Kind, numerics: Numerics, module: WebAssembly.Module): WebAssembly.Module {
    known.set(nameOf(kind, numerics), module)
    if (maxBytes !== undefined) capMemory(module, maxBytes)
    return module
  }

  function kernels(kind: Kind, asked: Numerics = 'exact'): WebAssembly.Module {
    const numerics = numericsOf(asked)
    const there = known.get(nameOf(kind, numerics))
    if (there) return there
    if (kind === 'infer' && (known.has(nameOf('train', numerics)) || !exact.infer)) return kernels('train', numerics)
    if (numerics === 'fast') throw new ConfigError('fast kernels are not loaded: await init({ numerics: "fast" }) first')
    const compile = exact[kind]
    if (compile) return put(kind, numerics, compile())
    throw new ConfigError(
      'there are kernels for prediction alone: give init the bytes of train.wasm, or import from "metafusion"',
    )
  }

  return {
    kernels,
    add(module) {
      const has = new Set(WebAssembly.Module.exports(module).map(({ name }) => name))
      if (!OURS.every((name) => has.has(name))) {
        throw new FormatError(
          'the WebAssembly given to init has other exports: give infer.wasm or train.wasm of this version of metafusion',
        )
      }
      const { kernels: own } = openSession(module)
      put(has.has(TRAINS) ? 'train' : 'infer', own.relaxed() ? 'fast' : 'exact', module)
    },
    async load(asked) {
      if (numericsOf(asked) !== 'fast') return
      const kinds = (Object.keys(fast) as Kind[]).filter((kind) => !known.has(nameOf(kind, 'fast')))
      await Promise.all(kinds.map(async (kind) => put(kind, 'fast', await (fast[kind] as () => Promise<WebAssembly.Module>)())))
    },
  }
}
