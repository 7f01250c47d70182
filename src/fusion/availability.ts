// Which students can speak for which rows. Nothing else asks, and no value ever stands for a missing modality.

import type { Inputs } from '../data/dataset.ts'
import type { StudentSpec } from './student.ts'

/** The modalities at hand: 1 or 0 for each, in the model's order, as a string of digits, so that it can be a key. */
export type Pattern = string

/** A student speaks if every modality it uses is there; one that fills, if any is. */
export const canSpeak = (spec: StudentSpec, pattern: Pattern): boolean => {
  const used = spec.extractors.flatMap((e, m) => (e.kind === 'skip' ? [] : [pattern[m] === '1']))
  return spec.fills ? used.includes(true) : !used.includes(false)
}

/** The pattern of every row. @param names the modalities asked for; one that the inputs lack is missing in every row */
export function patternsOf(inputs: Inputs, names: readonly string[]): Pattern[] {
  const present = names.map((name) => inputs.modalities.find((m) => m.name === name)?.present)
  return inputs.ids.map((_, row) => present.map((p) => (p?.[row] ? '1' : '0')).join(''))
}

/** The students that can speak for a pattern, as indexes. */
export const ableStudents = (specs: readonly StudentSpec[], pattern: Pattern): number[] =>
  Array.from(specs.keys()).filter((i) => canSpeak(specs[i], pattern))

/** 1 for each row the student can see. */
export const sees = (spec: StudentSpec, patterns: readonly Pattern[]): Uint8Array =>
  Uint8Array.from(patterns, (pattern) => (canSpeak(spec, pattern) ? 1 : 0))
