import { ConfigError } from '../core/errors.ts'
import { AVERAGES, type Average, RULES, type Rule, rulesOf, usualRules } from '../fusion/ensemble.ts'
import {
  type Cut,
  EXTRACTORS,
  type Extractor,
  extractorName,
  extractorWidth,
  isCut,
  parseExtractor,
} from '../fusion/extractor.ts'
import { ACTIVATIONS, type Activation } from '../nn/dense.ts'
import { type EnsembleSpec, GREEDY_METRICS, type GreedySpec } from './ensembling.ts'
import { BY_CLUSTER, TEACHERS } from './mutual.ts'
import { ADAM, type OptimizerSpec } from './optimizer.ts'
import { RHO_CHOICES, type RhoChoice, type Teaching, WARM_STARTS, type WarmStart } from './rho.ts'
import type { ClassWeights } from './row-weights.ts'
import { SCHEDULES, type Schedule } from './schedule.ts'
import { NORMALIZERS } from './sharing.ts'
import { STACKING_ROWS, type StackingSpec } from './stacking.ts'

/** What a user may set; everything has a default. As JSON, it is the CLI's `--config`. */
export interface TrainConfig {
  /** A whole number, 0 … 2³² - 1: same seed, same model. Default 0. */
  readonly seed?: number
  /**
   * Extractors by modality, `"*"` for those not named: `skip`, `raw`, `pca(30)`, `mlp(128,64)`, `sliced(128,70)`,
   * `frozen-sliced(128,70)`. Default: by the data's shape.
   */
  readonly extractors?: Readonly<Record<string, readonly string[]>>
  /**
   * How the networks are trained that `sliced` and `frozen-sliced` cut, by modality, `"*"` for what is not set by name.
   * Default: the epochs and decay of the students, rate 0.001. Never with dropout, schedule or patience.
   */
  readonly encoders?: Readonly<Record<string, Partial<EncoderCourse>>>
  /** The most students; every modality alone and all together take part even beyond it. Default 64. */
  readonly budget?: number
  /** Hidden widths of every head. Default [64, 32]. */
  readonly head?: readonly number[]
  /** Between hidden layers. Default `relu`. */
  readonly activation?: Activation
  /** Sharing strengths to try, each once; 0 is always tried. Default [0, 0.99, 3], as in the paper. */
  readonly rho?: readonly number[]
  /** Passes over the training rows at each ρ. Default: about 600 optimizer steps, 10 to 100 passes. */
  readonly epochs?: number
  /** Rows per step. Default 64; 32 below 150 training rows. */
  readonly batch?: number
  /** Default: adamw, rate 0.001, decay by the number of training rows; without decay where another kind is named. */
  readonly optimizer?: Partial<OptimizerSpec>
  /** How the learning rate moves within a stage. Default constant. */
  readonly schedule?: Schedule
  /** A stage ends after this many epochs in which no student improved on its best validation loss; 0 for never, the default. */
  readonly patience?: number
  /** Share of the hidden values of heads and encoders that each training step sets to 0. Default 0. */
  readonly dropout?: number
  /** Share of a row's target that training spreads over all classes; classification only. Default 0. */
  readonly labelSmoothing?: number
  /** What rows count by class in every loss but the divergence; classification only. Default `none`; a class not named has 1. */
  readonly classWeights?: ClassWeights
  /** Where a ρ > 0 starts from: `none` (the first weights), `first` (the authors' code), `all` or `weights`. Default none. */
  readonly warmStart?: WarmStart
  /** What ρ is chosen by: the greedy `ensemble`'s validation loss, or the `teachers`' mean as the authors do. Default ensemble. */
  readonly chooseRho?: RhoChoice
  /** Who teaches and how much each counts. Default: the best cluster, their number by silhouette, normalised over all. */
  readonly teaching?: Partial<Teaching>
  /** Rules that are built. Default: greedy, best-single, simple- and weighted-average, and a classification's two votes. */
  readonly ensembles?: readonly Rule[]
  /** What a classification's averages are of, greedy's included: logits or probabilities. Default logits, as the authors. */
  readonly average?: Average
  /** Greedy selection. Default best 3, prune 0.2, most 30, metric loss. */
  readonly greedy?: Partial<GreedySpec>
  /** Bagging draws this share of the number of students. Default 0.6. */
  readonly bagging?: Partial<EnsembleSpec['bagging']>
  /** The meta learner. Default: validation rows, 5 folds, rate 0.01, no decay, as many steps as a student takes. */
  readonly stacking?: Partial<StackingSpec>
  /** Divide numbers by their standard deviation over the training rows; without, they are only centred. Default true. */
  readonly standardizeFeatures?: boolean
  /** Learn (y - mean) / sd of a regression's outputs instead of y. Default true. */
  readonly standardizeTarget?: boolean
  /** Rows a PCA is fitted on: `train`, or `train+validation` as the authors' code. Default train. */
  readonly pcaRows?: (typeof PCA_ROWS)[number]
  /** Divide PCA scores by one common number so that they are as large as standardised features. Default true. */
  readonly unitPca?: boolean
  /** Share of rows for validation: of all rows, or of the training rows where a split is given. Default 0.15; 0.2 of a given train part. */
  readonly validation?: number
  /** Share of rows for testing where no split is given. Default 0.15. */
  readonly test?: number
  /** What to compare with, by name (`baselines/baselines.ts`); true for the usual ones. Default true. */
  readonly baselines?: boolean | readonly string[]
}

