import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Outcome, Task } from './task.ts'
import type { Answer } from './worker.ts'

/** A seed done, and the seconds it took. */
export interface Done {
  readonly result: Outcome
  readonly seconds: number
}

/**
 * Runs seeds of a task on worker threads, each result handed over as it comes. What a seed gives does not depend on how many there
 * are.
 * @param onProgress the share of each seed under way that is done
 * @throws the first seed's error; the signal's reason when it is aborted. Workers are stopped then.
 */
export async function runSeeds(
  task: Task,
  seeds: readonly number[],
  workers: number,
  onDone: (done: Done) => void,
  onProgress: (running: ReadonlyMap<number, number>) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...seeds]
  const running = new Map<number, number>()
  const file = new URL('./worker.js', import.meta.url)
  const pool = Array.from({ length: Math.min(workers, seeds.length) }, () => new Worker(file, { workerData: task }))
  try {
    await Promise.all(
      pool.map(async (worker) => {
        for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
          const mine = seed
          running.set(mine, 0)
          const done = await runSeed(worker, mine, signal, (share) => onProgress(running.set(mine, share)))
          running.delete(mine)
          onDone(done)
        }
      }),
    )
  } finally {
    await Promise.all(pool.map((worker) => worker.terminate()))
  }
}

function runSeed(worker: Worker, seed: number, signal: AbortSignal, onShare: (share: number) => void): Promise<Done> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      worker.off('error', fail).off('exit', gone).off('message', hear)
      signal.removeEventListener('abort', abort)
      how()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const gone = (code: number) => fail(new Error(`the worker of seed ${seed} stopped with code ${code}`))
    const abort = () => fail(signal.reason)
    const hear = (answer: Answer) => {
      if ('progress' in answer) onShare(answer.progress.done / answer.progress.total)
      else if ('result' in answer) settle(() => resolve(answer))
      else fail(Object.assign(new Error(answer.error.message), { name: answer.error.name }))
    }
    worker.on('error', fail).on('exit', gone).on('message', hear)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else worker.postMessage(seed)
  })
}

/** Workers unless asked otherwise: the processors at hand. */
export const DEFAULT_WORKERS = availableParallelism()
