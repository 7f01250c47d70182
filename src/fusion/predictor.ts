import { ShapeError } from '../core/errors.ts'
import { checkInputs, type Inputs } from '../data/dataset.ts'
import { applyPreparation, columnsFor, preparedWidth } from '../data/prepare.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { type Pattern, patternsOf } from './availability.ts'
import { type Cohort, chooseRows, cohortOf, runMember } from './cohort.ts'
import { argmax, combine, type Rule } from './ensemble.ts'
import { sourceName } from './extractor.ts'
import { type Model, memberOf, modelOutputs, ownRule, patternWeights } from './model.ts'
import { projectAll } from './projection.ts'
import { metaLearner, runMeta } from './stacking.ts'
import type { Source } from './student.ts'

/** Rows with the same modalities are predicted by the same students. */
export interface PatternReport {
  /** Modalities of the model that these rows lack. */
  readonly missing: readonly string[]
  /** The students used, by falling weight (alike in stacking, which has none); none when no student can speak for such rows. */
  readonly students: readonly { readonly name: string; readonly weight: number }[]
}

/** Predictions of all rows, in their order. */
export interface Prediction {
  readonly ids: readonly string[]
  /** Classes, or outputs of a regression. */
  readonly outputs: readonly string[]
  /** (rows, outputs): probabilities, shares of the votes, or values in the target's units; NaN in a row that is not predicted. */
  readonly values: Float64Array
  /** Classification: the most probable class of each row, the first of equals; -1 where not predicted. */
  readonly labels?: Int32Array
  /** Each row's entry in `patterns`. */
  readonly patternOf: Int32Array
  readonly patterns: readonly PatternReport[]
}

export interface Predictor {
  /**
   * @param inputs columns are matched by name; a modality may be missing for some rows, or altogether
   * @param rows which rows, in the order wanted; all when left out
   * @throws ShapeError for a row that is not there, or sizes that do not fit; DataError for inputs that cannot be, and when a
   *   feature is missing or of another kind; MemoryError
   */
  predict(inputs: Inputs, rows?: ArrayLike<number>): Prediction
}

/** Rows that are run at once. */
const CHUNK = 64

/** Rows that are prepared at once: what a prediction takes of the memory does not grow with the table. */
const BLOCK = 4096

/**
 * A predictor on a session of its own: the students' blocks are copied in once and stay.
 * @param rule which of the model's ensembles; its own when left out: `greedy`, if it was built
 * @throws ConfigError for a rule that the model lacks
 */
