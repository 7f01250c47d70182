// A training whose work is done by others, here by sessions of their own in the same thread: what goes to and fro is copied as
// between threads, so that nothing but plain data does.

import { expect, test } from 'vitest'
import type { Progress } from '../../src/core/types.ts'
import { type TrainConfig, type Trained, trainModel, writeModel } from '../../src/index.ts'
import { type Crew, type Job, type JobResult, jobsOn, ownArrays, type Turn } from '../../src/recipe/jobs.ts'
import { module, QUICK, SOME, type Study, study, train } from './studies.ts'

const given = study({ present: SOME })

/** Three who take a step of each job in turn. The first job and the last that are begun together are lost once on their way, and begun again. */
function crewInThread(): Crew & { readonly begun: Job[] } {
  const begun: Job[] = []
  return {
    size: 3,
    begun,
    begin(supplies, jobs) {
      begun.push(...jobs)
      const told: (Turn | undefined)[] = jobs.map(() => undefined)
      const results: (JobResult | undefined)[] = jobs.map(() => undefined)
      const start = (job: Job) => jobsOn(module, structuredClone(supplies))(structuredClone(job))
      const works = jobs.map(start)
      let rounds = 0
      const step = (place: number) => {
        const { value, done } = works[place].next()
        if (done) {
          results[place] = structuredClone(value, { transfer: ownArrays(value) as ArrayBuffer[] })
        } else told[place] = value
      }
      return {
        told,
        result(place) {
          if (++rounds === 5) for (const at of [0, jobs.length - 1]) works[at] = start(jobs[at])
          for (const at of works.keys()) if (!results[at]) step(at)
          return results[place]
        },
      }
    },
  }
}

function trainWith({ data, splits }: Study, config: TrainConfig): Trained & { told: Progress[]; begun: readonly Job[] } {
  const crew = crewInThread()
  const run = trainModel(module, data, splits, { ...QUICK, ...config }, undefined, crew)
  const told: Progress[] = []
  for (let turn = run.next(); ; turn = run.next()) {
    if (turn.done) return { ...turn.value, told, begun: crew.begun }
    told.push(turn.value)
  }
}

const config: TrainConfig = {
  rho: [0, 0.5, 2],
  ensembles: ['greedy', 'stacking'],
  stacking: { rows: 'out-of-fold', folds: 3, epochs: 20 },
  baselines: ['single', 'late-fusion', 'early-fusion'],
}
const alone = train(given, config)
const together = trainWith(given, config)

test('it leaves the same bytes, and the same scores', () => {
  expect(writeModel(together.model)).toEqual(writeModel(alone.model))
  expect(together.methods).toEqual(alone.methods)
})

test('its jobs are students in parts, every ρ > 0, every fold, and baselines that share no training', () => {
  expect(together.begun.map((job) => (job.kind === 'sharing' ? `ρ ${job.rho}` : job.kind))).toEqual([
    ...['screening', 'screening', 'screening', 'ρ 0.5', 'ρ 2', 'contest', 'contest', 'fold', 'fold', 'fold'],
  ])
  const parts = together.begun.flatMap((job) => (job.kind === 'screening' ? [job.students] : []))
  expect(parts.flat().sort((a, b) => a - b)).toEqual([...alone.model.students.keys()])
  const contests = together.begun.flatMap((job) => (job.kind === 'contest' ? [job.baselines] : []))
  expect(contests).toEqual([['early-fusion'], ['late-fusion', 'single']])
})

test('the parts cost about the same: none a student more than another', () => {
  const cost = (i: number) => alone.model.students[i].block.length + 2000
  const sums = together.begun.flatMap((job) =>
    job.kind === 'screening' ? [job.students.reduce((sum, i) => sum + cost(i), 0)] : [],
  )
  const most = Math.max(...Array.from(alone.model.students.keys(), cost))
  expect(Math.max(...sums) - Math.min(...sums)).toBeLessThanOrEqual(most)
})

test('students that wait for each other to stop are one job', () => {
  const { begun, model } = trainWith(given, { patience: 2, baselines: false })
  expect(begun.filter(({ kind }) => kind === 'screening')).toEqual([
    { kind: 'screening', students: [...model.students.keys()], keepMoments: true },
  ])
})

test('progress adds up to all of the work, and never goes back, even if a job is begun again', () => {
  const done = together.told.map((progress) => progress.done)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(done.at(-1)).toBe(alone.told.at(-1)?.done)
  expect(together.told.at(-1)?.total).toBe(alone.told.at(-1)?.total)
})
