import type { Inputs } from './dataset.ts'

/** How many rows have exactly these modalities. */
export interface Pattern {
  readonly modalities: readonly string[]
  readonly rows: number
}

/** Who is missing where. */
export interface Presence {
  /** One entry per combination that occurs, the most frequent first, ties in order of first appearance. */
  readonly patterns: readonly Pattern[]
  /** The rows that have no modality at all; they are in no pattern. */
  readonly none: Int32Array
}

/** Counts the rows by the modalities they have. */
export function presence({ ids, modalities }: Inputs): Presence {
  const counts = new Map<string, { modalities: string[]; rows: number }>()
  const none: number[] = []
  for (let row = 0; row < ids.length; row++) {
    const there = modalities.filter((modality) => modality.present[row])
    if (there.length === 0) {
      none.push(row)
      continue
    }
    const key = modalities.map((modality) => (modality.present[row] ? '1' : '0')).join('')
    const pattern = counts.get(key)
    if (pattern) pattern.rows++
    else counts.set(key, { modalities: there.map((modality) => modality.name), rows: 1 })
  }
  return { patterns: [...counts.values()].sort((a, b) => b.rows - a.rows), none: Int32Array.from(none) }
}
