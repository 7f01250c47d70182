// Model ⇄ safetensors: numbers as tensors, everything else as one JSON text in the metadata. Written and read back, a model is
// equal bit for bit; the same model gives the same bytes.

import { FormatError } from '../core/errors.ts'
import { type ColumnPreparation, type Preparation, preparedWidth } from '../data/prepare.ts'
import { canSpeak, type Pattern } from '../fusion/availability.ts'
import { builtRules, type Rule } from '../fusion/ensemble.ts'
import {
  type Extractor,
  extractorName,
  extractorWidth,
  isFrozen,
  parseExtractor,
  sourceBefore,
  sourceName,
} from '../fusion/extractor.ts'
import { type Model, type ModelStudent, memberOf, modelOutputs } from '../fusion/model.ts'
import type { Projection } from '../fusion/projection.ts'
import { metaLearner } from '../fusion/stacking.ts'
import { type Student, type StudentSpec, studentOf } from '../fusion/student.ts'
import type { Activation } from '../nn/dense.ts'
import { calibrationSize, describeCalibration, restoreCalibration } from './calibration.ts'
import { shown } from './json.ts'
import { gridOf, isWeight, weightsOf } from './quantize.ts'
import { readSafetensors, type Stored, type Tensors, writeSafetensors } from './safetensors.ts'

import { FORMAT, readSkeleton, type Skeleton, versionOf } from './skeleton.ts'

/** The file of a model. */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  const { preparations, projections, target, students, ensembles, best, precision, provenance } = model
  const tensors = new Map<string, Stored>()
  const put = (name: string, shape: readonly number[], values: Stored['values']) => tensors.set(name, { shape, values })
  const putWeights = (name: string, shape: readonly number[], values: Float32Array) => {
    if (!precision) return put(name, shape, values)
    const { steps, scale } = gridOf(values, shape[0])
    put(name, shape, steps)
    put(`${name}.scale`, [shape[0]], scale)
  }
  preparations.forEach(({ columns }, m) => {
    const numbers = columns.filter((c) => c.kind === 'number')
    const of = (get: (c: (typeof numbers)[number]) => number) => Float64Array.from(numbers, get)
    put(
      `preparations.${m}.mean`,
      [numbers.length],
      of((c) => c.mean),
    )
    put(
      `preparations.${m}.scale`,
      [numbers.length],
      of((c) => c.scale),
    )
    const skewed = numbers.flatMap(({ unskew }) => unskew ?? [])
    for (const what of skewed.length > 0 ? (['centre', 'spread'] as const) : [])
      put(
        `preparations.${m}.${what}`,
        [skewed.length],
        Float64Array.from(skewed, (u) => u[what]),
      )
  })
  if (target.task === 'regression') {
    put('target.mean', [target.mean.length], target.mean)
    put('target.scale', [target.scale.length], target.scale)
  }
  put(
    'students.loss',
    [students.length],
    Float64Array.from(students, (s) => s.loss),
  )
  put(
    'students.teacher',
    [students.length],
    Float32Array.from(students, (s) => s.teacher),
  )
  const features = preparations.map(preparedWidth)
  students.forEach((student, i) => {
    for (const { name, shape, offset, size } of memberOf(student, features).layout.tensors) {
      const values = student.block.subarray(offset, offset + size)
      if (isWeight(name)) putWeights(`students.${i}.${name}`, shape, values)
      else put(`students.${i}.${name}`, shape, values)
    }
  })
  projections.forEach(({ weight, bias }, i) => {
    putWeights(`projections.${i}.weight`, [bias.length, weight.length / bias.length], weight)
    put(`projections.${i}.bias`, [bias.length], bias)
  })
  const rules = builtRules(ensembles)
  for (const rule of rules) {
    const rows = ensembles.weights[rule] ?? []
    const all = new Float32Array(rows.length * students.length)
    rows.forEach((weights, p) => {
      all.set(weights, p * students.length)
    })
    put(`ensembles.${rule}`, [rows.length, students.length], all)
  }
  if (ensembles.stacking) {
    for (const { name, shape, offset, size } of metaLearner(students.length, modelOutputs(target).length).layout.tensors) {
      put(`stacking.${name}`, shape, ensembles.stacking.subarray(offset, offset + size))
    }
  }
  const sure = model.calibration && describeCalibration(model.calibration, ensembles.patterns)
  if (sure) put('calibration', [sure.values.length], sure.values)
  const skeleton: Skeleton = {
    modalities: preparations.map(({ modality, columns, clip }) => ({
      name: modality,
      columns: columns.map((c) =>
        c.kind === 'category' ? { name: c.name, levels: c.levels } : { name: c.name, ...(c.unskew ? { unskew: true } : {}) },
      ),
      clip,
    })),
    projections: projections.map(({ modality, name, activation }) => ({ modality, name, activation })),
    target: target.task === 'classification' ? target : { task: target.task, outputs: target.outputs },
    students: students.map(({ name, spec: { extractors, hidden, activation, fills } }) => ({
      name,
      extractors: extractors.map(extractorName),
      hidden,
      activation,
      fills,
    })),
    patterns: ensembles.patterns,
    rules,
    average: ensembles.average,
    selections: ensembles.selections,
    sum: ensembles.sum,
    best,
    doubt: ensembles.doubt && { ...ensembles.doubt, prior: Array.from(ensembles.doubt.prior) },
    precision,
    calibration: sure?.described,
    provenance,
  }
  return writeSafetensors({
    metadata: { format: FORMAT, version: String(versionOf(skeleton)), model: JSON.stringify(skeleton) },
    tensors,
  })
}

