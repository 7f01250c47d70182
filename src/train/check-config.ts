// What is wrong with a configuration: by itself, and for the data it is meant for. Nothing is decided here.

import { ConfigError } from '../core/errors.ts'
import { AVERAGES, RULES, rulesOf } from '../fusion/ensemble.ts'
import { EXTRACTORS, type Extractor, extractorName, extractorWidth, isCut, parseExtractor } from '../fusion/extractor.ts'
import { SOLVERS } from '../fusion/student.ts'
import { ACTIVATIONS } from '../nn/dense.ts'
import { type EncoderCourse, longestCut, PCA_ROWS, type Resolved, type Shape, type TrainConfig, undoubted } from './config.ts'
import { type EnsembleSpec, GREEDY_METRICS, type GreedySpec } from './ensembling.ts'
import { TEACHERS } from './mutual.ts'
import { ADAM, type OptimizerSpec } from './optimizer.ts'
import { RHO_CHOICES, type Teaching, WARM_STARTS } from './rho.ts'
import { SCHEDULES } from './schedule.ts'
import { NORMALIZERS } from './sharing.ts'
import { STACKING_ROWS, type StackingSpec } from './stacking.ts'

const KEYS: readonly (keyof TrainConfig)[] = [
  'seed',
  'extractors',
  'encoders',
  'budget',
  'folds',
  'repeats',
  'solved',
  'head',
  'activation',
  'rho',
  'epochs',
  'batch',
  'optimizer',
  'schedule',
  'patience',
  'dropout',
  'modalityDropout',
  'labelSmoothing',
  'classWeights',
  'warmStart',
  'chooseRho',
  'teaching',
  'ensembles',
  'average',
  'doubt',
  'greedy',
  'bagging',
  'stacking',
  'standardizeFeatures',
  'unskew',
  'clip',
  'standardizeTarget',
  'pcaRows',
  'unitPca',
  'validation',
  'calibration',
  'test',
  'allowLeakage',
  'baselines',
]

/** Checks names, types and ranges. @throws ConfigError naming the key, the value and what is allowed */
export function checkConfig(config: unknown): TrainConfig {
  const c = record('the configuration', config, KEYS) as TrainConfig
  whole('seed', c.seed, 0, 2 ** 32 - 1)
  whole('budget', c.budget, 1, 4096)
  if (c.folds !== 0) whole('folds', c.folds, 2, 100)
  whole('repeats', c.repeats, 1, 100)
  oneOf('allowLeakage', c.allowLeakage, [true, false])
  list('solved', c.solved, (v, key) => oneOf(key, v, SOLVERS))
  checkHead(c.head)
  list('rho', c.rho, (v, key) => number(key, v, 0, 1000))
  if (c.rho?.length === 0) refuse('rho', c.rho, 'at least one number from 0 on')
  const twice = c.rho?.find((v, i) => c.rho?.indexOf(v) !== i)
  if (twice !== undefined) refuse('rho', c.rho, `each number once, and ${twice} is there again`)
  whole('epochs', c.epochs, 1, 100_000)
  whole('batch', c.batch, 1, 65536)
  whole('patience', c.patience, 0, 100_000)
  for (const key of ['dropout', 'modalityDropout', 'labelSmoothing'] as const) share(key, c[key])
  number('doubt', c.doubt, 0, 0.5)
  if (c.schedule !== undefined) checkSchedule(c.schedule)
  if (c.classWeights !== undefined) checkClassWeights(c.classWeights)
  oneOf('activation', c.activation, ACTIVATIONS)
  for (const key of ['standardizeFeatures', 'unskew', 'standardizeTarget', 'unitPca'] as const) oneOf(key, c[key], [true, false])
  number('clip', c.clip, 0, 1e6)
  checkBaselines(c.baselines)
  oneOf('warmStart', c.warmStart, WARM_STARTS)
  oneOf('chooseRho', c.chooseRho, RHO_CHOICES)
  oneOf('pcaRows', c.pcaRows, PCA_ROWS)
  checkTeaching(c.teaching)
  if (c.patience && c.patience <= (c.teaching?.burnIn ?? 0))
    refuse(
      'patience',
      c.patience,
      `a whole number above teaching.burnIn, which is ${c.teaching?.burnIn}: else a stage may end before sharing begins`,
    )
  for (const key of ['validation', 'calibration', 'test'] as const) {
    if (c[key] !== undefined && !(typeof c[key] === 'number' && c[key] > 0 && c[key] < 1))
      refuse(key, c[key], 'a number between 0 and 1')
  }
  const o = settings('optimizer', c.optimizer, Object.keys(ADAM)) as Partial<OptimizerSpec>
  oneOf('optimizer.kind', o.kind, ['sgd', 'adam', 'adamw'])
  for (const key of ['rate', 'epsilon'] as const) positive(`optimizer.${key}`, o[key], 1e6)
  for (const key of ['decay', 'clip'] as const) number(`optimizer.${key}`, o[key], 0, 1e6)
  for (const key of ['momentum', 'beta1', 'beta2'] as const) number(`optimizer.${key}`, o[key], 0, 0.999999)
  checkEnsembles(c)
  for (const [name, names] of Object.entries(settings('extractors', c.extractors))) {
    list(`extractors.${name}`, names, (v, key) => {
      if (typeof v !== 'string') refuse(key, v, EXTRACTORS)
      else parseExtractor(v)
    })
  }
  for (const [name, given] of Object.entries(settings('encoders', c.encoders))) {
    const e = record(`encoders.${name}`, given, ['epochs', 'rate', 'decay']) as Partial<EncoderCourse>
    whole(`encoders.${name}.epochs`, e.epochs, 1, 100_000)
    positive(`encoders.${name}.rate`, e.rate, 1e6)
    number(`encoders.${name}.decay`, e.decay, 0, 1e6)
  }
  return c
}

