import type { Host } from '../src/service/host.ts'
import { init, kernels } from '../web/index.ts'
import { crewOf } from './pool/crew.ts'

/** Node, for a training. */
export const host: Host = {
  kernels,
  load: (numerics) => init({ numerics }),
  now: () => performance.now(),
  turn: () => new Promise((resume) => setImmediate(resume)),
  crew: crewOf,
}
