// The whole method as one page: setting → cohort → ρ → ensembles → model, then its rivals, and everyone's scores.

import { askedBaselines, trainedBy } from '../baselines/baselines.ts'
import type { Rival } from '../baselines/rival.ts'
import { during } from '../core/during.ts'
import type { Progress } from '../core/types.ts'
import { VERSION } from '../core/version.ts'
import { checkDataset, type Dataset, digest, idsDigest } from '../data/dataset.ts'
import { checkLeaks } from '../data/leakage.ts'
import type { Splits } from '../data/split.ts'
import { builtRules, methodName } from '../fusion/ensemble.ts'
import { evaluate, keptScores, type Metrics } from '../fusion/evaluate.ts'
import { extractorName } from '../fusion/extractor.ts'
import type { Model, Provenance, SplitRecord } from '../fusion/model.ts'
import { createPredictor } from '../fusion/predictor.ts'
import { checkConfig } from '../train/check-config.ts'
import { type Resolved, RHO, type TrainConfig } from '../train/config.ts'
import { calibrationOf, ensemblesFor, modelOf, tempered } from '../train/model.ts'
import { gridBy } from '../train/rho.ts'
import { groupOf, type Setting, settingOf } from '../train/setting.ts'
import type { StageResult } from '../train/stage.ts'
import { openTrainSession } from '../wasm/session.ts'
import { type Crew, crewHands, gridOf, ownHands, type Turn } from './jobs.ts'
import { onceOf, stagesOf, stepsOf, stepsOver } from './stages.ts'

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
 * @param crew does what can be done at the same time; this thread does everything when left out, to the same bits
 * @yields progress, some milliseconds apart: whoever drives it may stop between
 * @throws ShapeError, DataError, ConfigError, MemoryError before the first step; ConfigError when no student's loss stays finite
 */
export function* trainModel(
  module: WebAssembly.Module,
  data: Dataset,
  splits: Splits,
  config: TrainConfig = {},
  record: SplitRecord = { source: 'given' },
  crew?: Crew,
): Generator<Progress, Trained> {
  // A baseline that cannot be is refused before any work.
  checkConfig(config)
  checkDataset(data)
  const asked = askedBaselines(config.baselines ?? true, data, config.rho ?? RHO, splits.validation.length === 0)
  const leaks = checkLeaks(data, splits, config.allowLeakage)
  const setting = yield* during(settingOf(module, data, splits, config), () => idle('preparing'))
  const { session, resolved, specs } = setting
  const mark = session.memory.mark()

  const cohort = groupOf(setting, specs, { losing: true })
  const plain = provenanceOf(setting, record)
  const provenance = { ...plain, notes: [...plain.notes, ...leaks] }
  const competition = { asked, provenance }
  const hands = crew ? crewHands(crew, setting, config, competition) : ownHands(module, setting, cohort, competition)
  const steps = specs.length * stepsOf(stagesOf(setting), resolved)
  const clock = clockOf(setting, steps, trainedBy(asked, { setting, cohort: specs }).length)
  const grid = yield* during(gridBy(hands, cohort.plan, gridOf(setting)), (turn) =>
    clock(turn.rho > 0 ? 'sharing' : 'screening', specs.length, turn),
  )
  const again = hands.again(grid.chosen.stage.rho, grid.teachers)
  const { ensembles: combined, notes } = yield* during(
    ensemblesFor(setting, cohort, grid.chosen.stage, resolved.ensembles, again),
    (turn) => clock('combining', specs.length, turn),
  )
  const own = {
    ...provenance,
    rho: grid.chosen.stage.rho,
    rhoLosses: grid.results.map(({ stage, loss }) => ({ rho: stage.rho, loss })),
    notes: [...provenance.notes, ...divergenceNotes(grid.chosen.stage), ...notes],
  }
  const { stage, ensembles } = tempered(setting, cohort, grid.chosen.stage, combined, builtRules(combined)[0])
  const calibration = yield* during(calibrationOf(setting, cohort, stage, ensembles), () => clock('combining', specs.length))
  const model = modelOf(setting, cohort, stage, ensembles, own, grid.teachers.weights, calibration)
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

  const contests = hands.compete()
  for (const [at, { wants }] of asked.entries()) {
    const trained = yield* during(contests[at], (turn) =>
      turn ? clock('baselines', turn.students, turn) : clock('combining', specs.length),
    )
    for (const rival of trained.filter(({ name }) => wants(name))) {
      rivals.push(rival)
      yield* score(rival)
    }
  }
  const scores = methods.map(({ name, test }) => ({ name, test: test ? keptScores(test) : null }))
  return { model: { ...model, provenance: { ...model.provenance, scores } }, config: resolved, methods, rivals }
}

function divergenceNotes({ losses }: StageResult): string[] {
  const gone = losses.filter((loss) => !Number.isFinite(loss)).length
  return gone > 0 ? [`${gone} of ${losses.length} students have no say: their validation loss did not stay finite`] : []
}

/** Where every model of the training comes from, and what it was left without. */
function provenanceOf({ session, data, splits, folds, resolved, notes }: Setting, record: SplitRecord): Provenance {
  return {
    library: VERSION,
    title: data.title ?? '',
    seed: resolved.seed,
    ...(session.kernels.relaxed() ? { numerics: 'fast' as const } : {}),
    digest: digest(data),
    subjects: idsDigest(data, data.ids.keys()),
    split: {
      ...record,
      train: splits.train.length,
      validation: folds ? 0 : splits.validation.length,
      ...(splits.calibration ? { calibration: splits.calibration.length } : {}),
      test: splits.test.length,
      testIds: idsDigest(data, splits.test),
    },
    config: { ...resolved, extractors: resolved.extractors.map((list) => list.map(extractorName)) },
    rho: 0,
    rhoLosses: [],
    notes,
  }
}

const idle = (stage: Progress['stage']): Progress => ({ stage, rho: 0, students: 0, epoch: 0, epochs: 0, done: 0, total: 1 })

type Clock = (stage: Progress['stage'], students: number, turn?: Turn) => Progress

/**
 * Counts optimizer steps of one student, of all that the run will take.
 * @param cohort steps of the cohort, at the most
 * @param rivals students of the baselines
 */
function clockOf(setting: Setting, cohort: number, rivals: number): Clock {
  const { epochs } = setting.resolved
  const total = cohort + stepsOver(onceOf(setting), setting.resolved) * rivals
  let done = 0
  return (stage, students, turn) => {
    // Steps that the cohort did not need after all are behind it too.
    if (stage === 'scoring') done = Math.max(done, cohort)
    if (turn) done = Math.min(done + turn.steps, total)
    return { stage, rho: turn?.rho ?? 0, students, epoch: turn?.epoch ?? 0, epochs, done, total }
  }
}
