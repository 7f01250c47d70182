// What a model file says of a model besides its numbers: one JSON text in the metadata, checked before it is believed.

import { FormatError } from '../core/errors.ts'
import { AVERAGES, type Average, type Rule, rulesOf, type Selection } from '../fusion/ensemble.ts'
import type { Provenance } from '../fusion/model.ts'
import { ACTIVATIONS, type Activation } from '../nn/dense.ts'
import { type DescribedCalibration, isCalibration } from './calibration.ts'
import { isRecord, parseJson, shown } from './json.ts'

export const FORMAT = 'metafusion'
/** Raised when a file can no longer be read by the code before: 3 for int8, which models of f32 need not ask for. */
export const FORMAT_VERSION = 6
export function versionOf({
  modalities,
  precision,
  calibration,
  doubt,
}: Pick<Skeleton, 'modalities' | 'precision' | 'calibration' | 'doubt'>): number {
  if (doubt) return 6
  if (modalities.some(({ clip, columns }) => clip !== undefined || columns.some(({ unskew }) => unskew))) return 5
  return calibration ? 4 : precision ? 3 : 2
}

/** A model as JSON, without its numbers. */
export interface Skeleton {
  readonly modalities: readonly {
    readonly name: string
    /** `unskew` and `clip` since version 5. */
    readonly columns: readonly { readonly name: string; readonly levels?: readonly string[]; readonly unskew?: true }[]
    readonly clip?: number
  }[]
  readonly projections: readonly { readonly modality: number; readonly name: string; readonly activation?: Activation }[]
  readonly target:
    | { readonly task: 'classification'; readonly classes: readonly string[] }
    | { readonly task: 'regression'; readonly outputs: readonly string[] }
  readonly students: readonly {
    readonly name: string
    readonly extractors: readonly string[]
    readonly hidden: readonly number[]
    readonly activation: string
    readonly fills?: boolean
  }[]
  readonly patterns: readonly string[]
  /** Since version 2, as are the next two. */
  readonly rules: readonly Rule[]
  readonly average: Average
  readonly selections?: readonly Selection[]
  /** The ensembles' weights are of a sum and need not be shares of 1. */
  readonly sum?: true
  readonly best: number
  /** Since version 6. */
  readonly doubt?: { readonly chance: number; readonly caution: number; readonly prior: readonly number[] }
  /** Weights are I8 tensors, each with the scales of its rows. Since version 3. */
  readonly precision?: 'int8'
  /** Since version 4. */
  readonly calibration?: DescribedCalibration
  readonly provenance: Provenance
}

/** The description in a file's metadata. @throws FormatError */
export function readSkeleton(metadata: Readonly<Record<string, string>>): Skeleton {
  if (metadata.format !== FORMAT) throw new FormatError('the file is safetensors, but no metafusion model')
  const version = Number(metadata.version)
  if (!/^[1-9]\d{0,8}$/.test(metadata.version ?? ''))
    throw new FormatError(`the model file has the version ${shown(metadata.version)}: a whole number from 1 on was expected`)
  if (version > FORMAT_VERSION) {
    throw new FormatError(
      `the model file has version ${version} and this library reads up to ${FORMAT_VERSION}: install a newer metafusion`,
    )
  }
  return checkSkeleton(parseJson('the description of the model', metadata.model ?? '', DEEPEST), version)
}

/** A model's description needs five levels of objects and lists. */
const DEEPEST = 8

/** What version 1 did not say, as every model had it. */
const VERSION_1: Pick<Skeleton, 'rules' | 'average'> = {
  rules: ['greedy', 'best-single', 'simple-average', 'weighted-average'],
  average: 'logits',
}

