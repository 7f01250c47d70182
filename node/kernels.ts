import { readFileSync } from 'node:fs'
import { ConfigError } from '../src/core/errors.ts'

/**
 * How kernels round: `exact`, the same bits on every host, or `fast`, by relaxed SIMD, whose bits depend on the processor.
 * Where the host has no relaxed SIMD, `fast` is `exact`.
 */
export type Numerics = 'exact' | 'fast'

/** What is to be said where `fast` was asked for and is not to be had. */
export const NOT_FAST = 'this host has no relaxed SIMD (Node 22 has), so numerics are exact'

const bytesOf = (name: string) => readFileSync(new URL(`../build/${name}.wasm`, import.meta.url))

/** Whether this host has what `fast` needs. */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(bytesOf('infer-relaxed'))

/** @throws ConfigError unless it is one of the two */
export function checkNumerics(value: unknown): Numerics {
  if (value === 'exact' || value === 'fast') return value
  throw new ConfigError(`numerics is ${JSON.stringify(value)}: give "exact" or "fast"`)
}

const compiled = new Map<string, WebAssembly.Module>()

/** The compiled kernels, from the file beside the library; compiled once a process. @throws ConfigError for unknown numerics */
export function kernels(which: 'infer' | 'train', numerics: Numerics = 'exact'): WebAssembly.Module {
  const name = checkNumerics(numerics) === 'fast' && hasRelaxedSimd() ? `${which}-relaxed` : which
  const known = compiled.get(name)
  if (known) return known
  const module = new WebAssembly.Module(bytesOf(name))
  compiled.set(name, module)
  return module
}
