import { ShapeError } from '../core/errors.ts'
import { checkInputs, type Inputs, type Modality } from '../data/dataset.ts'
import { type Read, readerOf } from '../data/prepare.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { groupRows, modalitiesOf } from './availability.ts'
import type { Doubts } from './doubt.ts'
import { argmax, type Rule } from './ensemble.ts'
import { doubtOf, type Model, modelOutputs, ownRule } from './model.ts'
import { CHUNK, type Room, runnerOf } from './runner.ts'
import { type PatternReport, type Speakers, speakersOf } from './speakers.ts'

/** Predictions of all rows, in their order. */
export interface Prediction {
  readonly ids: readonly string[]
  /** Classes, or outputs of a regression. */
  readonly outputs: readonly string[]
  /** (rows, outputs): probabilities, shares of the votes, or values in the target's units; NaN in a row that is not predicted. */
  readonly values: Float64Array
  /** Classification: the most probable class of each row, the first of equals; -1 where not predicted. */
  readonly labels?: Int32Array
  /** Of a model that doubts; `suspects` says what follows from it. */
  readonly doubts?: Doubts
  /** Each row's entry in `patterns`. */
  readonly patternOf: Int32Array
  readonly patterns: readonly PatternReport[]
}

export interface Predictor {
  /**
   * @param inputs columns are matched by name; a modality may be missing for some rows, or altogether
   * @param rows which rows, in the order wanted; all when left out
   * @param watch for who wants to know more
   * @throws ShapeError for a row that is not there, or sizes that do not fit; DataError for inputs that cannot be, and when a
   *   feature is missing or of another kind; MemoryError
   */
  predict(inputs: Inputs, rows?: ArrayLike<number>, watch?: Watch): Prediction
}

/** Told of what a prediction works out on its way; the arrays are its own. @param place of the row among those asked for */
export interface Watch {
  /** Features of each modality as far off as they are, neither straightened nor ended; of one that is missing, none. */
  row(place: number, features: readonly Float32Array[]): void
  /** What the students of the row say (K, outputs): probabilities, or outputs as they were learned; and their weights (K). */
  said(place: number, outputs: Float32Array, weights: Float32Array): void
}

/** Rows that are prepared at once: what a prediction takes of the memory does not grow with the table. */
const BLOCK = 4096

/**
 * A predictor on a session of its own: what the model holds is copied in once and stays, with room for a chunk of rows. Between
 * calls it remembers what columns were called and where they stood, and no more of the inputs.
 * @param rule which of the model's ensembles; its own when left out: `greedy`, if it was built
 * @throws ConfigError for a rule that the model lacks; MemoryError
 */