export const PCA_ROWS = ['train', 'train+validation'] as const

/** How a network is trained on a modality alone, with the students' optimizer but for its rate and decay. */
export interface EncoderCourse {
  readonly epochs: number
  readonly rate: number
  readonly decay: number
}

/** The network that a modality's cuts come from; widths are hidden … latents, the longest cut's. */
export interface Encoder extends EncoderCourse {
  readonly modality: number
  readonly widths: readonly number[]
}

/** Every setting decided. */
export interface Resolved {
  readonly seed: number
  readonly extractors: readonly (readonly Extractor[])[]
  readonly encoders: readonly Encoder[]
  readonly budget: number
  readonly head: readonly number[]
  readonly activation: Activation
  readonly rho: readonly number[]
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerSpec
  readonly schedule: Schedule
  readonly patience: number
  readonly dropout: number
  readonly labelSmoothing: number
  readonly classWeights: ClassWeights
  readonly warmStart: WarmStart
  readonly chooseRho: RhoChoice
  readonly teaching: Teaching
  readonly ensembles: readonly Rule[]
  readonly average: Average
  readonly greedy: Required<GreedySpec>
  readonly bagging: EnsembleSpec['bagging']
  readonly stacking: StackingSpec
  readonly standardizeFeatures: boolean
  readonly standardizeTarget: boolean
  readonly pcaRows: (typeof PCA_ROWS)[number]
  readonly unitPca: boolean
  readonly baselines: boolean | readonly string[]
}

/** What defaults depend on. */
export interface Shape {
  readonly task: 'classification' | 'regression'
  /** Names and prepared features of the modalities. */
  readonly modalities: readonly { readonly name: string; readonly features: number }[]
  /** Validation rows. */
  readonly validation: number
  /** Training rows, and how many of them have each modality. */
  readonly rows: number
  readonly rowsOf: readonly number[]
  /** Of a classification. */
  readonly classes?: readonly string[]
  /** Rows that a PCA of each modality is fitted on; `rowsOf` when left out. */
  readonly pcaRowsOf?: readonly number[]
}

/** Sharing strengths where none are given. */
export const RHO: readonly number[] = [0, 0.99, 3]

const KEYS: readonly (keyof TrainConfig)[] = [
  'seed',
  'extractors',
  'encoders',
  'budget',
  'head',
  'activation',
  'rho',
  'epochs',
  'batch',
  'optimizer',
  'schedule',
  'patience',
  'dropout',
  'labelSmoothing',
  'classWeights',
  'warmStart',
  'chooseRho',
  'teaching',
  'ensembles',
  'average',
  'greedy',
  'bagging',
  'stacking',
  'standardizeFeatures',
  'standardizeTarget',
  'pcaRows',
  'unitPca',
  'validation',
  'test',
  'baselines',
]

