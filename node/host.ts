import { Worker } from 'node:worker_threads'
import { crewBy } from '../src/service/crew.ts'
import type { Host } from '../src/service/host.ts'
import { init, kernels } from '../web/host.ts'
import { jobHand } from '../web/wire.ts'
import { lineTo } from './pool/line.ts'

/** A thread that does whatever a training needs. A program that Node was given as text has an argument that no thread takes. */
export function startWorker(): Worker {
  const given = process.execArgv.some((argument) => argument.startsWith('--input-type'))
  return new Worker(new URL('./worker.js', import.meta.url), given ? { execArgv: [] } : {})
}

/** Node, for a training. */
export const host: Host = {
  kernels,
  load: (numerics) => init({ numerics }),
  now: () => performance.now(),
  turn: () => new Promise((resume) => setImmediate(resume)),
  crew: crewBy((ground) => jobHand(lineTo(startWorker()), ground)),
}
