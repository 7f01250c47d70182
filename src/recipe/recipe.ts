// The whole method as one page: prepare → extractors → cohort → ρ → ensembles → model, and the baselines beside it.

import { baselineStudents, baselinesOf } from '../baselines/baselines.ts'
import { ConfigError, DataError } from '../core/errors.ts'
import type { Progress } from '../core/types.ts'
import { VERSION } from '../core/version.ts'
import { checkDataset, type Dataset, digest } from '../data/dataset.ts'
import { preparedWidth } from '../data/prepare.ts'
import type { Splits } from '../data/split.ts'
import { ableStudents, patternsOf, sees } from '../fusion/availability.ts'
import type { Ensembles, Rule } from '../fusion/ensemble.ts'
import { evaluate, type Metrics } from '../fusion/evaluate.ts'
import { extractorName } from '../fusion/extractor.ts'
import { type Model, modelOutputs, type Provenance, type SplitRecord } from '../fusion/model.ts'
import { createPredictor } from '../fusion/predictor.ts'
import { type StudentSpec, studentName, studentOf } from '../fusion/student.ts'
import { combinations } from '../train/combinations.ts'
import { checkConfig, type Resolved, resolveConfig, type TrainConfig } from '../train/config.ts'
import { ensemblesOf, patternsWorth } from '../train/ensembling.ts'
import { modelTarget, prepareRows, projectRows, putTarget, splitSizes, targetOf, targetValues } from '../train/frame.ts'
import { firstBlocks } from '../train/init.ts'
import { cohortOutputs } from '../train/outputs.ts'
import type { Problem } from '../train/problem.ts'
import { runGrid } from '../train/rho.ts'
import { runStage, type StageResult } from '../train/stage.ts'
import { type Plan, planOf } from '../train/step.ts'
import { randomFrom } from '../wasm/random.ts'
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

