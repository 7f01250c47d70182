// Jobs on worker threads: each worker does one after the other. What a job gives does not depend on how many workers there are.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { proxy, wrap } from 'comlink'
import { MemoryError } from '../../src/core/errors.ts'
import type { Signal } from '../../src/service/host.ts'
import { endpointOf } from './endpoint.ts'
import type { Serving } from './serve.ts'

/** Workers unless asked otherwise: the processors at hand. */
export const DEFAULT_WORKERS = availableParallelism()

/** A job that so many workers died of is not begun again. */
const DEATHS = 3

export interface PoolSpec<Job> {
  /** The module of the workers, which calls `serve`. */
  readonly file: URL
  /** The most workers. One is started when there is a job for it, and kept for the next ones. */
  readonly size: number
  /** What every worker is given once: plain data. */
  readonly ground: unknown
  /** What a job is called if its workers die. */
  readonly name: (job: Job) => string
  /** Stops all workers at once. */
  readonly signal?: Signal
}

/** What is heard of jobs, by their place. */
export interface Watch<Told, Result> {
  readonly told?: (place: number, told: Told) => void
  readonly done?: (place: number, result: Result) => void
}

export interface Pool<Job, Told, Result> {
  /**
   * Does jobs; another run begins when this one is over.
   * @param jobs plain data. A job whose worker dies is done again by another one
   * @returns results in the order of the jobs
   * @throws a job's error, as an Error of its name; the signal's reason; MemoryError when three workers died of a job. The pool is
   * closed then.
   */
  run(jobs: readonly Job[], watch?: Watch<Told, Result>): Promise<Result[]>
  /** Stops the workers, whatever they do. */
  close(): Promise<void>
}

/** A worker, and the end of it. */
interface Hand<Job, Told, Result> {
  readonly worker: Worker
  readonly serving: Serving<Job, Told, Result>
  readonly death: Promise<Death>
}

/** Why a worker is no more. */
class Death {
  readonly cause: string
  constructor(cause: string) {
    this.cause = cause
  }
}

export function openPool<Job, Told, Result>({ file, size, ground, name, signal }: PoolSpec<Job>): Pool<Job, Told, Result> {
  const hands: (Hand<Job, Told, Result> | undefined)[] = []
  let closed = false

  async function close(): Promise<void> {
    closed = true
    await Promise.all(hands.map((hand) => hand?.worker.terminate()))
  }

  /** One job by the worker of a place, or by the next ones there. */
  async function done(at: number, job: Job, tell: (told: Told) => void): Promise<Result> {
    for (let deaths = 1; ; deaths++) {
      hands[at] ??= started(file, ground)
      const { serving, death } = hands[at]
      // Nobody answers for a worker that is dead.
      const end = await Promise.race([serving.run(job, proxy(tell)), death])
      if (!(end instanceof Death)) return end
      hands[at] = undefined
      if (closed) throw new Error('the pool is closed')
      if (deaths < DEATHS) continue
      throw new MemoryError(
        `${DEATHS} workers died of ${name(job)}, the last one because ${end.cause}: use fewer workers, or give the process more memory`,
      )
    }
  }

  async function run(jobs: readonly Job[], watch: Watch<Told, Result> = {}): Promise<Result[]> {
    const results: Result[] = new Array(jobs.length)
    const waiting = [...jobs.keys()]
    const lane = async (at: number) => {
      for (let place = waiting.shift(); place !== undefined && !closed; place = waiting.shift()) {
        const mine = place
        results[mine] = await done(at, jobs[mine], (told) => watch.told?.(mine, told))
        watch.done?.(mine, results[mine])
      }
    }
    let stop = () => {}
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal?.reason)
    })
    signal?.addEventListener('abort', stop)
    try {
      signal?.throwIfAborted()
      const lanes = Array.from({ length: Math.min(size, jobs.length) }, (_, at) => lane(at))
      await Promise.race([stopped, Promise.all(lanes)])
      return results
    } catch (error) {
      await close()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  return { run, close }
}

function started<Job, Told, Result>(file: URL, workerData: unknown): Hand<Job, Told, Result> {
  const worker = new Worker(file, { workerData })
  const death = new Promise<Death>((resolve) => {
    worker.on('error', (error) => resolve(new Death(`of "${error.message}"`)))
    worker.on('exit', (code) => resolve(new Death(`it stopped with code ${code}`)))
  })
  return { worker, death, serving: wrap(endpointOf(worker)) as Serving<Job, Told, Result> }
}
