// The work of a training in pieces that need nothing of each other: done by this thread one after the other, or by a crew of others
// at the same time, with the same bits. A job and its result are plain data; how they travel is the host's part.

import { type Asked, BASELINES } from '../baselines/baselines.ts'
import type { Arena, Rival } from '../baselines/rival.ts'
import { during } from '../core/during.ts'
import type { Dataset } from '../data/dataset.ts'
import type { Splits } from '../data/split.ts'
import type { Provenance } from '../fusion/model.ts'
import { studentOf } from '../fusion/student.ts'
import type { TrainConfig } from '../train/config.ts'
import type { Teachers } from '../train/mutual.ts'
import { type Fold, foldOutputs, type Grid, oneByOne, type Sharing, type Trainers } from '../train/rho.ts'
import { batchOrder, type Group, givenSplits, groupOf, type Setting, settingAgain } from '../train/setting.ts'
import type { Again } from '../train/stacking.ts'
import type { BatchDone, EpochLosses, Solved, StageResult, Start } from '../train/stage.ts'

/** Rivals of baselines that share trainings. */
interface Contest extends Pick<Arena, 'screened' | 'provenance'> {
  readonly baselines: readonly string[]
}

/** A piece of a training: some students without sharing, the cohort at a ρ, a fold of stacking, some baselines. */
export type Job =
  | { readonly kind: 'screening'; readonly students: readonly number[]; readonly keepMoments: boolean }
  | ({ readonly kind: 'sharing' } & Sharing)
  | ({ readonly kind: 'fold' } & Fold)
  | ({ readonly kind: 'contest' } & Contest)

/** What comes of a job, by its kind: a stage, of sharing too; outputs (M, rows, D); of each baseline its rivals. */
export type JobResult = StageResult | Float32Array | readonly (readonly Rival[])[]

/** Steps that were done, each of one student, and where: since the turn before, or of a job since it began. */
export interface Turn {
  readonly rho: number
  readonly epoch: number
  readonly students: number
  readonly steps: number
}

/** What every job of a training stands on. */
export interface Supplies extends Pick<Setting, 'projections' | 'networks'> {
  readonly data: Dataset
  readonly splits: Splits
  readonly config: TrainConfig
}

/** Others who do jobs at the same time. */
export interface Crew {
  /** How many jobs at the same time. */
  readonly size: number
  /** Begins jobs, behind those that were begun before. The host goes on with a training that asks for a result which is not there when there is news of one. */
  readonly begin: (supplies: Supplies, jobs: readonly Job[]) => Undertaking
}

/** Jobs that were begun, by their place. */
export interface Undertaking {
  /** What was last told of each. */
  readonly told: readonly (Turn | undefined)[]
  /** What came of one; undefined when it is not done. */
  readonly result: (place: number) => JobResult | undefined
}

/** What a student's step costs besides its parameters, in parameters. */
export const OVERHEAD = 2000

/** The grid of a setting: its batches are the same at every ρ. */
export function gridOf(setting: Setting): Grid {
  const order = batchOrder(setting)
  return { ...setting.resolved, order: (_, epoch) => order(epoch) }
}

/** Who does the work of a training. */
export interface Hands extends Trainers<Turn> {
  readonly again: (rho: number, teachers: Teachers) => Again<Turn>
  /** The rivals of each baseline, once the grid is trained. */
  readonly compete: () => readonly Generator<Turn | undefined, readonly Rival[]>[]
}

/** What a training is compared with. */
export interface Competition {
  readonly asked: readonly Asked[]
  /** What the models of rivals say of their data and split. */
  readonly provenance: Provenance
}

/** This thread does it, piece after piece. @param group the cohort, for as long as it is planned */
export function ownHands(
  module: WebAssembly.Module,
  setting: Setting,
  { plan, starts }: Group,
  { asked, provenance }: Competition,
): Hands {
  const grid = gridOf(setting)
  const { screen, share } = oneByOne(plan, starts, grid)
  let screened: StageResult
  const told = <Result>(work: Generator<BatchDone, Result>) => during(work, turnOf)
  return {
    *screen(keepMoments) {
      screened = yield* told(screen(keepMoments))
      return screened
    },
    share: (stages) => share(stages).map(told),
    again: (rho, teachers) => (folds) => folds.map((rows) => told(foldOutputs(plan, starts, grid, { rho, teachers, rows }))),
    compete() {
      const arena: Arena = { module, setting, cohort: setting.specs, screened, provenance, kept: new Map() }
      return asked.map(({ baseline }) => during(baseline.train(arena), (step) => step && turnOf(step)))
    },
  }
}

