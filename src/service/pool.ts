// Jobs by workers: each worker does one after the other. What a job gives does not depend on how many workers there are.

import { MemoryError } from '../core/errors.ts'
import type { Signal } from './host.ts'

/** A job that so many workers died of is not begun again. */
const DEATHS = 3

/** Why a worker is no more, in words that go on after "because", and what to do about it where that is known. */
export class Death {
  readonly cause: string
  readonly remedy: string | undefined
  constructor(cause: string, remedy?: string) {
    this.cause = cause
    this.remedy = remedy
  }
}

/** A worker that was started. */
export interface Hand {
  /** Settles when the worker is no more, and never otherwise: nobody answers for one that is dead. */
  readonly death: Promise<Death>
  /** Ends it, whatever it does. */
  end(): unknown
}

/** A worker of a pool. */
export interface JobHand<Job, Told, Result> extends Hand {
  run(job: Job, tell: (told: Told) => void): Promise<Result>
}

export interface PoolSpec<Job, Told, Result> {
  /** Starts a worker. */
  readonly start: () => JobHand<Job, Told, Result>
  /** The most workers. One is started when there is a job for it, and kept for the next ones. */
  readonly size: number
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

export function openPool<Job, Told, Result>({ start, size, name, signal }: PoolSpec<Job, Told, Result>): Pool<Job, Told, Result> {
  const hands: (JobHand<Job, Told, Result> | undefined)[] = []
  let closed = false

  async function close(): Promise<void> {
    closed = true
    await Promise.all(hands.map((hand) => hand?.end()))
  }

  /** One job by the worker of a place, or by the next ones there. */
  async function done(at: number, job: Job, tell: (told: Told) => void): Promise<Result> {
    for (let deaths = 1; ; deaths++) {
      const hand = hands[at] ?? start()
      hands[at] = hand
      const end = await Promise.race([hand.run(job, tell), hand.death])
      if (!(end instanceof Death)) return end
      hands[at] = undefined
      await hand.end()
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
