// Which students can speak for which rows. Nothing else asks, and no value ever stands for a missing modality.

import type { Inputs } from '../data/dataset.ts'
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

/** The pattern of every row. @param names the modalities asked for; one that the inputs lack is missing in every row */
export function patternsOf(inputs: Inputs, names: readonly string[]): Pattern[] {
  const present = names.map((name) => inputs.modalities.find((m) => m.name === name)?.present)
  // Equal patterns are one string, so that they are compared by where they are.
  const known = new Map<string, Pattern>()
  return inputs.ids.map((_, row) => {
    let digits = ''
    for (const p of present) digits += p?.[row] ? '1' : '0'
    const pattern = known.get(digits)
    if (pattern === undefined) known.set(digits, digits)
    return pattern ?? digits
  })
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
