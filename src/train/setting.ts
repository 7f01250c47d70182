// What everything in a run is trained on: the same rows, heads, optimizer and batch order, for the cohort and its rivals.

import { ConfigError, DataError } from '../core/errors.ts'
import { checkDataset, type Dataset, type Modality } from '../data/dataset.ts'
import { ignoredColumns, type Preparation, preparedWidth } from '../data/prepare.ts'
import { checkSplits, type Splits } from '../data/split.ts'
import { type Pattern, patternsOf, sees } from '../fusion/availability.ts'
import { type Extractor, isCut } from '../fusion/extractor.ts'
import { type ModelTarget, modelOutputs } from '../fusion/model.ts'
import { type Projection, projectAll } from '../fusion/projection.ts'
import { type Solver, type Source, type StudentSpec, studentName, studentOf } from '../fusion/student.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import { type Random, randomFrom } from '../wasm/random.ts'
import { openTrainSession, type Session } from '../wasm/session.ts'
import { checkConfig, checkFit } from './check-config.ts'
import { combinations } from './combinations.ts'
import { type Encoder, type Resolved, resolveConfig, resolveManner, type Shape, type TrainConfig } from './config.ts'
import { crossFolds } from './cross-fit.ts'
import { frozenLayers, type Ground, trainNetworks } from './encoders.ts'
import { modelTarget, prepareRows, projectRows, putTarget, targetValues } from './frame.ts'
import { firstBlocks } from './init.ts'
import { needsOf } from './modality-dropout.ts'
import type { Problem, TargetRows } from './problem.ts'
import { weightsByClass } from './row-weights.ts'
import { type Start, shuffled } from './stage.ts'
import { capacityFor, type Plan, planOf } from './step.ts'

/** The data set in a session, prepared, and every decision made about it; nothing is trained yet. */
export interface Premises {
  readonly session: Session<TrainKernels>
  readonly data: Dataset
  /** Without validation rows of their own, all training rows stand for them, and `folds` are cross-fitted. */
  readonly splits: Splits
  readonly folds?: readonly Int32Array[]
  readonly resolved: Resolved
  readonly random: Random
  /** Modalities by name, and how many prepared features each has. */
  readonly names: readonly string[]
  readonly features: readonly number[]
  readonly preparations: readonly Preparation[]
  readonly sources: Map<string, Source>
  /** Which modalities each row has. */
  readonly patterns: readonly Pattern[]
  readonly target: ModelTarget
  /** The target as students learn it, of all rows: here and in the session. */
  readonly wanted: Int32Array | Float32Array
  readonly targetRows: TargetRows
  /** What every student's head has in common. */
  readonly head: Omit<StudentSpec, 'extractors' | 'fills'>
  /** The students of the cohort. */
  readonly specs: readonly StudentSpec[]
  /** The networks that some of them are cut from. */
  readonly encoders: readonly Encoder[]
  /** What was left out, one sentence each. */
  readonly notes: readonly string[]
}

/** The same, with what students begin with: the sources have the rows of every frozen extractor. */
export interface Setting extends Premises {
  readonly projections: readonly Projection[]
  /** Parameters of the networks that are cut, by modality. */
  readonly networks: ReadonlyMap<number, Float32Array>
}

/**
 * Checks and decides everything and prepares the rows.
 * @throws ShapeError, DataError, ConfigError, MemoryError
 */
