// A worker that runs seeds of one task.

import type { Progress } from '../../src/core/types.ts'
import { serve } from '../pool/serve.ts'
import { type Done, runnerOf, type Task } from './task.ts'

serve(async (task: Task) => {
  const run = await runnerOf(task)
  return function* (seed: number): Generator<Progress, Done> {
    const start = performance.now()
    const result = yield* run(seed)
    return { result, seconds: (performance.now() - start) / 1000 }
  }
})
