// A pool that does the jobs of one training.

import type { Job, JobResult, Supplies, Turn } from '../recipe/jobs.ts'
import type { Numerics } from '../wasm/shelf.ts'
import type { Host } from './host.ts'
import { type JobHand, openPool, type Pool } from './pool.ts'

/** What every worker of a training is given: plain data. */
export interface Ground {
  readonly supplies: Supplies
  readonly numerics: Numerics
}

/** Crews of a host. @param start starts a worker that stands on a ground */
export const crewBy =
  (start: (ground: Ground) => JobHand<Job, Turn, JobResult>): NonNullable<Host['crew']> =>
  (size, numerics, signal) => {
    let pool: Pool<Job, Turn, JobResult> | undefined
    let failure: { readonly error: unknown } | undefined
    let waits = false
    let wake = () => {}
    // A pool does one run after the other.
    let before = Promise.resolve()
    return {
      size,
      begin(supplies, jobs) {
        pool ??= openPool({ start: () => start({ supplies, numerics }), size, name: nameOf, signal })
        const told = new Array<Turn | undefined>(jobs.length).fill(undefined)
        const results = new Array<JobResult | undefined>(jobs.length).fill(undefined)
        const heard =
          <Value>(list: (Value | undefined)[]) =>
          (place: number, value: Value) => {
            list[place] = value
            wake()
          }
        const { run } = pool
        before = before.then(async () => void (await run(jobs, { told: heard(told), done: heard(results) })))
        before.catch((error: unknown) => {
          failure = { error }
          wake()
        })
        return {
          told,
          result(place) {
            waits = results[place] === undefined
            return results[place]
          },
        }
      },
      news() {
        if (!waits) return undefined
        waits = false
        return new Promise((resolve, reject) => {
          wake = () => (failure ? reject(failure.error) : resolve())
          if (failure) wake()
        })
      },
      close: async () => pool?.close(),
    }
  }

function nameOf(job: Job): string {
  if (job.kind === 'screening') return `the screening of ${job.students.length} of the students`
  if (job.kind === 'contest') return `the baselines ${job.baselines.join(', ')}`
  return `${job.kind === 'fold' ? 'a fold' : 'the cohort'} at ρ ${job.rho}`
}