export function premisesOf(module: WebAssembly.Module, data: Dataset, given: Splits, config: TrainConfig): Premises {
  checkConfig(config)
  checkDataset(data)
  checkSplits(data, given)
  const crossed = given.validation.length === 0
  const splits = crossed ? { ...given, validation: given.train } : given
  const session = openTrainSession(module)
  const { standardizeFeatures: standardize, unskew, clip } = resolveManner(config)
  const { preparations, sources } = prepareRows(session, data, splits.train, { standardize, unskew, clip })
  const names = preparations.map((p) => p.modality)
  const features = preparations.map(preparedWidth)
  if (features.every((count) => count === 0)) {
    throw new DataError('no feature of any modality varies in the training rows: give features that differ between subjects')
  }
  const shape: Shape = {
    task: data.target.task,
    modalities: names.map((name, m) => ({ name, features: features[m] })),
    rows: splits.train.length,
    validation: splits.validation.length,
    crossed,
    rowsOf: rowsWith(data, splits.train),
    pcaRowsOf: rowsWith(data, pcaRows(splits, config)),
    classes: data.target.task === 'classification' ? data.target.classes : undefined,
  }
  const resolved = resolveConfig(config, shape)
  checkFit(config, resolved, shape)
  const target = modelTarget(data.target, splits.train, resolved.standardizeTarget)
  const wanted = targetValues(data.target, target)
  const targetRows: TargetRows = {
    ...putTarget(session, wanted, target),
    weights: weightsByClass(data.target, splits.train, resolved.classWeights),
    smoothing: resolved.labelSmoothing,
  }
  const random = randomFrom(session, resolved.seed)
  const premises = {
    session,
    data,
    splits,
    folds: crossed ? foldsFor(data, splits.train, resolved, random) : undefined,
    resolved,
    random,
    names,
    features,
    preparations,
    sources,
    patterns: patternsOf(data, names),
    target,
    wanted,
    targetRows,
    head: { hidden: resolved.heads[0], activation: resolved.activation, outputs: modelOutputs(target).length },
  }
  const { specs, notes } = cohortSpecs(premises)
  return {
    ...premises,
    specs,
    encoders: resolved.encoders.filter(({ modality }) => specs.some((spec) => isCut(spec.extractors[modality]))),
    notes: [...data.modalities.flatMap((modality, m) => constantsNote(modality, preparations[m])), ...notes],
  }
}

/** Folds with every class in each, as far as it goes; of every repeat all. */
function foldsFor(
  { target, groups }: Dataset,
  rows: Int32Array,
  { folds, repeats }: Pick<Resolved, 'folds' | 'repeats'>,
  random: Random,
): Int32Array[] {
  const labels = target.task === 'classification' ? target.labels : undefined
  return Array.from({ length: repeats }, (_, r) =>
    crossFolds(rows, folds, random.fork(r === 0 ? 'folds' : `folds ${r + 1}`), labels, groups),
  ).flat()
}

/** Rows of a list that have each modality. */
export const rowsWith = ({ modalities }: Dataset, rows: Int32Array): number[] =>
  modalities.map(({ present }) => rows.reduce((n, row) => n + present[row], 0))

/** The rows that a PCA is fitted on. */
export const pcaRows = ({ train, validation }: Splits, config: Pick<TrainConfig, 'pcaRows'>): Int32Array =>
  config.pcaRows === 'train+validation' ? Int32Array.from([...train, ...validation]) : train

/**
 * Premises, and what is fitted and trained before the students: each PCA, and the networks that are cut.
 * @yields between the longer pieces of work
 * @throws ShapeError, DataError, ConfigError, MemoryError
 */
export function* settingOf(
  module: WebAssembly.Module,
  data: Dataset,
  splits: Splits,
  config: TrainConfig,
): Generator<void, Setting> {
  const premises = premisesOf(module, data, splits, config)
  const { session, sources, resolved, features, names, random } = premises
  const fitted = pcaRows(splits, resolved)
  const projections = yield* projectRows(session, data, sources, resolved.extractors, fitted, resolved.unitPca)
  const { blocks, diverged } = yield* trainNetworks(groundOf(premises), premises.encoders, random.fork('encoders'))
  const frozen = premises.encoders.flatMap(({ modality }) => {
    const block = blocks.get(modality) as Float32Array
    return frozenLayers(modality, resolved.extractors[modality], features[modality], block, resolved.activation)
  })
  projectAll(session, sources, frozen, data.ids.length)
  const failed = diverged.map((m) => `the network of "${names[m]}" that is cut diverged and is left untrained: lower its rate`)
  return { ...premises, projections: [...projections, ...frozen], networks: blocks, notes: [...premises.notes, ...failed] }
}

/** The same setting elsewhere, from what was fitted and trained for it: nothing is fitted or trained again. */
export function settingAgain(
  module: WebAssembly.Module,
  data: Dataset,
  splits: Splits,
  config: TrainConfig,
  { projections, networks }: Pick<Setting, 'projections' | 'networks'>,
): Setting {
  const premises = premisesOf(module, data, splits, config)
  projectAll(premises.session, premises.sources, projections, data.ids.length)
  return { ...premises, projections, networks }
}

