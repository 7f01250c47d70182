// What can be run over seeds: the paper's simulations and its applications. A task is plain data, which goes to worker threads.

import type { Progress } from '../../src/core/types.ts'
import { digest } from '../../src/data/dataset.ts'
import { runSeed, type SeedResult } from '../../src/experiments/run.ts'
import { EXPERIMENTS, type Experiment } from '../../src/experiments/settings.ts'
import type { Table } from '../../src/experiments/table.ts'
import { methodName } from '../../src/fusion/ensemble.ts'
import { trainModel } from '../../src/recipe/recipe.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { kernels } from '../../web/index.ts'
import { counted, listed } from '../sentences.ts'
import { fittingConfig, NACC, RATS } from '../sources/applications.ts'
import { readNacc } from '../sources/nacc.ts'
import { readNeural } from '../sources/neural.ts'
import type { Study } from '../sources/study.ts'
import { UsageError } from '../usage.ts'

export interface Task {
  /** Also of its folder. */
  readonly name: string
  readonly title: string
  /** What the scores are. */
  readonly measure: string
  readonly better: 'lower' | 'higher'
  readonly decimals: number
  /** The method that the others are compared with. */
  readonly headline: string
  /** What was left out of the data and why. */
  readonly notes: readonly string[]
  /** Everything that results depend on but the seed and the version. */
  readonly key: unknown
  readonly work: Experiment | Files
}

/** An application's files, and its setting. */
interface Files {
  readonly folder: string
  readonly rat?: string
  readonly config: TrainConfig
}

/** What one seed of an application gives; accuracies on the test rows. */
export interface ApplicationResult extends Pick<SeedResult, 'experiment' | 'seed' | 'digest' | 'scores'> {
  readonly notes: readonly string[]
}

/** What one seed gives, whatever was run. */
export type Outcome = SeedResult | ApplicationResult

/** A seed done, and the seconds it took. */
export interface Done {
  readonly result: Outcome
  readonly seconds: number
}

/** Sizes for a quick look. */
export interface Sizes {
  readonly rows?: number
  readonly epochs?: number
}

const RAT = 'neural-'

/** Names of everything that can be run. */
export const TASKS: readonly string[] = [...EXPERIMENTS.keys(), 'nacc', ...Object.keys(RATS).map((rat) => `${RAT}${rat}`)]

/**
 * What a name means.
 * @param folder where an application's files lie
 * @throws UsageError; DataError, FormatError, ShapeError when the files cannot be read
 */
export async function taskOf(name: string, sizes: Sizes, folder: string | undefined): Promise<Task> {
  if (!TASKS.includes(name)) throw new UsageError(`there is no experiment "${name}": there are ${TASKS.join(', ')}`)
  const experiment = EXPERIMENTS.get(name)
  if (!experiment) return applicationTask(name, sizes, folder)
  if (folder !== undefined) throw new UsageError('"--data" goes with nacc and the rats: leave it out')
  return simulationTask(experiment, sizes)
}

function simulationTask(paper: Experiment, sizes: Sizes): Task {
  const { rows = paper.data.rows, epochs = paper.config.epochs } = sizes
  const name = nameOf(paper.name, sizes)
  const title = titleOf(paper.title, sizes)
  const experiment: Experiment = { ...paper, name, title, data: { ...paper.data, rows }, config: { ...paper.config, epochs } }
  const headline = paper.headline ?? 'meta-fusion'
  return {
    name,
    title,
    measure: 'test MSE',
    better: 'lower',
    decimals: 2,
    headline,
    notes: [],
    key: experiment,
    work: experiment,
  }
}

