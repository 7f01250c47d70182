import type { Trial } from '../src/recipe/plan.ts'

/** How long a trial is repeated: the first runs are slow, as the kernels are not yet compiled for speed. */
const WARM_MS = 60
const TIMED_MS = 120

/** How long the work takes that the trials are pieces of, if the machine stays as busy as it is. */
export const secondsOf = (trials: readonly Trial[]): number =>
  trials.reduce((sum, { run, times }) => sum + (times * millisecondsOf(run)) / 1000, 0)

/** The mean of many runs. */
function millisecondsOf(run: () => void): number {
  repeat(run, WARM_MS)
  const { runs, ms } = repeat(run, TIMED_MS)
  return ms / runs
}

function repeat(run: () => void, least: number): { runs: number; ms: number } {
  const start = performance.now()
  for (let runs = 1; ; runs++) {
    run()
    const ms = performance.now() - start
    if (ms >= least) return { runs, ms }
  }
}
