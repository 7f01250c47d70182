// The whole method as one page: setting → cohort → ρ → ensembles → model, then its rivals, and everyone's scores.

import { baselineStudents, baselinesOf } from '../baselines/baselines.ts'
import type { Progress } from '../core/types.ts'
import { VERSION } from '../core/version.ts'
import { type Dataset, digest, idsDigest } from '../data/dataset.ts'
import type { Splits } from '../data/split.ts'
import { type Ensembles, noEnsembles, type Rule } from '../fusion/ensemble.ts'
import { evaluate, type Metrics } from '../fusion/evaluate.ts'
import { extractorName } from '../fusion/extractor.ts'
import type { Model, Provenance, SplitRecord } from '../fusion/model.ts'
import { createPredictor } from '../fusion/predictor.ts'
import type { Resolved, TrainConfig } from '../train/config.ts'
import { type GridResult, runGrid } from '../train/rho.ts'
import { batchOrder, canLearn, ensemblesFor, type Group, groupOf, type Setting, settingOf } from '../train/setting.ts'
import { runStage, type StageResult } from '../train/stage.ts'
import { alone } from '../train/step.ts'
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
  /** Meta Fusion first, then its other ensembles, the independent cohort and the baselines. */
  readonly methods: readonly MethodResult[]
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
  const setting = yield* during(settingOf(module, data, splits, config), () => idle('preparing'))
  const { session, resolved, names, specs } = setting
  const rivals = resolved.baselines ? baselineStudents(names.length, setting.head) : []
  const clock = clockOf(setting, specs.length, rivals.length)
  const mark = session.memory.mark()

  const cohort = groupOf(setting, specs)
  const order = batchOrder(setting)
  const { epochs, batch, optimizer } = resolved
  const grid = yield* during(runGrid(cohort.plan, cohort.starts, { ...resolved, order: (_, epoch) => order(epoch) }), (step) =>
    clock(step.rho > 0 ? 'sharing' : 'screening', specs.length, step),
  )
  const combining = () => clock('combining', specs.length)
  const ensembles = yield* during(ensemblesFor(setting, cohort, grid.chosen.stage), combining)
  const provenance = provenanceOf(setting, record, grid, [...setting.notes, ...divergenceNotes(grid.chosen.stage)])
  const model = modelOf(setting, cohort, grid.chosen.stage, ensembles, grid.teachers.weights, provenance)

  const methods: MethodResult[] = []
  const scoring = openTrainSession(module)
  const empty = scoring.memory.mark()
  function* score(name: string, of: Model, rule: Rule): Generator<Progress, void> {
    scoring.memory.release(empty)
    const possible = splits.test.length > 0 && of.students.length > 0
    const prediction = possible && createPredictor(scoring, of, rule).predict(data, splits.test)
    methods.push({ name, test: prediction ? evaluate(prediction, data.target, splits.test) : undefined })
    yield clock('scoring', of.students.length)
  }
  yield* score('meta-fusion', model, 'greedy')
  yield* score('best-single-student', model, 'best-single')
  yield* score('simple-average', model, 'simple-average')
  yield* score('weighted-average', model, 'weighted-average')

  const unshared = grid.chosen.stage === grid.independent
  const apart = unshared ? ensembles : yield* during(ensemblesFor(setting, cohort, grid.independent), combining)
  yield* score(
    'independent-greedy',
    modelOf(setting, cohort, grid.independent, apart, grid.teachers.weights, provenance),
    'greedy',
  )

  if (rivals.length > 0) {
    session.memory.release(mark)
    const group = groupOf(setting, rivals)
    const nobody = new Float32Array(rivals.length)
    const stage = yield* during(
      runStage(group.plan, {
        rho: 0,
        objective: () => alone(group.plan),
        epochs,
        batch,
        optimizer,
        starts: group.starts,
        order,
        keepMoments: false,
      }),
      (step) => clock('baselines', rivals.length, step),
    )
    const all = modelOf(setting, group, stage, noEnsembles(), nobody, provenance)
    for (const { method, members } of baselinesOf(names)) {
      const students = members.filter((i) => canLearn(setting, rivals[i])).map((i) => all.students[i])
      yield* score(method, { ...all, students }, 'simple-average')
    }
  }
  return { model, config: resolved, methods }
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

/** A group of students as a stage left it. */
function modelOf(
  { preparations, projections, target, resolved }: Setting,
  { specs, names }: Group,
  stage: StageResult,
  ensembles: Ensembles,
  teachers: Float32Array,
  provenance: Provenance,
): Model {
  const students = specs.map((spec, i) => ({
    name: names[i],
    spec,
    block: stage.best[i].block,
    loss: stage.losses[i],
    teacher: teachers[i],
  }))
  return { preparations, projections, target, students, ensembles, best: resolved.greedy.best, provenance }
}

/** Runs a piece of work, telling of progress wherever it pauses. */
function* during<Step, Result>(work: Generator<Step, Result>, tell: (step: Step) => Progress): Generator<Progress, Result> {
  let turn = work.next()
  for (; !turn.done; turn = work.next()) yield tell(turn.value)
  return turn.value
}

const idle = (stage: Progress['stage']): Progress => ({ stage, rho: 0, students: 0, epoch: 0, epochs: 0, done: 0, total: 1 })

type Clock = (stage: Progress['stage'], students: number, step?: { readonly rho: number; readonly epoch: number }) => Progress

/** Counts optimizer steps of one student, of all that the run will take. A tell with a step is one batch of its students. */
function clockOf({ splits, resolved }: Setting, students: number, rivals: number): Clock {
  const { epochs, batch, rho } = resolved
  const stages = 1 + rho.filter((r) => r > 0).length
  const total = Math.ceil(splits.train.length / batch) * epochs * (students * stages + rivals)
  let done = 0
  return (stage, count, step) => {
    if (step) done += count
    return { stage, rho: step?.rho ?? 0, students: count, epoch: step?.epoch ?? 0, epochs, done, total }
  }
}