/** Checks names, types and ranges. @throws ConfigError naming the key, the value and what is allowed */
export function checkConfig(config: unknown): TrainConfig {
  const c = record('the configuration', config, KEYS) as TrainConfig
  whole('seed', c.seed, 0, 2 ** 32 - 1)
  whole('budget', c.budget, 1, 4096)
  list('head', c.head, (v, key) => whole(key, v, 1, 65536))
  list('rho', c.rho, (v, key) => number(key, v, 0, 1000))
  if (c.rho?.length === 0) refuse('rho', c.rho, 'at least one number from 0 on')
  const twice = c.rho?.find((v, i) => c.rho?.indexOf(v) !== i)
  if (twice !== undefined) refuse('rho', c.rho, `each number once, and ${twice} is there again`)
  whole('epochs', c.epochs, 1, 100_000)
  whole('batch', c.batch, 1, 65536)
  whole('patience', c.patience, 0, 100_000)
  for (const key of ['dropout', 'labelSmoothing'] as const) share(key, c[key])
  if (c.schedule !== undefined) checkSchedule(c.schedule)
  if (c.classWeights !== undefined) checkClassWeights(c.classWeights)
  oneOf('activation', c.activation, ACTIVATIONS)
  for (const key of ['standardizeFeatures', 'standardizeTarget', 'unitPca'] as const) oneOf(key, c[key], [true, false])
  checkBaselines(c.baselines)
  oneOf('warmStart', c.warmStart, WARM_STARTS)
  oneOf('chooseRho', c.chooseRho, RHO_CHOICES)
  oneOf('pcaRows', c.pcaRows, PCA_ROWS)
  checkTeaching(c.teaching ?? {})
  if (c.patience && c.patience <= (c.teaching?.burnIn ?? 0))
    refuse(
      'patience',
      c.patience,
      `a whole number above teaching.burnIn, which is ${c.teaching?.burnIn}: else a stage may end before sharing begins`,
    )
  for (const key of ['validation', 'test'] as const) {
    if (c[key] !== undefined && !(typeof c[key] === 'number' && c[key] > 0 && c[key] < 1))
      refuse(key, c[key], 'a number between 0 and 1')
  }
  const o = record('optimizer', c.optimizer ?? {}, Object.keys(ADAM)) as Partial<OptimizerSpec>
  oneOf('optimizer.kind', o.kind, ['sgd', 'adam', 'adamw'])
  for (const key of ['rate', 'epsilon'] as const) positive(`optimizer.${key}`, o[key], 1e6)
  for (const key of ['decay', 'clip'] as const) number(`optimizer.${key}`, o[key], 0, 1e6)
  for (const key of ['momentum', 'beta1', 'beta2'] as const) number(`optimizer.${key}`, o[key], 0, 0.999999)
  checkEnsembles(c)
  for (const [name, names] of Object.entries(record('extractors', c.extractors ?? {}))) {
    list(`extractors.${name}`, names, (v, key) => {
      if (typeof v !== 'string') refuse(key, v, EXTRACTORS)
      else parseExtractor(v)
    })
  }
  for (const [name, given] of Object.entries(record('encoders', c.encoders ?? {}))) {
    const e = record(`encoders.${name}`, given, ['epochs', 'rate', 'decay']) as Partial<EncoderCourse>
    whole(`encoders.${name}.epochs`, e.epochs, 1, 100_000)
    positive(`encoders.${name}.rate`, e.rate, 1e6)
    number(`encoders.${name}.decay`, e.decay, 0, 1e6)
  }
  return c
}

function checkEnsembles(c: TrainConfig): void {
  list('ensembles', c.ensembles, (v, key) => oneOf(key, v, RULES))
  if (c.ensembles && (c.ensembles.length === 0 || new Set(c.ensembles).size < c.ensembles.length))
    refuse('ensembles', c.ensembles, `at least one of ${RULES.join(', ')}, each once`)
  oneOf('average', c.average, AVERAGES)
  const g = record('greedy', c.greedy ?? {}, ['best', 'prune', 'most', 'metric']) as Partial<GreedySpec>
  whole('greedy.best', g.best, 1, 4096)
  whole('greedy.most', g.most, 1, 4096)
  number('greedy.prune', g.prune, 0, 0.99)
  oneOf('greedy.metric', g.metric, [...new Set(Object.values(GREEDY_METRICS).flat())])
  const b = record('bagging', c.bagging ?? {}, ['share']) as Partial<EnsembleSpec['bagging']>
  positive('bagging.share', b.share, 100)
  const s = record('stacking', c.stacking ?? {}, ['rows', 'epochs', 'rate', 'decay', 'folds']) as Partial<StackingSpec>
  oneOf('stacking.rows', s.rows, STACKING_ROWS)
  whole('stacking.epochs', s.epochs, 1, 100_000)
  positive('stacking.rate', s.rate, 1e6)
  number('stacking.decay', s.decay, 0, 1e6)
  whole('stacking.folds', s.folds, 2, 100)
}

