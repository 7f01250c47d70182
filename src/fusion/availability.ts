// Which students can speak for which rows. Nothing else asks, and no value ever stands for a missing modality.

import type { Inputs, Modality } from '../data/dataset.ts'
import type { StudentSpec } from './student.ts'

/** The modalities at hand: 1 or 0 for each, in the model's order, as a string of digits, so that it can be a key. */
export type Pattern = string

/** A student speaks if every modality it uses is there; one that fills, if any is. */
export function canSpeak({ extractors, fills = false }: StudentSpec, pattern: Pattern): boolean {
  // Asked for every row and student: nothing is allocated.
  for (let m = 0; m < extractors.length; m++) {
    if (extractors[m].kind !== 'skip' && (pattern[m] === '1') === fills) return fills
  }
  return !fills
}

/** The modalities of these names; undefined for one that the inputs lack. */
export const modalitiesOf = ({ modalities }: Inputs, names: readonly string[]): (Modality | undefined)[] =>
  names.map((name) => modalities.find((given) => given.name === name))

/** The pattern of every row. @param names the modalities asked for; one that the inputs lack is missing in every row */
export function patternsOf(inputs: Inputs, names: readonly string[]): Pattern[] {
  const { patterns, patternOf } = groupRows(modalitiesOf(inputs, names), Int32Array.from(inputs.ids.keys()))
  return Array.from(patternOf, (p) => patterns[p])
}

/** Rows by what they have. */
export interface Groups {
  /** In the order in which they first occur. */
  readonly patterns: readonly Pattern[]
  /** Each row's entry in `patterns`. */
  readonly patternOf: Int32Array<ArrayBuffer>
}

/** @param given the modalities asked for; one that is undefined is missing in every row @param rows which rows, in the order wanted */
export function groupRows(given: readonly (Modality | undefined)[], rows: Int32Array): Groups {
  const patterns: Pattern[] = []
  const places = new Map<Pattern, number>()
  const patternOf = new Int32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    let pattern = ''
    for (let m = 0; m < given.length; m++) pattern += given[m]?.present[rows[i]] ? '1' : '0'
    let place = places.get(pattern)
    if (place === undefined) {
      place = patterns.push(pattern) - 1
      places.set(pattern, place)
    }
    patternOf[i] = place
  }
  return { patterns, patternOf }
}

/** The students that can speak for a pattern, as indexes. */
export const ableStudents = (specs: readonly StudentSpec[], pattern: Pattern): number[] =>
  Array.from(specs.keys()).filter((i) => canSpeak(specs[i], pattern))

/** 1 for each row the student can see. */
export function sees(spec: StudentSpec, patterns: readonly Pattern[]): Uint8Array {
  const out = new Uint8Array(patterns.length)
  for (let row = 0; row < out.length; row++) out[row] = canSpeak(spec, patterns[row]) ? 1 : 0
  return out
}
