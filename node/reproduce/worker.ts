// A worker thread that runs one seed after the other, as it is told.

import { parentPort } from 'node:worker_threads'
import type { Progress } from '../../src/core/types.ts'
import { runSeed, type SeedResult } from '../../src/experiments/run.ts'
import { EXPERIMENTS, type Experiment } from '../../src/experiments/settings.ts'
import { kernels } from '../kernels.ts'

/** One seed of one experiment. */
export interface Job {
  readonly experiment: string
  readonly seed: number
}

/** What a worker says of its job: how far it is, what came of it, or why nothing did. */
export type Answer =
  | { readonly progress: Progress }
  | { readonly result: SeedResult; readonly seconds: number }
  | { readonly error: { readonly name: string; readonly message: string } }

/** Progress is told at most this often. */
const EVERY_MS = 100

parentPort?.on('message', ({ experiment, seed }: Job) => {
  const tell = (answer: Answer) => parentPort?.postMessage(answer)
  const start = performance.now()
  let told = start
  try {
    const run = runSeed(kernels('train'), EXPERIMENTS.get(experiment) as Experiment, seed)
    for (let turn = run.next(); ; turn = run.next()) {
      const now = performance.now()
      if (turn.done) return tell({ result: turn.value, seconds: (now - start) / 1000 })
      if (now - told < EVERY_MS) continue
      told = now
      tell({ progress: turn.value })
    }
  } catch (error) {
    const { name, message } = error as Error
    tell({ error: { name, message } })
  }
})
