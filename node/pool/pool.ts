// Jobs on worker threads.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Pool, type PoolSpec, openPool as poolOf } from '../../src/service/pool.ts'
import { jobHand } from '../../web/wire.ts'
import { lineTo } from './line.ts'

/** Workers unless asked otherwise: the processors at hand. */
export const DEFAULT_WORKERS = availableParallelism()

export interface ThreadsSpec<Job> extends Omit<PoolSpec<Job, unknown, unknown>, 'start'> {
  /** The module of the workers, which calls `serve`. */
  readonly file: URL
  /** What every worker is given once: plain data. */
  readonly ground: unknown
}

/** A pool of worker threads. */
export const openPool = <Job, Told, Result>({ file, ground, ...spec }: ThreadsSpec<Job>): Pool<Job, Told, Result> =>
  poolOf({ ...spec, start: () => jobHand(lineTo(new Worker(file)), ground) })
