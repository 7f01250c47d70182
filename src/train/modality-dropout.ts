import type { Pattern } from '../fusion/availability.ts'
import type { StudentSpec } from '../fusion/student.ts'
import type { Random } from '../wasm/random.ts'

/** Modalities that rows lose at random, for one training step: whoever needs one of them does not see the row. */
export interface ModalityDropout {
  readonly rate: number
  /** Its forks decide about a batch, the same at every ρ and for any part of a cohort. */
  readonly random: Random
  /** Which modalities each row has. */
  readonly patterns: readonly Pattern[]
  /** The modalities that each student needs. A student that fills gaps needs none. */
  readonly needs: readonly (readonly number[])[]
}

/** Students that see the same rows and need the same modalities: a row is lost to them when of each list something is. */
interface Viewers {
  readonly sees: Uint8Array
  readonly needs: readonly (readonly number[])[]
}

/** The modalities without which a student does not see a row. */
export const needsOf = ({ extractors, fills = false }: StudentSpec): number[] =>
  fills ? [] : extractors.flatMap(({ kind }, m) => (kind === 'skip' ? [] : [m]))

/**
 * Takes from each row of a batch every modality with the same probability; if that were all it has, it keeps the one that came closest to
 * being kept.
 * @returns puts everything back
 */
export function lose(
  { rate, random, patterns }: ModalityDropout,
  groups: readonly Viewers[],
  rows: Int32Array,
  batch: string,
): () => void {
  const M = patterns[0].length
  const draws = random.fork(batch).uniform(rows.length * M, 0, 1)
  const lost = new Uint8Array(M)
  const hidden: [sees: Uint8Array, row: number][] = []
  rows.forEach((row, b) => {
    let most = -1
    let kept = 0
    for (let m = 0; m < M; m++) {
      lost[m] = 0
      if (patterns[row][m] === '0') continue
      const draw = draws[b * M + m]
      if (most < 0 || draw > draws[b * M + most]) most = m
      if (draw < rate) lost[m] = 1
      else kept++
    }
    if (kept === 0 && most >= 0) lost[most] = 0
    for (const { sees, needs } of groups) {
      if (sees[row] && needs.every((some) => some.some((m) => lost[m]))) {
        sees[row] = 0
        hidden.push([sees, row])
      }
    }
  })
  return () => {
    for (const [sees, row] of hidden) sees[row] = 1
  }
}
