import type { Job, JobResult, Turn } from '../../src/recipe/jobs.ts'
import type { Signal, TrainingCrew } from '../../src/service/host.ts'
import type { Numerics } from '../../src/wasm/shelf.ts'
import { counted, listed } from '../sentences.ts'
import { openPool, type Pool } from './pool.ts'
import type { Ground } from './training-worker.ts'

export function crewOf(size: number, numerics: Numerics, signal: Signal | undefined): TrainingCrew {
  const file = new URL('./training-worker.js', import.meta.url)
  let pool: Pool<Job, Turn, JobResult> | undefined
  let failure: { readonly error: unknown } | undefined
  let waits = false
  let wake = () => {}
  let before = Promise.resolve()
  return {
    size,
    begin(supplies, jobs) {
      pool ??= openPool({ file, size, ground: { supplies, numerics } satisfies Ground, name: nameOf, signal })
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
  if (job.kind === 'screening') return counted(job.students.length, 'student')
  if (job.kind === 'contest') return `the baselines ${listed(job.baselines)}`
  return `${job.kind === 'fold' ? 'a fold' : 'the cohort'} at ρ ${job.rho}`
}
