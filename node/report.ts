// What a training tells: the table for people and the object for programs.

import { createHash } from 'node:crypto'
import { preparedNames } from '../src/data/prepare.ts'
import type { Presence } from '../src/data/presence.ts'
import { builtRules } from '../src/fusion/ensemble.ts'
import { extractorName } from '../src/fusion/extractor.ts'
import { type Model, ownRule, patternWeights } from '../src/fusion/model.ts'
import type { TrainingPlan } from '../src/recipe/plan.ts'
import type { MethodResult, Trained } from '../src/recipe/recipe.ts'
import { counted } from './sentences.ts'

/** A model file as written. */
export interface ModelFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/** A text from a file on one line, and without what would move a terminal's cursor. */
export const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

export const fileRecord = (file: string, bytes: Uint8Array): ModelFile => ({
  file,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** Weights of the model's own ensemble where every modality is there. */
export const fullWeights = (model: Model): Float32Array =>
  patternWeights(model, ownRule(model))('1'.repeat(model.preparations.length)) ?? new Float32Array(model.students.length)

/** How greedy chose where every modality is there: whom it began with, who was added, and the score after each. */
export function fullSelection({ ensembles, preparations, students }: Model) {
  const { patterns, selections } = ensembles
  const selection = selections?.[patterns.indexOf('1'.repeat(preparations.length))]
  if (!selection) return undefined
  const { members, trace } = selection
  const names = members.map((i) => students[i].name)
  const first = members.length - trace.length + 1
  return trace.map((score, step) => ({ added: step === 0 ? names.slice(0, first) : [names[first + step - 1]], score }))
}

const studentRows = (model: Model) => {
  const weights = fullWeights(model)
  return model.students.map(({ name, loss, teacher }, i) => ({
    name,
    validationLoss: loss,
    teacher: teacher > 0,
    weight: weights[i],
  }))
}

/** The object of `train --json`. */
export function trainedJson({ model, methods }: Trained, seconds: number, file: ModelFile) {
  const { provenance, target } = model
  const { train, validation, test } = provenance.split
  return {
    task: target.task,
    seed: provenance.seed,
    rows: { train, validation, test },
    rho: provenance.rho,
    teachers: model.students.filter((s) => s.teacher > 0).map((s) => s.name),
    students: studentRows(model),
    methods: methods.map(({ name, test }) => ({ name, test: test ?? null })),
    seconds,
    model: file,
  }
}

/** The object of `inspect --json`. */
export function modelJson(model: Model, file: ModelFile) {
  const { provenance, target } = model
  return {
    ...provenance,
    task: target.task,
    ...(target.task === 'classification' ? { classes: target.classes } : { outputs: target.outputs }),
    modalities: model.preparations.map((preparation) => ({
      name: preparation.modality,
      features: preparation.columns.map((c) => c.name),
      prepared: preparedNames(preparation),
    })),
    students: studentRows(model),
    patterns: model.ensembles.patterns.length,
    rules: builtRules(model.ensembles),
    precision: model.precision ?? 'float32',
    average: model.ensembles.average,
    selection: fullSelection(model) ?? null,
    model: file,
  }
}

/** Scores by the name they have in objects, and in tables. */
export const COLUMNS: readonly (readonly [key: string, title: string])[] = [
  ['accuracy', 'accuracy'],
  ['balancedAccuracy', 'balanced'],
  ['macroF1', 'macro F1'],
  ['auc', 'AUC'],
  ['logLoss', 'log loss'],
  ['prAuc', 'PR-AUC'],
  ['brier', 'Brier'],
  ['ece', 'ECE'],
  ['mse', 'MSE'],
  ['mae', 'MAE'],
  ['r2', 'R²'],
]

/** Of these there is no room in a table of methods. */
const FURTHER: ReadonlySet<string> = new Set(['prAuc', 'brier'])

/** Scores of methods side by side, as lines; a method that could not predict all of the `rows` says how many. */
export function scoreTable(methods: readonly MethodResult[], rows: number): string[] {
  const scores = methods.map(({ test }) => test as Record<string, number> | undefined)
  const known = scores.find((s) => s !== undefined)
  if (!known) return ['there are no test rows to score']
  const columns = COLUMNS.filter(([key]) => key in known && !FURTHER.has(key))
  const head = ['method', ...columns.map(([, title]) => title)]
  const body = methods.map(({ name }, i) => {
    const s = scores[i]
    if (!s) return [name, ...columns.map(() => '-')]
    return [s.rows < rows ? `${name} (${counted(s.rows, 'row')})` : name, ...columns.map(([key]) => digits(s[key]))]
  })
  return table([head, ...body])
}

export const digits = (v: number): string => (Number.isFinite(v) ? v.toFixed(Math.abs(v) >= 100 ? 2 : 4) : '-')

/** Rows as aligned columns: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)))
  return rows.map((row) =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
      .join('  ')
      .trimEnd(),
  )
}

/** Who has what, as lines. */
export function presenceLines({ patterns, none }: Presence, most = 8): string[] {
  const lines = patterns.slice(0, most).map(({ modalities, rows }) => `  ${counted(rows, 'row')} with ${modalities.join(', ')}`)
  const more = patterns.slice(most).reduce((sum, { rows }) => sum + rows, 0)
  if (more > 0) lines.push(`  ${counted(more, 'row')} with other combinations`)
  if (none.length > 0) lines.push(`  ${counted(none.length, 'row')} with no modality at all`)
  return lines
}

/** Members of an ensemble that are named. */
const SHOWN = 8

/** What losses of a model's students are of. */
export const judgedOn = ({ provenance }: Model): 'out-of-fold' | 'validation' =>
  Number(provenance.config.folds) > 0 ? 'out-of-fold' : 'validation'

/** What was decided for a training, asked for or by default, as lines. Files of older versions have not all of it. */
export function decidedLines({ preparations, ensembles, provenance: { config } }: Model): string[] {
  const of = config as Partial<Record<string, unknown>>
  const names = (value: unknown) => (Array.isArray(value) ? value : [])
  const { kind, rate, decay } = (of.optimizer ?? {}) as Record<string, unknown>
  const heads = names(of.heads ?? [of.head]).map((widths) => names(widths).join(',') || 'none')
  const parts = [
    of.folds ? `cross-fitted in ${of.folds} folds${Number(of.repeats) > 1 ? `, ${of.repeats} times` : ''}` : 'validation rows',
    `${of.epochs} epochs of batches of ${of.batch}`,
    `${kind}, rate ${rate}, decay ${decay}`,
    `dropout ${of.dropout ?? 0}`,
    `hidden widths of heads ${heads.join(' and ')}`,
    `solved students ${names(of.solved).join(', ') || 'none'}`,
    `ρ of ${names(of.rho).join(', ')}`,
    ...(ensembles.doubt ? [`a chance of ${ensembles.doubt.chance} that a modality is somebody else's`] : []),
  ]
  const looks = preparations.map(({ modality }, m) => `${modality} ${names(names(of.extractors)[m]).join(', ')}`)
  return [`decided: ${parts.join('; ')}`, `extractors: ${looks.join('; ')}`]
}

/** What was learned, as lines. */
export function trainedLines({ model, methods }: Trained): string[] {
  const { provenance, students } = model
  const weights = fullWeights(model)
  const members = students
    .map(({ name }, i) => ({ name, weight: weights[i] }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
  return [
    ...decidedLines(model),
    `${counted(students.length, 'student')}, ${counted(students.filter((s) => s.teacher > 0).length, 'teacher')} among them; sharing ρ = ${provenance.rho}`,
    `ensemble: ${members
      .slice(0, SHOWN)
      .map(({ name, weight }) => `${name} ${weight.toFixed(2)}`)
      .join(', ')}${members.length > SHOWN ? `, and ${members.length - SHOWN} more` : ''}`,
    ...provenance.notes,
    '',
    ...scoreTable(methods, provenance.split.test),
  ]
}

type Planned = TrainingPlan & { readonly seconds: number }

/** The object of `train --plan --json`. */
export const planJson = (plan: Planned) => ({
  ...plan,
  config: { ...plan.config, extractors: plan.config.extractors.map((list) => list.map(extractorName)) },
})

/** What a training will be, as lines. */
export function planLines({
  students,
  baselines,
  encoders,
  parameters,
  rows,
  steps,
  bytes,
  notes,
  config,
  seconds,
}: Planned): string[] {
  const mib = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`
  const networks = (list: readonly { name: string; parameters: number }[]) =>
    table(list.map((n) => [`  ${n.name}`, String(n.parameters)]))
  const all = steps.encoders + steps.students + steps.baselines
  return [
    rows.validation > 0
      ? `${counted(rows.train, 'row')} to learn from, ${rows.validation} for validation, ${rows.test} for testing`
      : `${counted(rows.train, 'row')} to learn from, cross-fitted in ${config.folds} folds, ${rows.test} for testing`,
    ...notes,
    `${counted(students.length, 'student')}, ${counted(parameters, 'parameter')}:`,
    ...networks(students),
    ...encoders.map(
      (e) =>
        `trained before, to be cut: a network (${e.widths.join(',')}) on ${e.name}, ${e.parameters} parameters, ${counted(e.rows, 'row')}, ${counted(e.epochs, 'epoch')}`,
    ),
    ...(baselines.length > 0 ? [`${counted(baselines.length, 'network')} of the baselines:`, ...networks(baselines)] : []),
    `${counted(config.epochs, 'epoch')} at ρ ${config.rho.join(', ')}; ${counted(all, 'step')} of one network`,
    `memory: ${mib(bytes.total)} = ${mib(bytes.data)} data + ${mib(bytes.session)} WebAssembly + ${mib(bytes.checkpoints)} checkpoints`,
    `  of WebAssembly ${mib(bytes.rows)} rows, ${mib(bytes.students)} students and their moments, ${mib(bytes.batch)} for a batch and its gradients`,
    `time: about ${seconds < 10 ? Math.max(0.1, seconds).toFixed(1) : Math.round(seconds)} s by one worker, an estimate by a few steps on this machine, without combining and scoring`,
  ]
}

/** The object of `evaluate --json`; `scored` says which rows. */
export const evaluationJson = (task: string, rows: number, scored: string, methods: readonly MethodResult[]) => ({
  task,
  rows,
  scored,
  methods: methods.map(({ name, test }) => ({ name, test: test ?? null })),
})
