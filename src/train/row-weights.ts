import type { Pointer } from '../wasm/memory.ts'
import type { Problem } from './problem.ts'

/** Students that see the same rows share their weights. */
interface Group {
  readonly sees: Uint8Array
  /** What each row of the batch counts in the task loss: 1 / rows seen, or 0. */
  readonly task: Pointer
  /** The same, and 0 where no teacher speaks. */
  readonly share: Pointer
}

/** What each row counts for each student, in WASM memory, one batch at a time. */
export interface RowWeights {
  /** Group of each student. */
  readonly of: readonly number[]
  readonly groups: readonly Group[]
  /** The group of the rows that any student sees: what a loss that they share is a mean over. */
  readonly anyone: number
  /** True when every student sees every training and validation row. */
  readonly complete: boolean
}

export function rowWeightsOf({ session, sees, train, validation }: Problem, capacity: number): RowWeights {
  const room = () => session.memory.alloc(4 * capacity)
  const groups: Group[] = []
  const groupOf = (mine: Uint8Array) => {
    const known = groups.findIndex((g) => g.sees === mine || g.sees.every((v, row) => v === mine[row]))
    if (known >= 0) return known
    return groups.push({ sees: mine, task: room(), share: room() }) - 1
  }
  const of = sees.map(groupOf)
  const anyone = groupOf(sees[0].map((_, row) => (sees.some((mine) => mine[row]) ? 1 : 0)))
  const complete = sees.every((mine) => train.every((row) => mine[row]) && validation.every((row) => mine[row]))
  return { of, groups, anyone, complete }
}

/** How many of the rows each group sees. */
export const seenRows = ({ groups }: RowWeights, rows: Int32Array): number[] =>
  groups.map(({ sees }) => rows.reduce((n, row) => n + sees[row], 0))

/** Fills the task weights of a batch: 1 / `counts[group]` for each row that the group sees. */
export function fillTask(
  { session: { memory } }: Problem,
  weights: RowWeights,
  rows: Int32Array,
  counts: readonly number[],
): void {
  weights.groups.forEach((group, g) => {
    const view = memory.f32(group.task, rows.length)
    for (let b = 0; b < rows.length; b++) view[b] = group.sees[rows[b]] ? 1 / counts[g] : 0
  })
}

/** Fills the weights of the divergence: those of the task where `taught` (B) is 1. */
export function fillShare({ session: { memory } }: Problem, weights: RowWeights, taught: Pointer, B: number): void {
  const spoken = memory.f32(taught, B)
  for (const group of weights.groups) {
    const task = memory.f32(group.task, B)
    const share = memory.f32(group.share, B)
    for (let b = 0; b < B; b++) share[b] = task[b] * spoken[b]
  }
}