/** What is asked of ensembles must be there for the task. */
function checkTask({ ensembles, average, greedy }: TrainConfig, task: Shape['task']): void {
  list('ensembles', ensembles, (v, key) => oneOf(key, v, rulesOf(task)))
  if (task === 'regression') oneOf('average', average, ['logits'])
  oneOf('greedy.metric', greedy?.metric, GREEDY_METRICS[task])
}

/** Which names there are is for the baselines themselves to say. */
function checkBaselines(given: unknown): void {
  if (given === undefined || typeof given === 'boolean') return
  if (!Array.isArray(given)) refuse('baselines', given, 'true, false or a list of names')
  list('baselines', given, (v, key) => {
    if (typeof v !== 'string') refuse(key, v, 'the name of a baseline')
    if (given.indexOf(v) !== given.lastIndexOf(v)) refuse('baselines', given, `each name once, and ${v} is there again`)
  })
}

function checkTeaching(given: unknown): void {
  const t = record('teaching', given, ['teachers', 'clusters', 'scale', 'normalizer', 'burnIn']) as Partial<Teaching>
  oneOf('teaching.teachers', t.teachers, TEACHERS)
  oneOf('teaching.normalizer', t.normalizer, NORMALIZERS)
  whole('teaching.burnIn', t.burnIn, 0, 100_000)
  if (t.clusters !== 'silhouette' && t.clusters !== 'elbow' && !inWhole(t.clusters, 1, 4096))
    refuse('teaching.clusters', t.clusters, 'silhouette, elbow or a whole number from 1 to 4096')
  const twice = typeof t.scale === 'number' ? 2 * t.scale : t.scale
  if (!inWhole(twice, 0, 20)) refuse('teaching.scale', t.scale, 'a multiple of 0.5 from 0 to 10')
}

function checkSchedule(given: unknown): void {
  const { kind } = record('schedule', given)
  if (kind === undefined) refuse('schedule.kind', kind, SCHEDULES.join(', '))
  oneOf('schedule.kind', kind, SCHEDULES)
  const parts = kind === 'cosine' ? ['floor'] : kind === 'step' ? ['every', 'factor'] : []
  const s = record('schedule', given, ['kind', ...parts])
  number('schedule.floor', s.floor, 0, 1e6)
  if (kind !== 'step') return
  if (s.every === undefined || !inWhole(s.every, 1, 100_000)) refuse('schedule.every', s.every, 'a whole number from 1 to 100000')
  if (!(typeof s.factor === 'number' && s.factor > 0 && s.factor <= 1))
    refuse('schedule.factor', s.factor, 'a number above 0, up to 1')
}

function checkClassWeights(given: unknown): void {
  if (given === 'none' || given === 'balanced') return
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse('classWeights', given, 'none, balanced, or an object of weights by class')
  for (const [name, weight] of Object.entries(given as object)) positive(`classWeights.${name}`, weight, 1e6)
}

/** What only makes sense of classes, and of these. */
function checkClasses({ labelSmoothing = 0, classWeights = 'none' }: TrainConfig, classes: readonly string[] | undefined): void {
  if (!classes && labelSmoothing > 0) refuse('labelSmoothing', labelSmoothing, '0, since the target is a regression')
  if (!classes && classWeights !== 'none') refuse('classWeights', classWeights, 'none, since the target is a regression')
  if (!classes || typeof classWeights === 'string') return
  const unknown = Object.keys(classWeights).find((name) => !classes.includes(name))
  if (unknown !== undefined) refuse('classWeights', unknown, `the classes ${classes.join(', ')}`)
}