/** A crew does it. Baselines need nothing but screening: they are begun behind the ρ, so that nobody waits for the last of those. */
export function crewHands(crew: Crew, setting: Setting, config: TrainConfig, { asked, provenance }: Competition): Hands {
  const { data, projections, networks, resolved } = setting
  const supplies = { data, splits: givenSplits(setting), config, projections, networks }
  const begin = <Result extends JobResult>(jobs: readonly Job[]) => awaited<Result>(crew.begin(supplies, jobs), jobs)
  const trainings = [...new Set(asked.map(({ baseline }) => baseline.trains))]
  const baselines = trainings.map((trains) => asked.filter(({ baseline }) => baseline.trains === trains).map((a) => a.name))
  let screened: StageResult
  let contests: readonly Generator<Turn, readonly (readonly Rival[])[]>[]
  return {
    *screen(keepMoments) {
      // Who waits for all the others to stop improving cannot be trained apart from them.
      const parts = partsOf(setting, resolved.patience > 0 ? 1 : crew.size)
      const works = begin<StageResult>(parts.map((students) => ({ kind: 'screening', students, keepMoments })))
      const stages: StageResult[] = []
      for (const work of works) stages.push(yield* work)
      screened = joined(parts, stages)
      return screened
    },
    share(stages) {
      const jobs: Job[] = [
        ...stages.map((stage) => ({ kind: 'sharing' as const, ...stage })),
        ...baselines.map((names) => ({ kind: 'contest' as const, baselines: names, screened, provenance })),
      ]
      const begun = crew.begin(supplies, jobs)
      contests = awaited(begun, jobs, stages.length)
      return awaited(begun, jobs, 0, stages.length)
    },
    again: (rho, teachers) => (folds) => begin<Float32Array>(folds.map((rows) => ({ kind: 'fold', rho, teachers, rows }))),
    compete() {
      const done = new Map<number, readonly (readonly Rival[])[]>()
      return asked.map(function* ({ name, baseline }) {
        const at = trainings.indexOf(baseline.trains)
        const rivals = done.get(at) ?? (yield* contests[at])
        done.set(at, rivals)
        return rivals[baselines[at].indexOf(name)]
      })
    },
  }
}

/**
 * The results of the jobs from a place up to another, each when it is asked for. What is told meanwhile is the progress of all of
 * them, never less than before.
 */
function awaited<Result extends JobResult>(
  { told, result }: Undertaking,
  jobs: readonly Job[],
  from = 0,
  to = jobs.length,
): Generator<Turn, Result>[] {
  let behind = 0
  return jobs.slice(from, to).map(function* (job, i) {
    const place = from + i
    const before: Turn = { rho: 'rho' in job ? job.rho : 0, epoch: 0, students: 0, steps: 0 }
    for (;;) {
      const done = result(place)
      const steps = told.slice(from, to).reduce((sum, turn) => sum + (turn?.steps ?? 0), 0)
      const more = Math.max(0, steps - behind)
      behind += more
      if (more > 0 || !done) yield { ...(told[place] ?? before), steps: more }
      if (done) return done as Result
    }
  })
}

/** The cohort's students in as many parts, of about the same cost. */
function partsOf({ specs, features }: Setting, count: number): number[][] {
  const costs = specs.map((spec) => studentOf(spec, features).layout.size + OVERHEAD)
  const parts = Array.from({ length: Math.min(count, specs.length) }, () => ({ cost: 0, students: [] as number[] }))
  for (const i of [...costs.keys()].sort((a, b) => costs[b] - costs[a])) {
    const least = parts.reduce((best, part) => (part.cost < best.cost ? part : best))
    least.cost += costs[i]
    least.students.push(i)
  }
  return parts.map(({ students }) => students.sort((a, b) => a - b))
}