function checkSkeleton(value: unknown, version: number): Skeleton {
  const s = (version === 1 && isRecord(value) ? { ...VERSION_1, ...value } : value) as Skeleton
  const wrong = (what: string): never => {
    throw new FormatError(`the description of the model has no valid ${what}: the file is damaged`)
  }
  const text = (v: unknown): v is string => typeof v === 'string'
  // Names, each once.
  const texts = (v: unknown): v is string[] => Array.isArray(v) && v.every(text) && distinct(v)
  const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length
  const natural = (v: unknown): boolean => Number.isInteger(v) && (v as number) >= 1 && (v as number) <= 65536
  const list = <T>(v: readonly T[], item: (v: T) => boolean): boolean =>
    Array.isArray(v) && v.every((x) => isRecord(x) && item(x as T))
  const named = (v: readonly { readonly name: string }[]): boolean =>
    list(v, ({ name }) => text(name)) && v.length > 0 && distinct(v.map(({ name }) => name))

  if (!isRecord(value)) wrong('object')
  // A modality may have no columns: none that varied in training.
  const straight = ({ levels, unskew }: Skeleton['modalities'][number]['columns'][number]) =>
    unskew === undefined || (unskew === true && levels === undefined && version >= 5)
  const columns = ({ columns: c, clip }: Skeleton['modalities'][number]) =>
    list(c, ({ name }) => text(name)) &&
    distinct(c.map(({ name }) => name)) &&
    c.every((column) => (column.levels === undefined || texts(column.levels)) && straight(column)) &&
    (clip === undefined || (Number.isFinite(clip) && clip > 0 && version >= 5))
  if (!named(s.modalities) || !s.modalities.every(columns)) wrong('modalities')
  const M = s.modalities.length

  const t = s.target
  if (!isRecord(t)) wrong('target')
  const outcome =
    t.task === 'classification' ? texts(t.classes) && t.classes.length >= 2 : t.task === 'regression' && texts(t.outputs)
  if (!outcome || (t.task === 'regression' && t.outputs.length < 1)) wrong('target')

  const student = (x: Skeleton['students'][number]) =>
    text(x.name) &&
    Array.isArray(x.extractors) &&
    x.extractors.length === M &&
    x.extractors.every(text) &&
    x.extractors.some((e) => e !== 'skip') &&
    Array.isArray(x.hidden) &&
    x.hidden.every(natural) &&
    ACTIVATIONS.includes(x.activation as Activation) &&
    (x.fills === undefined || x.fills === true)
  if (!list(s.students, student) || s.students.length === 0) wrong('students')

  // A PCA is linear; a layer of a network says what it is.
  const projection = ({ name, modality, activation }: Skeleton['projections'][number]) =>
    text(name) &&
    (name.startsWith('pca(')
      ? activation === undefined
      : name.startsWith('frozen-sliced(') && ACTIVATIONS.includes(activation as Activation)) &&
    Number.isInteger(modality) &&
    modality >= 0 &&
    modality < M
  if (!list(s.projections, projection) || !distinct(s.projections.map((p) => `${p.modality}:${p.name}`))) wrong('projections')
  if (!texts(s.patterns) || !s.patterns.every((p) => p.length === M && !/[^01]/.test(p))) wrong('patterns')
  if (!texts(s.rules) || s.rules.length === 0 || !s.rules.every((rule) => rulesOf(t.task).includes(rule))) wrong('rules')
  if (!AVERAGES.includes(s.average) || (t.task === 'regression' && s.average !== 'logits')) wrong('average')
  if (s.sum !== undefined && s.sum !== true) wrong('sum')
  if (!natural(s.best)) wrong('best')
  if (s.precision !== undefined && !(s.precision === 'int8' && version >= 3)) wrong('precision')
  const D = t.task === 'classification' ? t.classes.length : t.outputs.length
  const sizes = { patterns: s.patterns.length, outputs: D, modalities: M, floor: t.task === 'classification' ? 0 : D }
  if (s.calibration !== undefined && !(version >= 4 && isCalibration(s.calibration, sizes))) wrong('calibration')
  const share = (v: unknown) => typeof v === 'number' && Math.fround(v) > 0 && v < 1
  const doubt = ({ chance, caution, prior }: NonNullable<Skeleton['doubt']>) =>
    share(chance) &&
    (share(caution) || caution === 1) &&
    Array.isArray(prior) &&
    prior.length === D &&
    prior.every(share) &&
    Math.abs(prior.reduce((sum, p) => sum + p, 0) - 1) < 1e-3
  const doubts = version >= 6 && t.task === 'classification' && s.rules.includes('greedy') && isRecord(s.doubt)
  if (s.doubt !== undefined && !(doubts && doubt(s.doubt))) wrong('doubt')
  const member = (i: number) => Number.isInteger(i) && i >= 0 && i < s.students.length
  const selection = ({ members, trace }: Selection) =>
    Array.isArray(members) &&
    members.every(member) &&
    Array.isArray(trace) &&
    trace.every((v) => v === null || typeof v === 'number')
  const { selections } = s
  if (selections !== undefined && !(list(selections, selection) && selections.length === s.patterns.length)) wrong('selections')
  return {
    ...s,
    // A score that could not be had is written as null.
    selections: selections?.map(({ members, trace }) => ({ members, trace: trace.map((v) => v ?? Number.NaN) })),
    provenance: readProvenance(s.provenance, wrong),
  }
}

/** Where the model comes from. JSON has no infinity: a loss that was not finite is written as null. */
function readProvenance(p: Provenance, wrong: (what: string) => never): Provenance {
  const has = (o: unknown, types: Record<string, 'text' | 'number' | 'record'>): boolean =>
    isRecord(o) &&
    Object.entries(types).every(([key, type]) =>
      type === 'record' ? isRecord(o[key]) : typeof o[key] === (type === 'text' ? 'string' : type),
    )
  const share = (v: number) => v > 0 && v < 1
  const scored = (test: unknown) =>
    test === null || (isRecord(test) && Object.values(test).every((v) => v === null || typeof v === 'number'))
  const known = (test: object) => Object.fromEntries(Object.entries(test).map(([name, v]) => [name, v ?? Number.NaN]))
  const good =
    has(p, {
      library: 'text',
      title: 'text',
      seed: 'number',
      digest: 'text',
      subjects: 'text',
      split: 'record',
      config: 'record',
      rho: 'number',
    }) &&
    Number.isInteger(p.seed) &&
    p.seed >= 0 &&
    p.seed < 2 ** 32 &&
    (p.numerics === undefined || p.numerics === 'fast') &&
    has(p.split, { source: 'text', train: 'number', validation: 'number', test: 'number' }) &&
    (p.split.name === undefined || typeof p.split.name === 'string') &&
    typeof p.split.testIds === 'string' &&
    (p.split.fractions === undefined ||
      (has(p.split.fractions, { validation: 'number', test: 'number' }) &&
        share(p.split.fractions.test) &&
        (p.split.fractions.validation === 0 || share(p.split.fractions.validation)))) &&
    Array.isArray(p.rhoLosses) &&
    p.rhoLosses.every((r) => has(r, { rho: 'number' }) && (r.loss === null || typeof r.loss === 'number')) &&
    Array.isArray(p.notes) &&
    p.notes.every((n) => typeof n === 'string') &&
    (p.scores === undefined || (Array.isArray(p.scores) && p.scores.every((s) => has(s, { name: 'text' }) && scored(s.test))))
  if (!good) wrong('provenance')
  return {
    ...p,
    rhoLosses: p.rhoLosses.map(({ rho, loss }) => ({ rho, loss: loss ?? Number.POSITIVE_INFINITY })),
    ...(p.scores ? { scores: p.scores.map(({ name, test }) => ({ name, test: test && known(test) })) } : {}),
  }
}
