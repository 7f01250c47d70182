import type { Trial } from '../recipe/plan.ts'

/** How long a trial is repeated: the first runs are slow, as the kernels are not yet compiled for speed. */
const WARM_MS = 60
const TIMED_MS = 120

/** How long the work takes that the trials are pieces of, if the machine stays as busy as it is. @param now milliseconds */
export const secondsOf = (trials: readonly Trial[], now: () => number): number =>
  trials.reduce((sum, { run, times }) => sum + (times * millisecondsOf(run, now)) / 1000, 0)

/** The mean of many runs. */
function millisecondsOf(run: () => void, now: () => number): number {
  repeat(run, WARM_MS, now)
  const { runs, ms } = repeat(run, TIMED_MS, now)
  return ms / runs
}

function repeat(run: () => void, least: number, now: () => number): { runs: number; ms: number } {
  const start = now()
  for (let runs = 1; ; runs++) {
    run()
    const ms = now() - start
    if (ms >= least) return { runs, ms }
  }
}
