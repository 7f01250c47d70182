// Who is asked about rows of a pattern. What a model says of that is worked out once for each pattern, not once for each call.

import type { Pattern } from './availability.ts'
import { heardModalities, type Voices, voicesFor } from './doubt.ts'
import type { Rule } from './ensemble.ts'
import { doubtOf, type Model, patternWeights } from './model.ts'

/** Rows with the same modalities are predicted by the same students. */
export interface PatternReport {
  /** Modalities of the model that these rows lack. */
  readonly missing: readonly string[]
  /** The students used while no modality is doubted, by falling weight (alike in stacking, which has none); none when no student can speak for such rows. */
  readonly students: readonly { readonly name: string; readonly weight: number }[]
}

/** The students of a pattern. */
export interface Speakers {
  /** Those that are asked, and what they count; undefined when none can speak. */
  readonly voices: Voices | undefined
  /** Frozen, all through: it is part of every prediction. */
  readonly report: PatternReport
}

/** Patterns that are remembered: of 25 modalities there may be 2²⁵. */
const REMEMBERED = 1024

/** The speakers of a pattern. @throws ConfigError for a rule that the model lacks */
export function speakersOf(model: Model, rule: Rule): (pattern: Pattern) => Speakers {
  const weightsOf = patternWeights(model, rule)
  const specs = model.students.map((s) => s.spec)
  const heard = heardModalities(specs, model.preparations.length)
  const doubt = doubtOf(model, rule)
  const remembered = new Map<Pattern, Speakers>()
  return (pattern) => {
    const known = remembered.get(pattern)
    if (known) return known
    const voices = voicesFor(pattern, weightsOf, heard, doubt)
    const speakers = { voices, report: reportOf(model, pattern, voices) }
    if (remembered.size === REMEMBERED) remembered.clear()
    remembered.set(pattern, speakers)
    return speakers
  }
}

function reportOf({ preparations, students }: Model, pattern: Pattern, voices: Voices | undefined): PatternReport {
  const missing = preparations.map((p) => p.modality).filter((_, m) => pattern[m] !== '1')
  const used = (voices?.members ?? []).flatMap((i, k) => {
    const weight = voices!.weights[k]
    return weight > 0 ? [Object.freeze({ name: students[i].name, weight })] : []
  })
  return Object.freeze({ missing: Object.freeze(missing), students: Object.freeze(used.sort((a, b) => b.weight - a.weight)) })
}
