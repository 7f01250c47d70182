// What a training needs of a browser, on any of its threads, and of every other host that has the web's interfaces.

import { base64 } from '../build/inline/train.js'
import { crewBy } from '../src/service/crew.ts'
import type { Host } from '../src/service/host.ts'
import type { Kind, Numerics } from '../src/wasm/shelf.ts'
import { type InitOptions, initOn, inlined } from './kernels.ts'
import { lineTo } from './line.ts'
import { turn } from './turn.ts'
import { jobHand } from './wire.ts'

const shelf = /* @__PURE__ */ inlined({ train: base64 }, { train: () => import('../build/inline/train-relaxed.js') })

/** Kernels of your own hosting in place of those in the code, and fast ones. Not needed otherwise. */
export const init = (options: InitOptions = {}): Promise<void> => initOn(shelf, options)

/** The compiled kernels, which sessions are opened on. @throws ConfigError for those that are not to be had */
export const kernels = (kind: Kind, numerics?: Numerics): WebAssembly.Module => shelf.kernels(kind, numerics)

/** @param start starts a worker of this kind */
export const hostWith = (start: () => Worker): Host => ({
  kernels,
  load: (numerics) => shelf.load(numerics),
  now: () => performance.now(),
  turn,
  crew: crewBy((ground) => jobHand(lineTo(start), ground)),
})
