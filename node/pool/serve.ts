import { parentPort } from 'node:worker_threads'
import { answer, jobDesk } from '../../web/serve.ts'
import { endpointOf } from './endpoint.ts'

/**
 * Makes this thread a worker of a pool.
 * @param open makes what does its jobs, of what the pool was given
 */
export function serve<Ground, Job, Told, Result>(open: (ground: Ground) => Promise<(job: Job) => Generator<Told, Result>>): void {
  if (!parentPort) throw new TypeError('a pool starts its workers: this is no program')
  answer(endpointOf(parentPort), jobDesk(open))
}
