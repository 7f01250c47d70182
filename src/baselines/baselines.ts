import type { Extractor } from '../fusion/extractor.ts'
import type { StudentSpec } from '../fusion/student.ts'

/**
 * What Meta Fusion is compared with, on the same rows, with the same head and training.
 * - `single:<modality>`: one network on one modality as it is
 * - `early-fusion`: one network on all modalities side by side; a missing one is filled with its training mean
 * - `late-fusion`: the mean of the single-modality networks' outputs, of those that can speak
 */
export interface BaselineSpec {
  readonly method: string
  /** Its networks among those of `baselineStudents`. */
  readonly members: readonly number[]
}

/** The networks that the baselines need: one on each modality, then one on all. */
export function baselineStudents(modalities: number, head: Omit<StudentSpec, 'extractors' | 'fills'>): StudentSpec[] {
  const use = (used: (m: number) => boolean): Extractor[] =>
    Array.from({ length: modalities }, (_, m) => ({ kind: used(m) ? 'raw' : 'skip' }))
  const singles = Array.from({ length: modalities }, (_, m) => ({ ...head, extractors: use((other) => other === m) }))
  return [...singles, { ...head, extractors: use(() => true), fills: true }]
}

/** The baselines made of them. */
export function baselinesOf(names: readonly string[]): BaselineSpec[] {
  const singles = names.map((name, m) => ({ method: `single:${name}`, members: [m] }))
  return [
    { method: 'early-fusion', members: [names.length] },
    { method: 'late-fusion', members: names.map((_, m) => m) },
    ...singles,
  ]
}
