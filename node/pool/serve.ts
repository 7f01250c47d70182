// A worker's side of a pool: it does one job after the other, as it is told.

import { parentPort, workerData } from 'node:worker_threads'
import { expose, type ProxyMethods, releaseProxy, transfer } from 'comlink'
import { endpointOf } from './endpoint.ts'

/** What a worker can be asked, as a pool sees it: nothing but plain data comes and goes. `tell` hears how far the job is. */
export interface Serving<Job, Told, Result> {
  run(job: Job, tell: (told: Told) => void): Promise<Result>
}

/** The same from here: settles when it was heard. */
type Tell<Told> = ((told: Told) => Promise<void>) & ProxyMethods

/** Progress is told at most this often. */
const EVERY_MS = 50

/**
 * Makes this thread a worker of a pool.
 * @param open makes what does its jobs, of what the pool was given; when the first job comes, whose answer can say what is wrong
 * @param moved arrays of a result that go to the pool without a copy
 */
export function serve<Ground, Job, Told, Result>(
  open: (ground: Ground) => Promise<(job: Job) => Generator<Told, Result>>,
  moved: (result: Result) => ArrayBufferLike[] = () => [],
): void {
  if (!parentPort) throw new TypeError('a pool starts its workers: this is no program')
  let opened: ReturnType<typeof open> | undefined
  const serving = {
    async run(job: Job, tell: Tell<Told>): Promise<Result> {
      opened ??= open(workerData)
      const work = (await opened)(job)
      let pause = performance.now() + EVERY_MS
      let last: { told: Told } | undefined
      for (;;) {
        const turn = work.next()
        if (!turn.done) last = { told: turn.value }
        // What is behind a job is told before its result.
        if (last && (turn.done || performance.now() >= pause)) {
          await tell(last.told)
          last = undefined
          pause = performance.now() + EVERY_MS
        }
        if (!turn.done) continue
        tell[releaseProxy]()
        return transfer(turn.value, moved(turn.value))
      }
    },
  }
  expose(serving, endpointOf(parentPort))
}