/** The model of a file. @throws FormatError, one sentence for each way a file can be wrong */
export function readModel(file: Uint8Array): Model {
  const content = readSafetensors(file)
  const skeleton = readSkeleton(content.metadata)
  const take = taker(content)
  const weights = skeleton.precision ? takeGrid(take) : takeFloats(take)
  const preparations = skeleton.modalities.map((modality, m): Preparation => {
    const numbers = modality.columns.filter((c) => !c.levels).length
    const mean = take(`preparations.${m}.mean`, [numbers], Float64Array)
    const scale = takeScale(`preparations.${m}.scale`, numbers, take)
    const skewed = modality.columns.filter((c) => c.unskew).length
    const centre = skewed > 0 ? take(`preparations.${m}.centre`, [skewed], Float64Array) : []
    const spread = skewed > 0 ? takeScale(`preparations.${m}.spread`, skewed, take) : []
    let [i, u] = [0, 0]
    const columns = modality.columns.map(({ name, levels, unskew }): ColumnPreparation => {
      if (levels) return { kind: 'category', name, levels }
      const straight = unskew ? { unskew: { centre: centre[u], spread: spread[u++] } } : {}
      return { kind: 'number', name, mean: mean[i], scale: scale[i++], ...straight }
    })
    return { modality: modality.name, columns, ...(modality.clip === undefined ? {} : { clip: modality.clip }) }
  })
  const features = preparations.map(preparedWidth)
  const target = readTarget(skeleton.target, take)
  const count = skeleton.students.length
  const loss = take('students.loss', [count], Float64Array, false)
  const teacher = take('students.teacher', [count], Float32Array)
  const outputs = modelOutputs(target).length
  const students = skeleton.students.map(({ name, extractors, hidden, activation, fills }, i): ModelStudent => {
    const spec: StudentSpec = {
      extractors: extractors.map(readExtractor),
      hidden,
      activation: activation as Activation,
      outputs,
      ...(fills ? { fills } : {}),
    }
    // What the description claims is held against what the file has before any room is made for it.
    const layers = spec.extractors.reduce((n, e) => n + ('widths' in e && !isFrozen(e) ? e.widths.length : 0), hidden.length + 1)
    if (layers > content.tensors.size) {
      throw new FormatError(
        `student ${shown(name)} has ${layers} layers and the file ${content.tensors.size} tensors: it is incomplete`,
      )
    }
    return {
      name,
      spec,
      block: takeBlock(`students.${i}`, studentOf(spec, features), take, weights),
      loss: loss[i],
      teacher: teacher[i],
    }
  })
  const projections = readProjections(skeleton.projections, features, take, weights)
  checkSources(students, projections)
  const patterns = skeleton.patterns
  const sharesOf = (rule: Rule) => {
    const all = take(`ensembles.${rule}`, [patterns.length, count], Float32Array)
    return patterns.map((pattern, p) =>
      checkWeights(rule, pattern, all.slice(p * count, (p + 1) * count), students, skeleton.sum),
    )
  }
  const { rules, average, selections, doubt } = skeleton
  const shares = Object.fromEntries(rules.map((rule) => [rule, sharesOf(rule)]))
  const stacking = rules.includes('stacking') ? takeBlock('stacking', metaLearner(count, outputs), take) : undefined
  const calibration =
    skeleton.calibration &&
    restoreCalibration(skeleton.calibration, take('calibration', [calibrationSize(skeleton.calibration)], Float32Array), patterns)
  take.finish()
  return {
    preparations,
    projections,
    target,
    students,
    ensembles: {
      ...(skeleton.sum ? { sum: skeleton.sum } : {}),
      patterns,
      weights: shares,
      average,
      ...(doubt ? { doubt: { chance: doubt.chance, caution: doubt.caution, prior: Float32Array.from(doubt.prior) } } : {}),
      ...(stacking ? { stacking } : {}),
      ...(selections ? { selections } : {}),
    },
    best: skeleton.best,
    ...(skeleton.precision ? { precision: skeleton.precision } : {}),
    ...(calibration ? { calibration } : {}),
    provenance: skeleton.provenance,
  }
}

