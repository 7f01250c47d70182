import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { SeedResult } from '../../src/experiments/run.ts'
import type { Answer, Job } from './worker.ts'

/** A seed done, and the seconds it took. */
export interface Done {
  readonly result: SeedResult
  readonly seconds: number
}

/**
 * Runs jobs on worker threads, each result handed over as it comes. What a job gives does not depend on how many there are.
 * @param onProgress the share of each job under way that is done
 * @throws the first job's error; the signal's reason when it is aborted. Workers are stopped then.
 */
export async function runJobs(
  jobs: readonly Job[],
  workers: number,
  onDone: (done: Done) => void,
  onProgress: (running: ReadonlyMap<number, number>) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...jobs]
  const running = new Map<number, number>()
  const pool = Array.from({ length: Math.min(workers, jobs.length) }, () => new Worker(new URL('./worker.js', import.meta.url)))
  try {
    await Promise.all(
      pool.map(async (worker) => {
        for (let job = waiting.shift(); job; job = waiting.shift()) {
          const { seed } = job
          running.set(seed, 0)
          const done = await runJob(worker, job, signal, (share) => onProgress(running.set(seed, share)))
          running.delete(seed)
          onDone(done)
        }
      }),
    )
  } finally {
    await Promise.all(pool.map((worker) => worker.terminate()))
  }
}

function runJob(worker: Worker, job: Job, signal: AbortSignal, onShare: (share: number) => void): Promise<Done> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      worker.off('error', fail).off('exit', gone).off('message', hear)
      signal.removeEventListener('abort', abort)
      how()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const gone = (code: number) => fail(new Error(`the worker of seed ${job.seed} stopped with code ${code}`))
    const abort = () => fail(signal.reason)
    const hear = (answer: Answer) => {
      if ('progress' in answer) onShare(answer.progress.done / answer.progress.total)
      else if ('result' in answer) settle(() => resolve(answer))
      else fail(Object.assign(new Error(answer.error.message), { name: answer.error.name }))
    }
    worker.on('error', fail).on('exit', gone).on('message', hear)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else worker.postMessage(job)
  })
}

/** Workers unless asked otherwise: the processors at hand. */
export const DEFAULT_WORKERS = availableParallelism()
