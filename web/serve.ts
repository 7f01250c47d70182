// A worker's side: it does what it is asked. `wire.ts` is the side that asks.

import { type Endpoint, expose, type ProxyMethods, releaseProxy, transfer } from 'comlink'
import type { Progress } from '../src/core/types.ts'
import { type Job, type JobResult, jobsOn, ownArrays, type Turn } from '../src/recipe/jobs.ts'
import type { Ground } from '../src/service/crew.ts'
import { type Desk, deskOn } from '../src/service/desk.ts'
import type { Host } from '../src/service/host.ts'
import { type JobDesk, keepErrors } from './wire.ts'

/** A function at the other end: settles when it was heard. */
type Tell<Told> = ((told: Told) => Promise<void>) & ProxyMethods

/** Progress of a job is told at most this often. */
const EVERY_MS = 50

/** Answers at an endpoint. */
export function answer(endpoint: Endpoint, answering: object): void {
  keepErrors()
  expose(answering, endpoint)
}

/** All that a worker can be asked: whole trainings, and the jobs of one. */
export function everything(host: Host): Desk & JobDesk<Ground, Job, Turn, JobResult> {
  const { train, plan, predict } = deskOn(host)
  const jobs = jobDesk(async ({ supplies, numerics }: Ground) => {
    await host.load(numerics)
    return jobsOn(host.kernels('train', numerics), supplies)
  }, ownArrays)
  return {
    ...jobs,
    async train(data, options, tell) {
      // Comlink makes a function that was given one of the other end's.
      const other = tell as Tell<Progress> | undefined
      let last: Promise<void> | undefined
      const onProgress = (progress: Progress) => {
        last = other?.(progress)
      }
      try {
        const trained = await train(data, options, other && onProgress)
        await last
        return moved(trained)
      } finally {
        other?.[releaseProxy]()
      }
    },
    plan,
    predict: async (model, inputs, rule) => moved(await predict(model, inputs, rule)),
  }
}

/**
 * What a worker of a pool does.
 * @param open makes what does its jobs, of what the pool was given
 * @param own arrays of a result that go to the pool without a copy
 */
export function jobDesk<Ground, Job, Told, Result>(
  open: (ground: Ground) => Promise<(job: Job) => Generator<Told, Result>>,
  own: (result: Result) => ArrayBufferLike[] = () => [],
): JobDesk<Ground, Job, Told, Result> {
  let begin: (job: Job) => Generator<Told, Result>
  return {
    async open(ground) {
      begin = await open(ground)
    },
    async run(job, given) {
      const tell = given as Tell<Told>
      const work = begin(job)
      let pause = performance.now() + EVERY_MS
      let last: { told: Told } | undefined
      for (;;) {
        const turn = work.next()
        if (!turn.done) last = { told: turn.value }
        // What is behind a job is told before its result.
        if (last && (turn.done || performance.now() >= pause)) {
          await tell(last.told)
          last = undefined
          pause = performance.now() + EVERY_MS
        }
        if (!turn.done) continue
        tell[releaseProxy]()
        return transfer(turn.value, own(turn.value) as ArrayBuffer[])
      }
    },
  }
}

/** Gives a value away with all its arrays: nobody here has any of it still. */
const moved = <Value extends object>(value: Value): Value => transfer(value, [...buffersIn(value)])

function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) buffersIn(part, found)
  }
  return found
}
