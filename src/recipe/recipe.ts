// The whole method as one page: setting → cohort → ρ → ensembles → model, then its rivals, and everyone's scores.

import { askedBaselines, trainedBy } from '../baselines/baselines.ts'
import type { Arena, Rival } from '../baselines/rival.ts'
import type { Progress } from '../core/types.ts'
import { VERSION } from '../core/version.ts'
import { checkDataset, type Dataset, digest, idsDigest } from '../data/dataset.ts'
import type { Splits } from '../data/split.ts'
import { builtRules, methodName } from '../fusion/ensemble.ts'
import { evaluate, type Metrics } from '../fusion/evaluate.ts'
import { extractorName } from '../fusion/extractor.ts'
import type { Model, Provenance, SplitRecord } from '../fusion/model.ts'
import { createPredictor } from '../fusion/predictor.ts'
import { checkConfig, type Resolved, RHO, type TrainConfig } from '../train/config.ts'
import { ensemblesFor, modelOf } from '../train/model.ts'
import { type GridResult, runGrid, trainAgain } from '../train/rho.ts'
import { batchOrder, groupOf, type Setting, settingOf } from '../train/setting.ts'
import type { BatchDone, StageResult } from '../train/stage.ts'
import { openTrainSession } from '../wasm/session.ts'

/** A method's scores on the test rows; undefined when it can predict none of them. */
export interface MethodResult {
  readonly name: string
  readonly test: Metrics | undefined
}

/** What a training leaves. */
export interface Trained {
  readonly model: Model
  readonly config: Resolved
  /** Meta Fusion first, then its other ensembles and the baselines. */
  readonly methods: readonly MethodResult[]
  /** The baselines' models, in the order of the methods. */
  readonly rivals: readonly Rival[]
}

/**
 * Trains a fusion model and everything it is compared with.
 * @param module the compiled train.wasm
 * @param splits rows to learn from, to choose by and to report on; nothing is fitted on `test`, which may be empty
 * @param record how the split came about, for the model
 * @yields progress, some milliseconds apart: whoever drives it may stop between
 * @throws ShapeError, DataError, ConfigError, MemoryError before the first step; ConfigError when no student's loss stays finite
 */
export function* trainModel(
  module: WebAssembly.Module,
  data: Dataset,
  splits: Splits,
  config: TrainConfig = {},
  record: SplitRecord = { source: 'given' },
): Generator<Progress, Trained> {
  // A baseline that cannot be is refused before any work.
  checkConfig(config)
  checkDataset(data)
  const asked = askedBaselines(config.baselines ?? true, data, config.rho ?? RHO)
  const setting = yield* during(settingOf(module, data, splits, config), () => idle('preparing'))
  const { session, resolved, specs } = setting
  const mark = session.memory.mark()

  const cohort = groupOf(setting, specs)
  const order = batchOrder(setting)
  const stages = 1 + resolved.rho.filter((rho) => rho > 0).length
  const clock = clockOf(setting, specs.length * stages + trainedBy(asked, { setting, cohort: specs }).length)
  const course = { ...resolved, order: (_: number, epoch: number) => order(epoch) }
  const grid = yield* during(runGrid(cohort.plan, cohort.starts, course), (step) =>
    clock(step.rho > 0 ? 'sharing' : 'screening', specs.length, step),
  )
  const combining = () => clock('combining', specs.length)
  const again = (kept: (row: number) => boolean) => {
    const { rho } = grid.chosen.stage
    const part = { ...course, order: (_: number, epoch: number) => order(epoch).filter(kept) }
    return trainAgain(cohort.plan, cohort.starts, part, rho, grid.teachers)
  }
  const ensembles = yield* during(ensemblesFor(setting, cohort, grid.chosen.stage, resolved.ensembles, again), combining)
  const provenance = provenanceOf(setting, record, grid, [...setting.notes, ...divergenceNotes(grid.chosen.stage)])
  const model = modelOf(setting, cohort, grid.chosen.stage, ensembles, provenance, grid.teachers.weights)
  session.memory.release(mark)

  const methods: MethodResult[] = []
  const rivals: Rival[] = []
  const scoring = openTrainSession(module)
  const empty = scoring.memory.mark()
  function* score({ name, model: of, rule, inputs = data }: Rival): Generator<Progress, void> {
    scoring.memory.release(empty)
    const possible = splits.test.length > 0 && of.students.length > 0
    const prediction = possible && createPredictor(scoring, of, rule).predict(inputs, splits.test)
    methods.push({ name, test: prediction ? evaluate(prediction, data.target, splits.test) : undefined })
    yield clock('scoring', of.students.length)
  }
  for (const rule of builtRules(ensembles)) yield* score({ name: methodName(rule), model, rule })

  const arena: Arena = { module, setting, cohort: specs, screened: grid.independent, provenance, kept: new Map() }
  for (const { baseline, wants } of asked) {
    const trained = yield* during(baseline.train(arena), (step) =>
      step ? clock('baselines', step.losses.task.length, step) : combining(),
    )
    for (const rival of trained.filter(({ name }) => wants(name))) {
      rivals.push(rival)
      yield* score(rival)
    }
  }
  return { model, config: resolved, methods, rivals }
}

function divergenceNotes({ losses }: StageResult): string[] {
  const gone = losses.filter((loss) => !Number.isFinite(loss)).length
  return gone > 0 ? [`${gone} of ${losses.length} students have no say: their validation loss did not stay finite`] : []
}

function provenanceOf(setting: Setting, record: SplitRecord, grid: GridResult, notes: readonly string[]): Provenance {
  const { data, splits, resolved } = setting
  return {
    library: VERSION,
    title: data.title ?? '',
    seed: resolved.seed,
    digest: digest(data),
    subjects: idsDigest(data, data.ids.keys()),
    split: {
      ...record,
      train: splits.train.length,
      validation: splits.validation.length,
      test: splits.test.length,
      testIds: idsDigest(data, splits.test),
    },
    config: { ...resolved, extractors: resolved.extractors.map((list) => list.map(extractorName)) },
    rho: grid.chosen.stage.rho,
    rhoLosses: grid.results.map(({ stage, loss }) => ({ rho: stage.rho, loss })),
    notes,
  }
}

/** Runs a piece of work, telling of progress wherever it pauses. */
function* during<Step, Result>(work: Generator<Step, Result>, tell: (step: Step) => Progress): Generator<Progress, Result> {
  let turn = work.next()
  for (; !turn.done; turn = work.next()) yield tell(turn.value)
  return turn.value
}

const idle = (stage: Progress['stage']): Progress => ({ stage, rho: 0, students: 0, epoch: 0, epochs: 0, done: 0, total: 1 })

type Clock = (stage: Progress['stage'], students: number, step?: Pick<BatchDone, 'rho' | 'epoch' | 'batches'>) => Progress

/** Counts optimizer steps of one student, of all that the run will take. A tell with a step is one batch of its students. */
function clockOf({ splits, resolved }: Setting, students: number): Clock {
  const { epochs, batch } = resolved
  const total = Math.ceil(splits.train.length / batch) * epochs * students
  let done = 0
  return (stage, count, step) => {
    if (step) done += count * step.batches
    return { stage, rho: step?.rho ?? 0, students: count, epoch: step?.epoch ?? 0, epochs, done, total }
  }
}
