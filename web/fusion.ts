/// <reference lib="esnext.disposable" preserve="true" />

import { type DeskHand, type FusionCalls, type FusionOptions, fusionOn } from '../src/service/fusion.ts'

export type { FusionCalls, FusionOptions, WorkerLike } from '../src/service/fusion.ts'

/** Calls, and `using`. */
export interface Fusion extends FusionCalls, Disposable {}

/** A fusion that `using` can end. */
export function disposable(start: () => DeskHand, { workers }: FusionOptions): Fusion {
  const fusion = fusionOn(start, workers)
  // Where the host has no such symbol yet, nobody can ask for it.
  return Object.assign(fusion, { [Symbol.dispose]: fusion.dispose })
}
