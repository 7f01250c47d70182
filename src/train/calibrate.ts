// How far off a model's own ensemble is on rows that it has not learned from, for each pattern of modalities.

import type { Inputs } from '../data/dataset.ts'
import { type Preparation, readerOf } from '../data/prepare.ts'
import { deviations, rootMeanSquare, variation } from '../fusion/assess.ts'
import type { Pattern } from '../fusion/availability.ts'
import { type Calibration, type CalibrationCell, sampleOf } from '../fusion/calibration.ts'
import { askedOf, believe, heardModalities, voicesFor } from '../fusion/doubt.ts'
import { isVote, type Rule } from '../fusion/ensemble.ts'
import { type Combining, doubtOf, patternWeights } from '../fusion/model.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'

/** A cohort's outputs (M, rows, D) on calibration rows, what those rows are, and who speaks for which pattern. */
export interface Heard {
  readonly source: Calibration['source']
  readonly outputs: Float32Array
  readonly target: Int32Array | Float32Array
  readonly width: number
  /** Modalities of each row. */
  readonly patterns: readonly Pattern[]
  readonly combining: Combining
  readonly rule: Rule
}

/**
 * A pattern is judged on all rows that have its modalities, the others hidden, so what is known of it does not hang on how often it occurs.
 * @param distance of each modality, the root mean squares of rows that have it
 * @returns undefined for votes and stacking, whose numbers are no probabilities, and where there is no row
 * @yields between patterns
 */
export function* calibrate(
  session: Session<TrainKernels>,
  { source, outputs, target, width: D, patterns, combining, rule }: Heard,
  distance: readonly (readonly number[])[],
): Generator<undefined, Calibration | undefined> {
  const n = patterns.length
  if (isVote(rule) || rule === 'stacking' || n === 0) return undefined
  const M = outputs.length / n / D
  const cells: CalibrationCell[] = []
  const apart: number[] = []
  const floors: number[][] = Array.from({ length: D }, () => [])
  const mine = new Map<Pattern, (readonly number[])[]>()
  const told = target instanceof Int32Array ? softmax(session, outputs, D) : outputs
  const { ensembles } = combining
  const weightsOf = patternWeights(combining, rule)
  const doubt = doubtOf(combining, rule)
  const specs = combining.students.map(({ spec }) => spec)
  const known = heardModalities(specs, distance.length)
  const judged = ensembles.patterns.flatMap((pattern) => {
    const voices = voicesFor(pattern, weightsOf, known, doubt)
    return voices ? [{ pattern, voices, rows: Array.from(patterns.keys()).filter((b) => has(patterns[b], pattern)) }] : []
  })
  const mixes = new Map<string, Float32Array>()
  /** What the students of a pattern come to, with caution or without, of all rows (n, D); of those that lack a modality it says nothing. */
  function mixOf(pattern: Pattern, caution = 1): Float32Array {
    const key = `${pattern} ${caution}`
    const found = mixes.get(key)
    if (found) return found
    const logits = target instanceof Int32Array && ensembles.average === 'logits'
    const heard = logits ? outputs : told
    const sums = new Float64Array(n * D)
    weightsOf(pattern)?.forEach((weight, i) => {
      if (weight > 0) for (let k = 0; k < n * D; k++) sums[k] += caution * weight * heard[i * n * D + k]
    })
    const mix = logits ? softmax(session, Float32Array.from(sums), D) : Float32Array.from(sums)
    // Others ask for it again where each modality may be left out.
    if (doubt) mixes.set(key, mix)
    return mix
  }
  const rowsOf = (mix: Float32Array, rows: readonly number[]): Float32Array => {
    const out = new Float32Array(rows.length * D)
    rows.forEach((b, r) => {
      out.set(mix.subarray(b * D, (b + 1) * D), r * D)
    })
    return out
  }
  for (const { pattern, voices, rows } of judged) {
    yield
    const { members, weights } = voices
    const spread = rows.map((b) => {
      const said = new Float32Array(members.length * D)
      members.forEach((i, k) => {
        said.set(told.subarray((i * n + b) * D, (i * n + b + 1) * D), k * D)
      })
      return target instanceof Int32Array ? variation(said, weights, D) : deviations(said, weights, D)
    })
    mine.set(pattern, spread)
    rows.forEach((b, r) => {
      if (patterns[b] !== pattern) return
      apart.push(spread[r].reduce((sum, v) => sum + v, 0) / spread[r].length)
      if (!(target instanceof Int32Array)) for (const [d, v] of spread[r].entries()) floors[d].push(v)
    })
  }
  const floor = Float32Array.from(floors, meanOrOne)
  for (const { pattern, voices, rows } of judged) {
    yield
    const mix = rowsOf(mixOf(pattern), rows)
    const { doubted } = voices
    if (doubt && doubted.length > 0) {
      const asked = doubted.map(({ modality }) => askedOf(pattern, modality))
      const all = [
        mix,
        ...asked.flatMap(({ alone, without }) => [rowsOf(mixOf(alone, doubt.caution), rows), rowsOf(mixOf(without), rows)]),
      ]
      const chances = new Float32Array(all.length * mix.length)
      all.forEach((values, w) => {
        chances.set(values, w * mix.length)
      })
      believe(chances, 0, doubt, rows.length, D, doubted.length, new Float64Array(rows.length * doubted.length))
      mix.set(chances.subarray(0, mix.length))
    }
    for (let d = 0; d < D; d++) {
      const scores = rows.flatMap((b, r) => {
        if (target instanceof Int32Array) return target[b] === d ? [1 - mix[r * D + d]] : []
        const spread = (mine.get(pattern) as number[][])[r][d]
        return [Math.abs(target[b * D + d] - mix[r * D + d]) / (spread + floor[d])]
      })
      if (scores.length > 0) cells.push({ pattern, output: d, sample: sampleOf(scores) })
    }
  }
  if (cells.length === 0 || M === 0) return undefined
  return {
    source,
    cells,
    floor: target instanceof Int32Array ? new Float32Array() : floor,
    disagreement: sampleOf(apart),
    distance: distance.map(sampleOf),
  }
}

/** Whether the modalities of a pattern are among those of a row. */
const has = (row: Pattern, pattern: Pattern): boolean => Array.from(pattern).every((digit, m) => digit === '0' || row[m] === '1')

/** Where all students say the same, an interval is as wide as errors are. */
function meanOrOne(values: readonly number[]): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  return mean > 0 ? mean : 1
}

function softmax({ kernels, memory }: Session<TrainKernels>, logits: Float32Array, D: number): Float32Array {
  const mark = memory.mark()
  const at = memory.put(logits)
  kernels.softmax(at, at, logits.length / D, D)
  const out = memory.f32(at, logits.length).slice()
  memory.release(mark)
  return out
}

/** Of each modality, the root mean squares of the rows that have it, of features as far off as they are. */
export const distances = (preparations: readonly Preparation[], { modalities }: Inputs, rows: Int32Array): number[][] =>
  preparations.map((preparation, m) => {
    const present = rows.filter((row) => modalities[m].present[row])
    const { width, open } = readerOf(preparation)
    const read = open(modalities[m])
    const features = new Float32Array(width)
    return Array.from(present, (row) => {
      read(features, 0, Int32Array.of(row), true)
      return rootMeanSquare(features)
    })
  })