function readTarget(target: Skeleton['target'], take: Taker): Model['target'] {
  if (target.task === 'classification') return { task: target.task, classes: target.classes }
  const D = target.outputs.length
  return {
    task: target.task,
    outputs: target.outputs,
    mean: take('target.mean', [D], Float64Array),
    scale: takeScale('target.scale', D, take),
  }
}

/** The parameters of a student in the order of its layout. */
function takeBlock(name: string, { layout }: Student, take: Taker, weights = takeFloats(take)): Float32Array {
  const floats = takeFloats(take)
  const parts = layout.tensors.map((tensor) => (isWeight(tensor.name) ? weights : floats)(`${name}.${tensor.name}`, tensor.shape))
  const block = new Float32Array(layout.size)
  layout.tensors.forEach(({ offset }, t) => {
    block.set(parts[t], offset)
  })
  return block
}

/** Frozen layers, each after the one whose rows it reads. */
function readProjections(
  described: Skeleton['projections'],
  features: readonly number[],
  take: Taker,
  weights: TakeFloats,
): Projection[] {
  const widths = new Map(features.map((width, m) => [sourceName(m, { kind: 'raw' }), width]))
  return described.map(({ modality, name, activation }, i): Projection => {
    const width = extractorWidth(readExtractor(name), features[modality])
    const inputs = widths.get(sourceBefore(modality, name))
    if (inputs === undefined)
      throw new FormatError(
        `the frozen layer ${name} of modality ${modality} does not follow the one before it: the file is damaged`,
      )
    widths.set(`${modality}:${name}`, width)
    const weight = weights(`projections.${i}.weight`, [width, inputs])
    const bias = take(`projections.${i}.bias`, [width], Float32Array)
    return { modality, name, weight, bias, ...(activation ? { activation } : {}) }
  })
}

type TakeFloats = (name: string, shape: readonly number[]) => Float32Array

const takeFloats =
  (take: Taker): TakeFloats =>
  (name, shape) =>
    take(name, shape, Float32Array)

/** Weights that the file has as steps of a grid. */
const takeGrid =
  (take: Taker): TakeFloats =>
  (name, shape) => {
    const steps = take(name, shape, Int8Array)
    const scale = take(`${name}.scale`, [shape[0]], Float32Array)
    if (!scale.every((v) => v > 0)) {
      throw new FormatError(`the tensor "${name}.scale" holds a value that is not above 0: the file is damaged`)
    }
    const weights = weightsOf({ steps, scale })
    // Nobody writes others, and no others could be written again.
    const { steps: found } = gridOf(weights, shape[0])
    if (steps.some((step, i) => step !== found[i])) {
      throw new FormatError(`the tensor "${name}" has no weight of 127 steps in some row: the file is damaged`)
    }
    return weights
  }