/** The splits as they were given. */
export const givenSplits = ({ splits, folds }: Premises): Splits => (folds ? { ...splits, validation: new Int32Array() } : splits)

/** What networks are trained in before the students. */
export const groundOf = ({ session, features, sources, targetRows, data, splits, resolved }: Premises): Ground => ({
  session,
  features,
  sources,
  target: targetRows,
  present: data.modalities.map(({ present }) => present),
  train: splits.train,
  validation: splits.validation,
  resolved,
})

/** The cohort: every combination of extractors within the budget that some training and some validation row can see. */
function cohortSpecs(premises: Omit<Premises, 'specs' | 'encoders' | 'notes'>): { specs: StudentSpec[]; notes: string[] } {
  const trained = trainedSpecs(premises)
  const specs = [...trained, ...solvedSpecs(premises)].filter((spec) => canLearn(premises, spec))
  if (specs.length === 0) {
    throw new ConfigError(
      'no student has both a training row and a validation row with all of its modalities: list "skip" among the extractors, or give rows with more modalities',
    )
  }
  const names = specs.map((spec) => studentName(spec, premises.names))
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new ConfigError(`two students are called "${twice}": give the modalities other names`)
  const left = trained.length - specs.filter(({ solved }) => !solved).length
  const note = `${left} of ${trained.length} students were left out: no training or no validation row has all of their modalities`
  return { specs, notes: left > 0 ? [note] : [] }
}

/** Students that take steps: every combination with every head where there is room for them, else each with one, as many with each. */
function trainedSpecs({ resolved, random, head }: Pick<Premises, 'resolved' | 'random' | 'head'>): StudentSpec[] {
  const { heads, budget } = resolved
  const found = combinations(resolved.extractors, budget, random.fork('cohort'))
  const each = found.length * heads.length <= budget
  // Drawn: in the order of combinations a head would go with an extractor of the last modality.
  const turn = random.fork('heads').permutation(found.length)
  return found.flatMap((extractors, at) =>
    heads.flatMap((hidden, h) => {
      if (!each && turn[at] % heads.length !== h) return []
      return { ...head, hidden, extractors, ...(h > 0 ? { variant: hidden.join(',') || 'linear' } : {}) }
    }),
  )
}

/** Of up to so many modalities every subset has solved students; of more, each one, all, and up to `LEFT_OUT_UP_TO` all but one. */
const ALL_SUBSETS_UP_TO = 3
const LEFT_OUT_UP_TO = 8

/** Up to so many features a random layer looks at them as they are, of more at their PCA; where there is none there is no such student. */
const WIDE = 64

const RAW: Extractor = { kind: 'raw' }

/** Students that are solved: linear ones on the features as they are and on each PCA, sparse ones, and random layers. */
function solvedSpecs(premises: Pick<Premises, 'resolved' | 'names' | 'head' | 'features'>): StudentSpec[] {
  const { resolved, names, head, features } = premises
  const M = names.length
  const alone = names.map((_, m) => 2 ** m)
  const all = 2 ** M - 1
  const subsets =
    M <= ALL_SUBSETS_UP_TO
      ? Array.from({ length: all }, (_, s) => s + 1)
      : [...new Set([...alone, all, ...(M <= LEFT_OUT_UP_TO ? alone.map((one) => all - one) : [])])]
  const found = new Map<string, StudentSpec>()
  /** A student of a subset of the modalities, which looks at the PCA of those that are to be condensed; as the lists of extractors allow. */
  function add(solved: Solver, subset: number, condensed: (m: number) => boolean): void {
    if (!resolved.solved.includes(solved)) return
    const extractors = resolved.extractors.map((list, m): Extractor | undefined => {
      const pca = list.find((e) => e.kind === 'pca')
      const raw = list.find((e) => e.kind === 'raw') ?? (pca ? undefined : RAW)
      if (Math.floor(subset / 2 ** m) % 2 === 0 || features[m] === 0) return list.find((e) => e.kind === 'skip')
      if (!condensed(m)) return raw ?? pca
      return pca ?? (solved === 'random' ? undefined : raw)
    })
    if (!extractors.every((e) => e !== undefined) || extractors.every((e) => e.kind === 'skip')) return
    const spec: StudentSpec = { ...head, hidden: solved === 'random' ? [RANDOM_WIDTH] : [], extractors, solved }
    found.set(studentName(spec, names), spec)
  }
  for (const subset of subsets) {
    add('ridge', subset, () => false)
    add('ridge', subset, () => true)
    // Of all but one of many, what is worth its time is in the others.
    if (M <= ALL_SUBSETS_UP_TO || subset === all || alone.includes(subset)) add('lasso', subset, () => false)
    add('random', subset, (m) => features[m] > WIDE)
  }
  return [...found.values()]
}