export function createPredictor(session: Session<InferKernels>, model: Model, rule: Rule = ownRule(model)): Predictor {
  const { kernels, memory } = session
  const features = model.preparations.map(preparedWidth)
  const students = model.students.map((s) => memberOf(s, features))
  const blocks = model.students.map((s) => memory.put(s.block))
  const names = model.preparations.map((p) => p.modality)
  const outputs = modelOutputs(model.target)
  const weightsOf = patternWeights(model, rule)
  const meta = metaLearner(students.length, outputs.length)
  const { stacking, average } = model.ensembles
  const metaBlock = rule === 'stacking' && stacking ? memory.put(stacking) : undefined

  /**
   * Probabilities or outputs of up to CHUNK rows of one pattern.
   * @param first of the rows among those prepared
   * @param places of the rows among all values
   */
  function runPattern(cohort: Cohort, weights: Float32Array, first: number, places: Int32Array, values: Float64Array): void {
    const D = outputs.length
    const B = places.length
    const members = Array.from(weights.keys()).filter((i) => weights[i] > 0)
    const mark = memory.mark()
    const said = memory.alloc(4 * members.length * B * D)
    const mix = memory.alloc(4 * B * D)
    chooseRows(
      session,
      cohort,
      places.map((_, b) => first + b),
    )
    members.forEach((i, k) => {
      runMember(kernels, said + 4 * k * B * D, cohort, i, B)
    })
    const { task } = model.target
    if (metaBlock === undefined) {
      const mine = Float32Array.from(members, (i) => weights[i])
      combine(session, mix, said, mine, rule, { task, average }, B, D)
    } else {
      runMeta(session, mix, said, members, meta, metaBlock, B)
      if (task === 'classification') kernels.softmax(mix, mix, B, D)
    }
    const result = memory.f32(mix, B * D)
    places.forEach((place, b) => {
      values.set(result.subarray(b * D, (b + 1) * D), place * D)
    })
    memory.release(mark)
  }

  /** Rows that stand together by pattern, prepared and run. @param places of the rows among all values */
  function runBlock(
    inputs: Inputs,
    rows: Int32Array,
    places: Int32Array,
    values: Float64Array,
    weightsAt: (place: number) => Float32Array | undefined,
  ): void {
    const mark = memory.mark()
    const mine = places.map((place) => rows[place])
    const cohort = cohortOf(memory, students, blocks, sourcesOf(session, model, inputs, mine), CHUNK, false)
    let first = 0
    while (first < places.length) {
      const weights = weightsAt(places[first])
      let last = first + 1
      while (last < places.length && last - first < CHUNK && weightsAt(places[last]) === weights) last++
      if (weights) runPattern(cohort, weights, first, places.subarray(first, last), values)
      first = last
    }
    memory.release(mark)
  }

  function predict(inputs: Inputs, rows: Int32Array): Prediction {
    checkColumns(model, inputs)
    const all = patternsOf(inputs, names)
    const patterns = new Map<Pattern, number[]>()
    rows.forEach((row, i) => {
      const same = patterns.get(all[row])
      if (same) same.push(i)
      else patterns.set(all[row], [i])
    })
    const values = new Float64Array(rows.length * outputs.length).fill(Number.NaN)
    const patternOf = new Int32Array(rows.length)
    const weights = Array.from(patterns.keys(), weightsOf)
    const reports = Array.from(patterns.keys(), (pattern, p) => report(model, pattern, weights[p]))
    const places = new Int32Array(rows.length)
    let placed = 0
    ;[...patterns.values()].forEach((mine, p) => {
      for (const i of mine) patternOf[i] = p
      places.set(mine, placed)
      placed += mine.length
    })
    for (let at = 0; at < places.length; at += BLOCK) {
      runBlock(inputs, rows, places.subarray(at, at + BLOCK), values, (place) => weights[patternOf[place]])
    }
    const ids = Array.from(rows, (row) => inputs.ids[row])
    const common = { ids, outputs, values, patternOf, patterns: reports }
    const { target } = model
    if (target.task === 'classification') return { ...common, labels: labelsOf(values, outputs.length) }
    for (let i = 0; i < values.length; i++) {
      const d = i % outputs.length
      values[i] = values[i] * target.scale[d] + target.mean[d]
    }
    return common
  }

  return {
    predict(inputs, rows = Int32Array.from(inputs.ids, (_, row) => row)) {
      // Nobody at all, or subjects without any view, are no mistake here.
      if (inputs.ids.length > 0 && inputs.modalities.length > 0) checkInputs(inputs)
      for (let i = 0; i < rows.length; i++) {
        if (!(Number.isInteger(rows[i]) && rows[i] >= 0 && rows[i] < inputs.ids.length))
          throw new ShapeError(`row ${rows[i]} is asked for and there are ${inputs.ids.length}: give indexes of rows`)
      }
      const start = memory.mark()
      try {
        return predict(inputs, Int32Array.from(rows))
      } finally {
        memory.release(start)
      }
    },
  }
}

/** That the columns are those of the model, before any work is done. @throws DataError */
function checkColumns({ preparations }: Model, { modalities }: Inputs): void {
  for (const preparation of preparations) {
    const modality = modalities.find((given) => given.name === preparation.modality)
    if (modality) columnsFor(preparation, modality)
  }
}

/** Prepared rows of every modality, and what the frozen layers make of them. */
function sourcesOf(session: Session<InferKernels>, model: Model, inputs: Inputs, rows: Int32Array): Map<string, Source> {
  const sources = new Map<string, Source>()
  model.preparations.forEach((preparation, m) => {
    const modality = inputs.modalities.find((given) => given.name === preparation.modality)
    const width = preparedWidth(preparation)
    const values = modality ? applyPreparation(preparation, modality, rows) : new Float32Array(rows.length * width)
    sources.set(sourceName(m, { kind: 'raw' }), { at: session.memory.put(values), width })
  })
  projectAll(session, sources, model.projections, rows.length)
  return sources
}

function report({ preparations, students }: Model, pattern: Pattern, weights: Float32Array | undefined): PatternReport {
  const used = weights ? Array.from(weights.keys()).filter((i) => weights[i] > 0) : []
  return {
    missing: preparations.map((p) => p.modality).filter((_, m) => pattern[m] !== '1'),
    students: used
      .map((i) => ({ name: students[i].name, weight: (weights as Float32Array)[i] }))
      .sort((a, b) => b.weight - a.weight),
  }
}

const labelsOf = (values: Float64Array, classes: number): Int32Array =>
  Int32Array.from({ length: values.length / classes }, (_, row) =>
    Number.isNaN(values[row * classes]) ? -1 : argmax(values, row * classes, classes),
  )