export function createPredictor(session: Session<InferKernels>, model: Model, rule: Rule = ownRule(model)): Predictor {
  const { memory } = session
  const { target } = model
  const speakersFor = speakersOf(model, rule)
  const readers = model.preparations.map(readerOf)
  const names = model.preparations.map((p) => p.modality)
  const distinct = new Map<string, readonly string[]>(names.map((name) => [name, []]))
  const outputs = modelOutputs(target)
  const D = outputs.length
  const M = names.length
  const doubting = doubtOf(model, rule) !== undefined
  const runner = runnerOf(
    session,
    model,
    rule,
    readers.map((reader) => reader.width),
  )
  const small = runner.roomFor(CHUNK)

  /** Runs the rows in the room by chunks of one pattern. @param places of the rows among all values */
  function runRoom(
    room: Room,
    places: Int32Array,
    speakersAt: (place: number) => Speakers,
    values: Float64Array,
    doubts: Float64Array | undefined,
    watch?: Watch,
  ): void {
    let first = 0
    while (first < places.length) {
      const speakers = speakersAt(places[first])
      let last = first + 1
      while (last < places.length && last - first < CHUNK && speakersAt(places[last]) === speakers) last++
      if (speakers.voices) {
        const { voices } = speakers
        const begin = first
        const heard = watch && ((b: number, said: Float32Array) => watch.said(places[begin + b], said, voices.weights))
        const { at, beliefs } = runner.run(room, voices, first, last - first, heard)
        const said = memory.floats()
        const K = voices.doubted.length
        for (let i = first; i < last; i++) {
          for (let d = 0; d < D; d++) values[places[i] * D + d] = said[at / 4 + (i - first) * D + d]
          if (!doubts) continue
          doubts.fill(0, places[i] * M, (places[i] + 1) * M)
          for (let k = 0; k < K; k++) doubts[places[i] * M + voices.doubted[k].modality] = beliefs[(i - first) * K + k]
        }
      }
      first = last
    }
  }

  /** A row's features in each modality it has, as far off as they are. */
  const featuresOf = (
    reads: readonly (Read | undefined)[],
    given: readonly (Modality | undefined)[],
    row: number,
  ): Float32Array[] =>
    readers.map(({ width }, m) => {
      const features = new Float32Array(given[m]?.present[row] ? width : 0)
      if (features.length > 0) reads[m]?.(features, 0, Int32Array.of(row), true)
      return features
    })

  function predict(inputs: Inputs, rows: Int32Array, watch?: Watch): Prediction {
    const given = modalitiesOf(inputs, names)
    const reads = given.map((modality, m) => modality && readers[m].open(modality))
    const { patterns, patternOf } = groupRows(given, rows)
    const speakers = patterns.map(speakersFor)
    const places = together(patternOf, patterns.length)
    const values = new Float64Array(rows.length * D).fill(Number.NaN)
    const doubts = doubting ? new Float64Array(rows.length * M).fill(Number.NaN) : undefined
    const room = rows.length > CHUNK ? runner.roomFor(Math.min(rows.length, BLOCK)) : small
    for (let at = 0; at < places.length; at += BLOCK) {
      const mine = places.length > BLOCK ? places.subarray(at, at + BLOCK) : places
      runner.prepare(room, reads, pick(rows, mine))
      if (watch) {
        for (const place of mine) watch.row(place, featuresOf(reads, given, rows[place]))
      }
      runRoom(room, mine, (place) => speakers[patternOf[place]], values, doubts, watch)
    }
    const ids = new Array<string>(rows.length)
    for (let i = 0; i < ids.length; i++) ids[i] = inputs.ids[rows[i]]
    const common = {
      ids,
      outputs,
      values,
      ...(doubts ? { doubts: { modalities: names, beliefs: doubts } } : {}),
      patternOf,
      patterns: speakers.map(({ report }) => report),
    }
    if (target.task === 'classification') return { ...common, labels: labelsOf(values, D) }
    for (let i = 0; i < values.length; i++) values[i] = values[i] * target.scale[i % D] + target.mean[i % D]
    return common
  }

  return {
    predict(inputs, rows, watch) {
      // Nobody at all, or subjects without any view, are no mistake here.
      if (inputs.ids.length > 0 && inputs.modalities.length > 0) checkInputs(inputs, distinct)
      const chosen = rowsOf(inputs, rows)
      const start = memory.mark()
      try {
        return predict(inputs, chosen, watch)
      } finally {
        memory.release(start)
      }
    },
  }
}

/** The rows asked for; all when none are. @throws ShapeError for one that is not there */
function rowsOf({ ids }: Inputs, asked: ArrayLike<number> | undefined): Int32Array {
  const rows = new Int32Array((asked ?? ids).length)
  for (let i = 0; i < rows.length; i++) {
    const row = asked ? asked[i] : i
    if (!(Number.isInteger(row) && row >= 0 && row < ids.length))
      throw new ShapeError(`row ${row} is asked for and there are ${ids.length}: give indexes of rows`)
    rows[i] = row
  }
  return rows
}

function pick(rows: Int32Array, places: Int32Array): Int32Array {
  const picked = new Int32Array(places.length)
  for (let i = 0; i < picked.length; i++) picked[i] = rows[places[i]]
  return picked
}

/** The places of the rows, those of one pattern together, as they follow each other. @param patternOf each row's, of so many */
function together(patternOf: Int32Array, patterns: number): Int32Array {
  const next = new Array<number>(patterns + 1).fill(0)
  for (let i = 0; i < patternOf.length; i++) next[patternOf[i] + 1]++
  for (let p = 1; p < patterns; p++) next[p] += next[p - 1]
  const places = new Int32Array(patternOf.length)
  for (let i = 0; i < patternOf.length; i++) places[next[patternOf[i]]++] = i
  return places
}

function labelsOf(values: Float64Array, classes: number): Int32Array {
  const labels = new Int32Array(values.length / classes)
  for (let i = 0; i < labels.length; i++) {
    labels[i] = Number.isNaN(values[i * classes]) ? -1 : argmax(values, i * classes, classes)
  }
  return labels
}
