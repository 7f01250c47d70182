import type { Target } from '../data/dataset.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Problem } from './problem.ts'

/** Students that see the same rows share their weights. */
export interface Group {
  /** 1 for each row that is seen; while a step of modality dropout lasts, without those that are lost to it. */
  readonly sees: Uint8Array
  /** With modality dropout: a row is lost when of each of these lists something is. */
  readonly needs: readonly (readonly number[])[]
  /** What each row of the batch counts in the task loss: its own weight / the weights of the rows seen, or 0. */
  readonly task: Pointer
  /** What it counts in a mean over rows: 1 / rows seen, or 0. The same array where all rows weigh the same. */
  readonly mean: Pointer
  /** The latter, and 0 where no teacher speaks. */
  readonly share: Pointer
  /** Of the rows that were last looked at. */
  readonly seen: Seen
}

/** What a group sees of some rows: how many, and what they weigh together. */
export interface Seen {
  rows: number
  weight: number
}

/** What each row counts for each student, in WASM memory, one batch at a time. */
export interface RowWeights {
  /** Group of each student. */
  readonly of: readonly number[]
  readonly groups: readonly Group[]
  /** The group of the rows that any student sees: what a loss that they share is a mean over. */
  readonly anyone: number
  /** True when every student sees every training and validation row at every step. */
  readonly complete: boolean
}

export function rowWeightsOf({ session, sees, target, train, validation, losing }: Problem, capacity: number): RowWeights {
  const room = () => session.memory.alloc(4 * capacity)
  const groups: Group[] = []
  const groupOf = (mine: Uint8Array, needs: Group['needs'] = []) => {
    const known = groups.findIndex(
      (g) => String(g.needs) === String(needs) && (g.sees === mine || g.sees.every((v, row) => v === mine[row])),
    )
    if (known >= 0) return known
    const task = room()
    const mean = target.weights ? room() : task
    const own = losing ? mine.slice() : mine
    return groups.push({ sees: own, needs, task, mean, share: room(), seen: { rows: 0, weight: 0 } }) - 1
  }
  const of = sees.map((mine, i) => groupOf(mine, losing && [losing.needs[i]]))
  const anyone = groupOf(
    sees[0].map((_, row) => (sees.some((mine) => mine[row]) ? 1 : 0)),
    losing?.needs,
  )
  const everything = sees.every((mine) => train.every((row) => mine[row]) && validation.every((row) => mine[row]))
  return { of, groups, anyone, complete: everything && !losing }
}

/** Looks what each group sees of the rows. */
export function lookAt({ target: { weights } }: Problem, { groups, complete }: RowWeights, rows: Int32Array): void {
  for (let g = 0; g < groups.length; g++) {
    const { sees, seen } = groups[g]
    let count = 0
    let weight = 0
    if (complete) count = rows.length
    else for (let b = 0; b < rows.length; b++) count += sees[rows[b]]
    if (weights) for (let b = 0; b < rows.length; b++) weight += sees[rows[b]] * weights[rows[b]]
    seen.rows = count
    seen.weight = weights ? weight : count
  }
}

/** Fills the weights of a batch that is part, or all, of what was looked at. */
export function fillTask({ session: { memory }, target: { weights } }: Problem, { groups }: RowWeights, rows: Int32Array): void {
  const floats = memory.floats()
  for (let g = 0; g < groups.length; g++) {
    const { sees, mean, task, seen } = groups[g]
    for (let b = 0; b < rows.length; b++) floats[mean / 4 + b] = sees[rows[b]] ? 1 / seen.rows : 0
    if (!weights) continue
    for (let b = 0; b < rows.length; b++) floats[task / 4 + b] = sees[rows[b]] ? weights[rows[b]] / seen.weight : 0
  }
}

/** Fills the weights of the divergence: those of a mean where `taught` (B) is 1. */
export function fillShare({ session: { memory } }: Problem, { groups }: RowWeights, taught: Pointer, B: number): void {
  const floats = memory.floats()
  for (let g = 0; g < groups.length; g++) {
    const { mean, share } = groups[g]
    for (let b = 0; b < B; b++) floats[share / 4 + b] = floats[mean / 4 + b] * floats[taught / 4 + b]
  }
}

/** What a row of each class counts: the same for all, as much for each class together, or as given, 1 where nothing is. */
export type ClassWeights = 'none' | 'balanced' | Readonly<Record<string, number>>

/**
 * What every row counts by its class; undefined where all count the same. Balanced, a class has n / (classes · its rows) over
 * the n training rows and the classes among them; one that is not among them has 1, which is the rows' mean.
 */
export function weightsByClass(target: Target, train: Int32Array, asked: ClassWeights): Float64Array | undefined {
  if (target.task !== 'classification' || asked === 'none') return undefined
  const { classes, labels } = target
  const counts = new Float64Array(classes.length)
  for (const row of train) counts[labels[row]]++
  const present = counts.filter((n) => n > 0).length
  const given = new Map(asked === 'balanced' ? [] : Object.entries(asked))
  const weights = classes.map((name, c) => {
    if (asked === 'balanced') return counts[c] > 0 ? train.length / (present * counts[c]) : 1
    return given.get(name) ?? 1
  })
  return Float64Array.from(labels, (label) => weights[label])
}
