import { readFileSync } from 'node:fs'

const compiled = new Map<string, WebAssembly.Module>()

/** The compiled kernels, from the file beside the library; compiled once a process. */
export function kernels(which: 'infer' | 'train'): WebAssembly.Module {
  const known = compiled.get(which)
  if (known) return known
  const module = new WebAssembly.Module(readFileSync(new URL(`../build/${which}.wasm`, import.meta.url)))
  compiled.set(which, module)
  return module
}
