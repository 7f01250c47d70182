import type { Worker } from 'node:worker_threads'
import { Death } from '../../src/service/pool.ts'
import type { Line } from '../../web/wire.ts'
import { endpointOf } from './endpoint.ts'

/** A worker thread, seen from who started it. */
export function lineTo(worker: Worker): Line {
  const death = new Promise<Death>((resolve) => {
    worker.on('error', (error) => resolve(new Death(`of "${error.message}"`)))
    worker.on('exit', (code) => resolve(new Death(`it stopped with code ${code}`)))
  })
  return { endpoint: endpointOf(worker), ready: Promise.resolve(), death, end: () => worker.terminate() }
}