/** The most rows of one pass over validation; training batches may be larger. */
const CHUNK = 64

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
  checkConfig(config)
  checkDataset(data)
  checkSplits(data, splits)
  const session = openTrainSession(module)
  const { preparations, sources } = prepareRows(session, data, splits.train)
  const names = preparations.map((p) => p.modality)
  const features = preparations.map(preparedWidth)
  const resolved = resolveConfig(config, {
    modalities: names.map((name, m) => ({ name, features: features[m] })),
    rows: splits.train.length,
    rowsOf: data.modalities.map(({ present }) => splits.train.reduce((n, row) => n + present[row], 0)),
  })
  const random = randomFrom(session, resolved.seed)
  const target = modelTarget(data.target, splits.train, resolved.standardizeTarget)
  const outputs = modelOutputs(target)
  const wanted = targetValues(data.target, target)
  const targetRows = putTarget(session, wanted, target)
  const patterns = patternsOf(data, names)
  const head = { hidden: resolved.head, activation: resolved.activation, outputs: outputs.length }

  const everyone = combinations(resolved.extractors, resolved.budget, random.fork('cohort')).map((extractors) => ({
    ...head,
    extractors,
  }))
  const canLearn = (spec: StudentSpec) => {
    const mine = sees(spec, patterns)
    return splits.train.some((row) => mine[row]) && splits.validation.some((row) => mine[row])
  }
  const cohort = everyone.filter(canLearn)
  if (cohort.length === 0) {
    throw new ConfigError(
      'no student has both a training row and a validation row with all of its modalities: list "skip" among the extractors, or give rows with more modalities',
    )
  }
  const left = everyone.length - cohort.length
  const notes =
    left === 0
      ? []
      : [`${left} of ${everyone.length} students were left out: no training or no validation row has all of their modalities`]
  const others = baselineStudents(names.length, head)

  // The clock of the whole run: optimizer steps times the students that take them.
  const batches = Math.ceil(splits.train.length / resolved.batch) * resolved.epochs
  const stages = 1 + resolved.rho.filter((rho) => rho > 0).length
  const total = batches * (cohort.length * stages + (resolved.baselines ? others.length : 0))
  let done = 0
  const { epochs } = resolved
  const progress = (stage: Progress['stage'], students: number, epoch = 0, rho = 0): Progress => ({
    stage,
    rho,
    students,
    epoch,
    epochs,
    done,
    total,
  })
  const projecting = projectRows(session, data, sources, resolved.extractors, splits.train, resolved.unitPca)
  let projected = projecting.next()
  for (; !projected.done; projected = projecting.next()) yield progress('preparing', cohort.length)
  const projections = projected.value

  const order = orders(splits.train, random.fork('order'))
  const problemOf = (specs: readonly StudentSpec[]): Problem => ({
    session,
    students: specs.map((spec) => studentOf(spec, features)),
    sees: specs.map((spec) => sees(spec, patterns)),
    sources,
    target: targetRows,
    train: splits.train,
    validation: splits.validation,
  })
  const start = session.memory.mark()
  const planFor = (specs: readonly StudentSpec[]) => {
    session.memory.release(start)
    const plan = planOf(problemOf(specs), Math.max(resolved.batch, CHUNK))
    const ownNames = specs.map((spec) => studentName(spec, names))
    const blocks = firstBlocks(plan.problem.students, ownNames, random.fork('weights'))
    return { plan, names: ownNames, starts: blocks.map((block) => ({ block })) }
  }
  const training = { epochs, batch: resolved.batch, optimizer: resolved.optimizer }

  const { plan, starts, names: studentNames } = planFor(cohort)
  const grid = runGrid(plan, starts, {
    ...training,
    rho: resolved.rho,
    warmStart: resolved.warmStart,
    order: (_, epoch) => order(epoch),
  })
  let turn = grid.next()
  for (; !turn.done; turn = grid.next()) {
    const { rho, epoch } = turn.value
    done += cohort.length
    yield progress(rho > 0 ? 'sharing' : 'screening', cohort.length, epoch, rho)
  }
  const { teachers, results, chosen, independent } = turn.value

  function* combine(from: Plan, stage: StageResult): Generator<Progress, Ensembles> {
    const specs = from.problem.students.map((s) => s.spec)
    const judged = {
      outputs: cohortOutputs(from, stage.best, splits.validation),
      students: specs.length,
      target: targetOf(wanted, splits.validation, outputs.length),
      width: outputs.length,
    }
    const worth = patternsWorth(
      names.length,
      [...splits.train, ...splits.validation].map((row) => patterns[row]),
    )
    const rows = Array.from(splits.validation, (row) => patterns[row])
    const work = ensemblesOf(session, judged, rows, worth, (p) => ableStudents(specs, p), stage.losses, resolved.greedy)
    let step = work.next()
    for (; !step.done; step = work.next()) yield progress('combining', cohort.length)
    return step.value
  }
  const provenance: Provenance = {
    library: VERSION,
    title: data.title ?? '',
    seed: resolved.seed,
    digest: digest(data),
    subjects: digest({ ...data, modalities: [] }),
    split: { ...record, ...splitSizes(splits) },
    config: { ...resolved, extractors: resolved.extractors.map((list) => list.map(extractorName)) },
    rho: chosen.stage.rho,
    rhoLosses: results.map(({ stage, loss }) => ({ rho: stage.rho, loss })),
    notes,
  }
  const modelOf = (
    from: Plan,
    ownNames: readonly string[],
    stage: StageResult,
    weights: Ensembles,
    teacher: Float32Array,
  ): Model => ({
    preparations,
    projections,
    target,
    students: from.problem.students.map(({ spec }, i) => ({
      name: ownNames[i],
      spec,
      block: stage.best[i].block,
      loss: stage.losses[i],
      teacher: teacher[i],
    })),
    ensembles: weights,
    best: resolved.greedy.best,
    provenance,
  })
  const model = modelOf(plan, studentNames, chosen.stage, yield* combine(plan, chosen.stage), teachers.weights)
  const alone = modelOf(plan, studentNames, independent, yield* combine(plan, independent), teachers.weights)

  const methods: MethodResult[] = []
  function* score(name: string, of: Model, rule: Rule): Generator<Progress, void> {
    if (splits.test.length === 0 || of.students.length === 0) {
      methods.push({ name, test: undefined })
      return
    }
    const prediction = createPredictor(openTrainSession(module), of, rule).predict(data, splits.test)
    methods.push({ name, test: evaluate(prediction, data.target, splits.test) })
    yield progress('scoring', of.students.length)
  }
  yield* score('meta-fusion', model, 'greedy')
  yield* score('best-single-student', model, 'best-single')
  yield* score('simple-average', model, 'simple-average')
  yield* score('weighted-average', model, 'weighted-average')
  yield* score('independent-greedy', alone, 'greedy')
  if (resolved.baselines) {
    const rival = planFor(others)
    const M = others.length
    const stage = runStage(rival.plan, {
      ...training,
      sharing: { rho: 0, teachers: new Float32Array(M) },
      starts: rival.starts,
      order,
      keepMoments: false,
    })
    let step = stage.next()
    for (; !step.done; step = stage.next()) {
      done += M
      yield progress('baselines', M, step.value.epoch)
    }
    const none: Ensembles = {
      patterns: [],
      weights: { greedy: [], 'best-single': [], 'simple-average': [], 'weighted-average': [] },
    }
    const whole = modelOf(rival.plan, rival.names, step.value, none, new Float32Array(M))
    for (const { method, members } of baselinesOf(names)) {
      const students = members.filter((i) => canLearn(others[i])).map((i) => whole.students[i])
      yield* score(method, { ...whole, students }, 'simple-average')
    }
  }
  return { model, config: resolved, methods }
}

/** The order of the training rows in each epoch: drawn once, the same for every ρ and for the baselines. */
function orders(train: Int32Array, random: ReturnType<typeof randomFrom>): (epoch: number) => Int32Array {
  return (epoch) =>
    random
      .fork(`epoch ${epoch}`)
      .permutation(train.length)
      .map((i) => train[i])
}

function checkSplits(data: Dataset, splits: Splits): void {
  const taken = new Set<number>()
  for (const name of ['train', 'validation', 'test'] as const) {
    const rows = splits[name]
    if (rows.length === 0 && name !== 'test') throw new DataError(`the split leaves no row for ${name}: give it at least one`)
    for (const row of rows) {
      if (!(row >= 0 && row < data.ids.length))
        throw new DataError(`the split names row ${row} and there are ${data.ids.length} rows`)
      if (taken.has(row))
        throw new DataError(`row ${row} ("${data.ids[row]}") is in two parts of the split: give each row to one`)
      taken.add(row)
    }
  }
}