/** One list of widths, or several lists: not both, and none twice. */
function checkHead(given: unknown): void {
  const widths = (value: unknown, key: string) => list(key, value, (width, k) => whole(k, width, 1, 65536))
  if (!Array.isArray(given) || !given.some(Array.isArray)) {
    widths(given, 'head')
    return
  }
  list('head', given, widths)
  const names = given.map(String)
  if (new Set(names).size < names.length) refuse('head', given, 'each list once')
}

function checkEnsembles(c: TrainConfig): void {
  list('ensembles', c.ensembles, (v, key) => oneOf(key, v, RULES))
  if (c.ensembles && (c.ensembles.length === 0 || new Set(c.ensembles).size < c.ensembles.length))
    refuse('ensembles', c.ensembles, `at least one of ${RULES.join(', ')}, each once`)
  oneOf('average', c.average, AVERAGES)
  const g = settings('greedy', c.greedy, ['best', 'prune', 'most', 'metric', 'shrink']) as Partial<GreedySpec>
  whole('greedy.best', g.best, 1, 4096)
  whole('greedy.most', g.most, 1, 4096)
  number('greedy.prune', g.prune, 0, 0.99)
  number('greedy.shrink', g.shrink, 0, 1e9)
  oneOf('greedy.metric', g.metric, [...new Set(Object.values(GREEDY_METRICS).flat())])
  const b = settings('bagging', c.bagging, ['share']) as Partial<EnsembleSpec['bagging']>
  positive('bagging.share', b.share, 100)
  const s = settings('stacking', c.stacking, ['rows', 'epochs', 'rate', 'decay', 'folds']) as Partial<StackingSpec>
  oneOf('stacking.rows', s.rows, STACKING_ROWS)
  whole('stacking.epochs', s.epochs, 1, 100_000)
  positive('stacking.rate', s.rate, 1e6)
  number('stacking.decay', s.decay, 0, 1e6)
  whole('stacking.folds', s.folds, 2, 100)
  for (const rule of ['bagging', 'stacking'] as const) {
    if (isSet(c[rule]) && !c.ensembles?.includes(rule)) refuse(rule, c[rule], `no setting, since ensembles does not list ${rule}`)
  }
}