async function applicationTask(of: string, sizes: Sizes, folder: string | undefined): Promise<Task> {
  if (folder === undefined) {
    throw new UsageError(`"${of}" needs the folder of its files: write --data FOLDER (metafusion synthesize makes some to try)`)
  }
  if (sizes.rows !== undefined) throw new UsageError(`"--rows" goes with the simulations: leave it out for "${of}"`)
  const rat = of === 'nacc' ? undefined : of.slice(RAT.length)
  const config = shorter((rat === undefined ? NACC : RATS[rat]).config, sizes.epochs)
  const work: Files = { folder, ...(rat !== undefined && { rat }), config }
  const study = await studyOf(work)
  const name = nameOf(of, sizes)
  const title = titleOf(study.title, sizes)
  return {
    name,
    title,
    measure: 'test accuracy',
    better: 'higher',
    decimals: 4,
    headline: methodName('greedy'),
    notes: study.notes,
    key: { name, title, config, subjects: digest({ ...study.subjects, modalities: [] }) },
    work,
  }
}

const nameOf = (name: string, { rows, epochs }: Sizes): string =>
  `${name}${rows === undefined ? '' : `-rows${rows}`}${epochs === undefined ? '' : `-epochs${epochs}`}`

function titleOf(title: string, { rows, epochs }: Sizes): string {
  const sizes = [
    ...(rows === undefined ? [] : [counted(rows, 'row')]),
    ...(epochs === undefined ? [] : [counted(epochs, 'epoch')]),
  ]
  return sizes.length === 0 ? title : `${title} (a quick look: ${sizes.join(', ')})`
}

/** The same with this many epochs, those of its encoders too. */
function shorter(config: TrainConfig, epochs: number | undefined): TrainConfig {
  if (epochs === undefined) return config
  const encoders = Object.entries(config.encoders ?? {}).map(([name, course]) => [name, { ...course, epochs }])
  return { ...config, epochs, encoders: Object.fromEntries(encoders) }
}

const studyOf = async ({ folder, rat }: Files): Promise<Study> => (rat === undefined ? readNacc(folder) : readNeural(folder, rat))

/** Runs one seed. */
export type Runner = (seed: number) => Generator<Progress, Outcome>

/** Reads what a task needs, once for all seeds. @throws DataError, FormatError, ShapeError */
export async function runnerOf({ name, work }: Task): Promise<Runner> {
  if (!('folder' in work)) return (seed) => runSeed(kernels('train'), work, seed)
  const study = await studyOf(work)
  return (seed) => runApplication(name, study, work.config, seed)
}

function* runApplication(experiment: string, study: Study, config: TrainConfig, seed: number): Generator<Progress, Outcome> {
  const splits = study.split(seed)
  const data = study.dataset(splits)
  const fitted = fittingConfig(config, data, splits)
  const { methods, model } = yield* trainModel(kernels('train'), data, splits, { ...fitted.config, seed })
  const scores = methods.flatMap(({ name, test }) => (test && 'accuracy' in test ? [[name, test.accuracy] as const] : []))
  const needed = data.modalities.filter(({ name }) => !fitted.config.extractors?.[name].includes('skip'))
  const unseen = splits.test.some((row) => needed.some(({ present }) => !present[row]))
  const names = listed(needed.map(({ name }) => name))
  return {
    experiment,
    seed,
    digest: digest(data),
    scores: Object.fromEntries(scores),
    notes: [
      ...fitted.notes,
      ...model.provenance.notes,
      ...(unseen ? [`every student looks at ${names}: rows without one of them are not predicted and do not count`] : []),
    ],
  }
}

/** What was left out: of the data once, of seeds with how many of them say it. */
export function notesOf(task: Task, outcomes: readonly Outcome[]): string[] {
  const times = new Map<string, number>()
  for (const note of outcomes.flatMap((outcome) => ('notes' in outcome ? outcome.notes : [])))
    times.set(note, (times.get(note) ?? 0) + 1)
  return [...task.notes, ...Array.from(times, ([note, n]) => (n < outcomes.length ? `${note} (${counted(n, 'seed')})` : note))]
}

/** The scores of a task over seeds, with what they are. */
export interface Report extends Table {
  readonly setting: string
  readonly title: string
  readonly measure: string
  readonly seeds: readonly number[]
  readonly notes: readonly string[]
  readonly seconds: number
}