/** Decides every setting for a data set. @throws ConfigError when an extractor does not fit the data */
export function resolveConfig(config: TrainConfig, shape: Shape): Resolved {
  const { rows, modalities } = shape
  const known = new Set(['*', ...modalities.map((m) => m.name)])
  for (const key of ['extractors', 'encoders'] as const) {
    for (const name of Object.keys(config[key] ?? {})) {
      if (!known.has(name)) refuse(key, name, `the modalities ${modalities.map((m) => m.name).join(', ')}, or "*" for all others`)
    }
  }
  checkTask(config, shape.task)
  checkClasses(config, shape.classes)
  const batch = config.batch ?? (rows < 150 ? 32 : 64)
  const steps = Math.ceil(rows / batch)
  const { kind = 'adamw', ...optimizer } = given(config.optimizer)
  const epochs = config.epochs ?? Math.min(100, Math.max(10, Math.ceil(600 / steps)))
  const greedy = { best: 3, prune: 0.2, most: 30, metric: 'loss' as const, ...given(config.greedy) }
  const schedule = given<Schedule>(config.schedule ?? { kind: 'constant' }) as Schedule
  const rate = optimizer.rate ?? ADAM.rate
  if (schedule.kind === 'cosine' && (schedule.floor ?? 0) > rate)
    refuse('schedule.floor', schedule.floor, `a number from 0 to optimizer.rate, which is ${rate}`)
  const decay = optimizer.decay ?? (kind === 'adamw' ? Math.min(3, Math.max(0.1, 600 / rows)) : 0)
  const pcaRows = config.pcaRows ?? 'train'
  const extractors = modalities.map((m, i) => {
    const listed = new Map(Object.entries(config.extractors ?? {}))
    const names = listed.get(m.name) ?? listed.get('*')
    if (m.features === 0) return checkUnused(m.name, listed.get(m.name))
    const chosen = names ? names.map(parseExtractor) : defaultExtractors(m.features, shape.rowsOf[i])
    return checkExtractors(m, (shape.pcaRowsOf ?? shape.rowsOf)[i], pcaRows, chosen)
  })
  const courses = new Map(Object.entries(config.encoders ?? {}))
  const encoders = extractors.flatMap((list, modality): Encoder[] => {
    const widths = longestCut(list)?.widths
    if (!widths) return []
    const own = { ...given(courses.get('*')), ...given(courses.get(modalities[modality].name)) }
    return [{ modality, widths, epochs, rate: ADAM.rate, decay, ...own }]
  })
  return {
    seed: config.seed ?? 0,
    extractors,
    encoders,
    budget: config.budget ?? 64,
    head: config.head ?? [64, 32],
    activation: config.activation ?? 'relu',
    rho: config.rho ?? RHO,
    epochs,
    batch,
    optimizer: { ...ADAM, ...optimizer, decay, kind },
    schedule,
    patience: config.patience ?? 0,
    dropout: config.dropout ?? 0,
    labelSmoothing: config.labelSmoothing ?? 0,
    classWeights:
      typeof config.classWeights === 'object'
        ? (given(config.classWeights) as Record<string, number>)
        : (config.classWeights ?? 'none'),
    warmStart: config.warmStart ?? 'none',
    chooseRho: config.chooseRho ?? 'ensemble',
    teaching: { ...BY_CLUSTER, normalizer: 'all', burnIn: 0, ...given(config.teaching) },
    ensembles: config.ensembles ?? usualRules(shape.task),
    average: config.average ?? 'logits',
    greedy: { ...greedy, best: Math.min(greedy.best, greedy.most) },
    bagging: { share: 0.6, ...given(config.bagging) },
    stacking: resolveStacking(config.stacking, epochs, batch, shape),
    standardizeFeatures: config.standardizeFeatures ?? true,
    standardizeTarget: config.standardizeTarget ?? true,
    pcaRows,
    unitPca: config.unitPca ?? true,
    baselines: config.baselines ?? true,
  }
}

/** On validation rows, which are fewer, by default as many steps as on training rows. */
function resolveStacking(
  asked: TrainConfig['stacking'],
  epochs: number,
  batch: number,
  { rows, validation }: Shape,
): StackingSpec {
  const stacking = { rows: 'validation' as const, rate: META_RATE, decay: 0, folds: 5, ...given(asked) }
  const passes = Math.ceil(rows / batch) / Math.ceil(validation / batch)
  return { epochs: stacking.rows === 'validation' ? Math.ceil(epochs * Math.max(1, passes)) : epochs, ...stacking }
}

/**
 * Ten times the students' rate: the network is small, and in as many steps as theirs it does not arrive with that. At the authors'
 * 0.1 a step of Adam is as large as the first weights are, ± 1 / √(students · outputs).
 */
const META_RATE = 0.01