/** Of a random layer. */
const RANDOM_WIDTH = 512

/** A note if a modality has features that are left out. */
function constantsNote(modality: Modality, preparation: Preparation): string[] {
  if (preparation.columns.length === 0) {
    return [`no feature of "${modality.name}" varies in the training rows: no student looks at it`]
  }
  const names = ignoredColumns(preparation, modality)
  if (names.length === 0) return []
  const [what, do_, are] = names.length === 1 ? ['feature', 'does', 'is'] : ['features', 'do', 'are']
  const shown = [...names.slice(0, 5), ...(names.length > 5 ? ['…'] : [])].join(', ')
  return [`${names.length} ${what} of "${modality.name}" ${do_} not vary in the training rows and ${are} left out: ${shown}`]
}

/** Some students, planned in the session, with their first weights. */
export interface Group {
  readonly plan: Plan
  readonly specs: readonly StudentSpec[]
  readonly names: readonly string[]
  readonly starts: readonly Start[]
}

/** How a group is trained. */
interface Manner {
  /** Whether rows may lose modalities, as configured: those of the cohort do, those of its rivals do not. */
  readonly losing?: boolean
}

/** Some students as what they are to be trained on. */
export function problemOf(premises: Premises, specs: readonly StudentSpec[], { losing }: Manner = {}): Problem {
  const { session, sources, splits, folds, patterns, features, targetRows, resolved, random, names } = premises
  const drops = random.fork('dropout')
  const streams = () => specs.map((spec) => drops.fork(studentName(spec, names)))
  const rate = resolved.modalityDropout
  return {
    session,
    students: specs.map((spec) => studentOf(spec, features)),
    sees: specs.map((spec) => sees(spec, patterns)),
    sources,
    target: targetRows,
    train: splits.train,
    validation: splits.validation,
    folds,
    solved: specs.some((spec) => spec.solved) ? specs.map((spec) => spec.solved) : undefined,
    dropout: resolved.dropout > 0 ? { rate: resolved.dropout, streams: streams() } : undefined,
    losing:
      losing && rate > 0 ? { rate, random: random.fork('modality dropout'), patterns, needs: specs.map(needsOf) } : undefined,
  }
}

/** The most rows that are run at once. */
export const capacityOf = ({ resolved, splits }: Premises): number => capacityFor(resolved.batch, splits.train.length)

/** Plans a group of students at the top of the session's stack. */
export function groupOf(setting: Setting, specs: readonly StudentSpec[], manner?: Manner): Group {
  const names = specs.map((spec) => studentName(spec, setting.names))
  const problem = problemOf(setting, specs, manner)
  const blocks = firstBlocks(problem.students, names, setting.random.fork('weights'), setting.networks)
  const plan = planOf(problem, capacityOf(setting))
  return { plan, specs, names, starts: blocks.map((block) => ({ block })) }
}

/** Whether a student has any feature, and some training row and some validation row have what it needs. */
export function canLearn(
  { features, patterns, splits }: Pick<Premises, 'features' | 'patterns' | 'splits'>,
  spec: StudentSpec,
): boolean {
  if (!spec.extractors.some(({ kind }, m) => kind !== 'skip' && features[m] > 0)) return false
  const mine = sees(spec, patterns)
  return splits.train.some((row) => mine[row]) && splits.validation.some((row) => mine[row])
}

/** The order of the training rows in an epoch: the same for every ρ and for the rivals. */
export const batchOrder = ({ splits, random }: Setting): ((epoch: number) => Int32Array) =>
  shuffled(splits.train, random.fork('order'))