/** Whether any setting is. */
const isSet = (of: object = {}): boolean => Object.values(of).some((value) => value !== undefined)

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
  const t = settings('teaching', given, ['teachers', 'clusters', 'scale', 'normalizer', 'burnIn']) as Partial<Teaching>
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

/**
 * Checks a configuration against the data, and what became of it for them.
 * @throws ConfigError naming the key, the value and what is allowed
 */
export function checkFit(config: TrainConfig, resolved: Resolved, shape: Shape): void {
  const { modalities, rowsOf, pcaRowsOf = rowsOf } = shape
  const known = new Set(['*', ...modalities.map((m) => m.name)])
  for (const key of ['extractors', 'encoders'] as const) {
    for (const name of Object.keys(config[key] ?? {})) {
      if (!known.has(name)) refuse(key, name, `the modalities ${modalities.map((m) => m.name).join(', ')}, or "*" for all others`)
    }
  }
  checkTask(config, shape.task)
  checkClasses(config, shape.classes)
  const never = undoubted(shape, resolved.ensembles)
  if (config.doubt && never) refuse('doubt', config.doubt, `0, ${never}`)
  const { schedule, optimizer, extractors, pcaRows } = resolved
  if (schedule.kind === 'cosine' && (schedule.floor ?? 0) > optimizer.rate)
    refuse('schedule.floor', schedule.floor, `a number from 0 to optimizer.rate, which is ${optimizer.rate}`)
  const asked = new Map(Object.entries(config.extractors ?? {}))
  modalities.forEach((m, i) => {
    if (m.features === 0) checkUnused(m.name, asked.get(m.name))
    else checkExtractors(m, pcaRowsOf[i], pcaRows, extractors[i])
  })
  checkEncoders(config.encoders, resolved, modalities)
  const { warmStart = 'none' } = config
  if ((shape.crossed || resolved.solved.length > 0) && warmStart !== 'none')
    refuse('warmStart', warmStart, 'none where students are cross-fitted or solved; set folds to 0 and solved to [] for others')
  if (shape.crossed) checkCrossed(resolved)
  else if (resolved.repeats > 1)
    refuse('repeats', resolved.repeats, '1 where nothing is cross-fitted: by folds of 0, validation rows, or more than 5000 rows')
}

/** What has seen the labels of all training rows cannot be judged by them. */
function checkCrossed({ encoders, extractors }: Resolved): void {
  const cut = extractors.flat().find(isCut)
  if (encoders.length > 0 && cut)
    refuse('extractors', extractorName(cut), 'no network that is cut where students are cross-fitted; set folds to 0 for those')
}

/** A modality without a feature to learn from is looked at by nobody. */
function checkUnused(name: string, asked: readonly string[] = []): void {
  if (asked.some((text) => parseExtractor(text).kind !== 'skip')) {
    refuse(`extractors.${name}`, asked.join(', '), `skip alone: no feature of "${name}" varies in the training rows`)
  }
}

/** Only networks that are cut are trained before. */
function checkEncoders(given: TrainConfig['encoders'], { encoders }: Resolved, modalities: Shape['modalities']): void {
  const cut = encoders.map(({ modality }) => modalities[modality].name)
  // Where no feature varies in these training rows, others of the same data may have one.
  const idle = modalities.filter((m) => m.features === 0).map((m) => m.name)
  for (const [name, course] of Object.entries(given ?? {})) {
    const used = name === '*' ? cut.length > 0 : cut.includes(name) || idle.includes(name)
    if (isSet(course) && !used)
      refuse(
        `encoders.${name}`,
        course,
        `no setting, since no extractor of ${name === '*' ? 'any modality' : `"${name}"`} is a cut`,
      )
  }
}

function checkExtractors(
  m: { name: string; features: number },
  rows: number,
  fitted: Resolved['pcaRows'],
  chosen: readonly Extractor[],
): void {
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

/** The same of what may be left out. */
const settings = (key: string, value: unknown, allowed?: readonly string[]): Record<string, unknown> =>
  value === undefined ? {} : record(key, value, allowed)

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