/** The settings that are set: one that is undefined would hide its default. */
const given = <T extends object>(settings: Partial<T> = {}): Partial<T> =>
  Object.fromEntries(Object.entries(settings ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>

/** Components of a default PCA: 32, or what the rows carry; a modality with hardly more features than that is used raw only. */
function defaultExtractors(features: number, rows: number): Extractor[] {
  const components = Math.min(32, Math.floor(rows / 8))
  const list: Extractor[] = [{ kind: 'skip' }, { kind: 'raw' }]
  if (components >= 2 && features > 2 * components) list.push({ kind: 'pca', components })
  if (features > 16) list.push({ kind: 'mlp', widths: [32, 16] })
  return list
}

/** A modality without a feature to learn from is looked at by nobody. */
function checkUnused(name: string, asked: readonly string[] = []): readonly Extractor[] {
  if (asked.some((text) => parseExtractor(text).kind !== 'skip')) {
    refuse(`extractors.${name}`, asked.join(', '), `skip alone: no feature of "${name}" varies in the training rows`)
  }
  return [{ kind: 'skip' }]
}

/** The cut that has all layers of its network; the first of equals. */
const longestCut = (list: readonly Extractor[]): Cut | undefined =>
  list.filter(isCut).reduce<Cut | undefined>((most, e) => (most && most.widths.length >= e.widths.length ? most : e), undefined)

function checkExtractors(
  m: { name: string; features: number },
  rows: number,
  fitted: Resolved['pcaRows'],
  chosen: readonly Extractor[],
): readonly Extractor[] {
  const key = `extractors.${m.name}`
  const names = chosen.map(extractorName)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) refuse(key, twice, 'each extractor once')
  if (!chosen.some((e) => e.kind !== 'skip')) refuse(key, names.join(', '), 'at least one extractor besides skip')
  for (const e of chosen) {
    const most = Math.min(m.features, rows - 1)
    if (e.kind === 'pca' && e.components > most) {
      refuse(
        key,
        extractorName(e),
        `${most < 1 ? 'no pca' : `at most pca(${most})`}: there are ${m.features} features and ${rows} ${fitted === 'train' ? 'training rows' : 'training and validation rows'} that have them`,
      )
    }
    if ('widths' in e && extractorWidth(e, m.features) > m.features)
      refuse(
        key,
        extractorName(e),
        `at most ${m.features} for the last width: a latent wider than the features condenses nothing`,
      )
  }
  const whole = longestCut(chosen)
  const stray = whole && chosen.find((e) => isCut(e) && e.widths.some((width, l) => width !== whole.widths[l]))
  if (stray) {
    refuse(
      key,
      extractorName(stray),
      `the first widths of (${whole.widths.join(',')}): all sliced extractors of a modality are cuts of one network`,
    )
  }
  return chosen
}

/** @throws ConfigError always: the key, the value and what is allowed */
export function refuse(key: string, value: unknown, allowed: string): never {
  // JSON has no word for NaN, Infinity and a bigint.
  const shown = typeof value === 'number' || typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  throw new ConfigError(`${key} is ${shown}: allowed is ${allowed}`)
}

function record(key: string, value: unknown, allowed?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(key, value, 'an object of settings')
  const unknown = allowed && Object.keys(value).find((name) => !allowed.includes(name))
  if (unknown !== undefined) throw new ConfigError(`${key} has no setting "${unknown}": there are ${allowed?.join(', ')}`)
  return value as Record<string, unknown>
}

function number(key: string, value: unknown, low: number, high: number): void {
  if (value === undefined || (typeof value === 'number' && value >= low && value <= high)) return
  refuse(key, value, `a number from ${low} to ${high}`)
}

/** Below 1 in f32 too, where the kernels hold it. */
function share(key: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && Math.fround(value) < 1)) return
  refuse(key, value, 'a number from 0 to below 1')
}

/** Above 0 in f32 too, where the kernels hold it. */
function positive(key: string, value: unknown, high: number): void {
  if (value === undefined || (typeof value === 'number' && Math.fround(value) > 0 && value <= high)) return
  refuse(key, value, `a number above 0, up to ${high}`)
}

const inWhole = (value: unknown, low: number, high: number): boolean =>
  value === undefined || (Number.isInteger(value) && (value as number) >= low && (value as number) <= high)

function whole(key: string, value: unknown, low: number, high: number): void {
  if (!inWhole(value, low, high)) refuse(key, value, `a whole number from ${low} to ${high}`)
}

function oneOf(key: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) refuse(key, value, allowed.join(', '))
}

function list(key: string, value: unknown, item: (value: unknown, key: string) => void): void {
  if (value === undefined) return
  if (!Array.isArray(value)) refuse(key, value, 'a list')
  value.forEach((v, i) => {
    item(v, `${key}[${i}]`)
  })
}
