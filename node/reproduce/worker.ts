// A worker thread that runs one seed of its task after the other, as it is told.

import { parentPort, workerData } from 'node:worker_threads'
import type { Progress } from '../../src/core/types.ts'
import { type Outcome, type Runner, runnerOf } from './task.ts'

/** What a worker says of its seed: how far it is, what came of it, or why nothing did. */
export type Answer =
  | { readonly progress: Progress }
  | { readonly result: Outcome; readonly seconds: number }
  | { readonly error: { readonly name: string; readonly message: string } }

/** Progress is told at most this often. */
const EVERY_MS = 100

/** Made with the first seed, whose answer can say what is wrong. */
let runner: Promise<Runner> | undefined

parentPort?.on('message', async (seed: number) => {
  const tell = (answer: Answer) => parentPort?.postMessage(answer)
  try {
    runner ??= runnerOf(workerData)
    const run = (await runner)(seed)
    const start = performance.now()
    let told = start
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