/** A stage of students that were trained in parts. */
function joined(parts: readonly (readonly number[])[], stages: readonly StageResult[]): StageResult {
  const count = parts.flat().length
  const numbers = (of: (stage: StageResult) => Float64Array): Float64Array => {
    const all = new Float64Array(count)
    parts.forEach((students, p) => {
      const values = of(stages[p])
      students.forEach((student, i) => {
        all[student] = values[i]
      })
    })
    return all
  }
  const losses = (e: number, which: keyof EpochLosses) => ({
    task: numbers(({ epochs }) => epochs[e][which].task),
    total: numbers(({ epochs }) => epochs[e][which].total),
  })
  const placed = parts.flatMap((students, p) => students.map((student, i) => ({ student, start: stages[p].best[i] })))
  return {
    rho: stages[0].rho,
    best: placed.sort((a, b) => a.student - b.student).map(({ start }) => start),
    losses: numbers((stage) => stage.losses),
    ...(stages[0].outOfFold ? { outOfFold: outOfFoldOf(parts, stages) } : {}),
    ...solvedOf(parts, stages),
    bestEpoch: Int32Array.from(numbers((stage) => Float64Array.from(stage.bestEpoch))),
    epochs: stages[0].epochs.map((_, e) => ({ train: losses(e, 'train'), validation: losses(e, 'validation') })),
  }
}

/** The same (students, rows, outputs) of all. */
function outOfFoldOf(parts: readonly (readonly number[])[], stages: readonly StageResult[]): Float32Array {
  const said = stages.map(({ outOfFold }) => outOfFold as Float32Array)
  const each = said[0].length / parts[0].length
  const all = new Float32Array(each * parts.flat().length)
  parts.forEach((students, p) => {
    students.forEach((student, i) => {
      all.set(said[p].subarray(i * each, (i + 1) * each), student * each)
    })
  })
  return all
}

/** What the students of all parts were solved to, where some were. */
function solvedOf(parts: readonly (readonly number[])[], stages: readonly StageResult[]): Pick<StageResult, 'solutions'> {
  const folds = stages.find(({ solutions }) => solutions)?.solutions?.parts.length
  if (folds === undefined) return {}
  const all = (of: (solved: Solved) => Solved['whole']) => {
    const placed: (Start | undefined)[] = new Array(parts.flat().length).fill(undefined)
    parts.forEach((students, p) => {
      const { solutions } = stages[p]
      if (solutions) for (const [i, start] of of(solutions).entries()) placed[students[i]] = start
    })
    return placed
  }
  return {
    solutions: { parts: Array.from({ length: folds }, (_, f) => all(({ parts }) => parts[f])), whole: all(({ whole }) => whole) },
  }
}

/** Does jobs elsewhere. The first one makes the setting again. @throws MemoryError */
export function jobsOn(
  module: WebAssembly.Module,
  { data, splits, config, ...fitted }: Supplies,
): (job: Job) => Generator<Turn, JobResult> {
  let setting: Setting | undefined
  return function* (job) {
    setting ??= settingAgain(module, data, splits, config, fitted)
    const { memory } = setting.session
    const mark = memory.mark()
    let last: Turn = { rho: 0, epoch: 0, students: 0, steps: 0 }
    const result = yield* during(doJob(module, setting, job), (step) => {
      if (step) last = { ...turnOf(step), steps: last.steps + turnOf(step).steps }
      return last
    })
    memory.release(mark)
    return result
  }
}

function turnOf({ rho, epoch, losses, batches }: BatchDone): Turn {
  const students = losses.task.length
  return { rho, epoch, students, steps: students * batches }
}

function* doJob(module: WebAssembly.Module, setting: Setting, job: Job): Generator<BatchDone | undefined, JobResult> {
  const { specs } = setting
  if (job.kind === 'contest') {
    const arena: Arena = { module, setting, cohort: specs, screened: job.screened, provenance: job.provenance, kept: new Map() }
    const rivals: (readonly Rival[])[] = []
    for (const name of job.baselines) rivals.push(yield* BASELINES[name].train(arena))
    return rivals
  }
  const { plan, starts } = groupOf(setting, job.kind === 'screening' ? job.students.map((i) => specs[i]) : specs, {
    losing: true,
  })
  const grid = gridOf(setting)
  if (job.kind === 'fold') return yield* foldOutputs(plan, starts, grid, job)
  const trainers = oneByOne(plan, starts, grid)
  return yield* job.kind === 'screening' ? trainers.screen(job.keepMoments) : trainers.share([job])[0]
}

/** Arrays of a result that nobody else has: they may be moved. A baseline's model shares some with the setting. */
export function ownArrays(result: JobResult): ArrayBufferLike[] {
  if (result instanceof Float32Array) return [result.buffer]
  if (!('best' in result)) return []
  const blocks = result.best.flatMap(({ block, moments }) => [block.buffer, ...(moments ? [moments.buffer] : [])])
  return result.outOfFold ? [...blocks, result.outOfFold.buffer] : blocks
}