/** What values are divided by. */
function takeScale(name: string, length: number, take: Taker): Float64Array {
  const scale = take(name, [length], Float64Array)
  if (!scale.every((v) => v > 0))
    throw new FormatError(`the tensor "${name}" holds a value that is not above 0: the file is damaged`)
  return scale
}

type Maker<T extends Stored['values']> = { new (length: number): T; readonly name: string }
type Taker = ReturnType<typeof taker>

/** Takes tensors by name, of the shape and type they must have, with finite values; `finish` refuses what was not taken. */
function taker({ tensors }: Tensors) {
  const left = new Set(tensors.keys())
  function take<T extends Stored['values']>(name: string, shape: readonly number[], type: Maker<T>, finite = true): T {
    const stored = tensors.get(name)
    if (!stored) throw new FormatError(`the tensor "${name}" is missing: the file is incomplete`)
    if (!(stored.values instanceof type))
      throw new FormatError(`the tensor "${name}" is a ${stored.values.constructor.name} and a ${type.name} was expected`)
    if (stored.shape.length !== shape.length || stored.shape.some((n, d) => n !== shape[d])) {
      throw new FormatError(`the tensor "${name}" has the shape ${shown(stored.shape)} and ${shown(shape)} was expected`)
    }
    if (finite && !allFinite(stored.values))
      throw new FormatError(`the tensor "${name}" holds a value that is not finite: the file is damaged`)
    left.delete(name)
    return stored.values as T
  }
  take.finish = () => {
    if (left.size > 0) throw new FormatError(`the tensor ${shown([...left][0])} has no place in the model: the file is damaged`)
  }
  return take
}

/** Without a call for each: models are also read in a cold start, before anything is compiled. */
function allFinite(values: Stored['values']): boolean {
  // 0 · x is NaN for an x that is not finite, and NaN stays.
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]
  return sum === 0
}

/** The extractor of a name as `extractorName` writes it. */
function readExtractor(name: string): Extractor {
  try {
    const extractor = parseExtractor(name)
    if (extractorName(extractor) === name) return extractor
  } catch {
    // Told below.
  }
  throw new FormatError(`the model names the extractor ${shown(name)}, which is unknown: the file is damaged`)
}

/** Weights of an ensemble: none below 0, together 1 unless they are of a sum, and only of students that can speak for the pattern. */
function checkWeights(
  rule: Rule,
  pattern: Pattern,
  weights: Float32Array,
  students: readonly ModelStudent[],
  ofSum = false,
): Float32Array {
  const sum = weights.reduce((total, w) => total + w, 0)
  const mute = students.findIndex(({ spec }, i) => weights[i] !== 0 && !canSpeak(spec, pattern))
  if (mute >= 0) {
    throw new FormatError(
      `the ensemble "${rule}" for the modalities ${pattern} uses "${students[mute].name}", which needs others: the file is damaged`,
    )
  }
  if (!weights.every((w) => w >= 0) || (ofSum ? sum === 0 : Math.abs(sum - 1) > 1e-4)) {
    const what = ofSum ? 'no terms of a sum' : 'no shares of 1'
    throw new FormatError(`the weights of the ensemble "${rule}" for the modalities ${pattern} are ${what}: the file is damaged`)
  }
  return weights
}

/** Every frozen layer a student reads must be among the projections. */
function checkSources(students: readonly ModelStudent[], projections: readonly Projection[]): void {
  const known = new Set(projections.map((p) => `${p.modality}:${p.name}`))
  for (const { name, spec } of students) {
    spec.extractors.forEach((e, m) => {
      if (isFrozen(e) && !known.has(sourceName(m, e))) {
        throw new FormatError(
          `student ${shown(name)} reads ${extractorName(e)} of modality ${m}, which the file lacks: it is incomplete`,
        )
      }
    })
  }
}
