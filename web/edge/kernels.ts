// Kernels at the edge, where nothing may be compiled: they are imported as modules.

import { ConfigError } from '../../src/core/errors.ts'
import { type Kind, type Shelf, shelfOf } from '../../src/wasm/shelf.ts'

/** A session's memory: an isolate has 128 MiB for everything. */
const MAX_BYTES = 96 * 2 ** 20

export interface InitOptions {
  /** Kernels to take in place of those that came with the door: infer.wasm or train.wasm of this version, as a module. */
  readonly wasm?: WebAssembly.Module | readonly WebAssembly.Module[]
  /** `fast` is `exact` at the edge. */
  readonly numerics?: 'exact' | 'fast'
}

/** Fast kernels would be one more module in every bundle: they are not offered here. */
export const hasRelaxedSimd = (): boolean => false

export const imported = (kind: Kind, module: WebAssembly.Module): Shelf =>
  shelfOf({ exact: { [kind]: () => module }, hasRelaxedSimd, maxBytes: MAX_BYTES })

/** @throws ConfigError for what is no module; FormatError for one that is not ours */
export async function initOn(shelf: Shelf, { wasm, numerics = 'exact' }: InitOptions): Promise<void> {
  for (const module of wasm === undefined ? [] : [wasm].flat()) {
    if (!(module instanceof WebAssembly.Module)) {
      throw new ConfigError('init was given no WebAssembly module: at the edge nothing may be compiled, so import the .wasm file')
    }
    shelf.add(module)
  }
  await shelf.load(numerics)
}
