// What becomes of predictions where a view of the subjects is missing, noisy, or of somebody else: the same rows, spoilt on purpose.

import type { Column, Dataset, Modality } from '../data/dataset.ts'
import { momentsOf } from '../data/moments.ts'
import type { Random } from '../wasm/random.ts'

/** The data without a modality, in every row. */
export const without = (data: Dataset, m: number): Dataset =>
  changed(data, m, (modality) => ({ ...modality, present: new Uint8Array(modality.present.length) }))

/** Normal noise on the numbers of a modality, so many standard deviations of each column large. */
export function noisy(data: Dataset, m: number, deviations: number, random: Random): Dataset {
  return changed(data, m, (modality) => ({
    ...modality,
    columns: modality.columns.map((column): Column => {
      if (column.kind === 'category') return column
      const known = column.values.filter((value) => !Number.isNaN(value))
      const { deviation } = momentsOf(known.length, (i) => known[i])
      const noise = random.fork(`noise ${column.name}`).normal(column.values.length)
      return { ...column, values: column.values.map((v, i) => v + deviations * deviation * noise[i]) }
    }),
  }))
}

/** A modality of some rows dealt anew among them, gaps and all: everybody has somebody's. */
export function swapped(data: Dataset, m: number, rows: Int32Array, random: Random): Dataset {
  const order = random.fork('swap').permutation(rows.length)
  const from = new Map(Array.from(rows, (row, i) => [row, rows[order[i]]]))
  return changed(data, m, (modality) => taken(modality, (row) => from.get(row) ?? row))
}

/**
 * The conflict protocol of multi-view learning (Xu et al., Reliable Conflictive Multi-view Learning, AAAI 2024, its published code), on
 * some rows of a classification: a tenth gets noise of half a column's range on a random set of views, two fifths have one random
 * view replaced by that of the first row of the next class. The others stay.
 */
export function conflicting(data: Dataset, rows: Int32Array, random: Random): Dataset {
  const { target, modalities } = data
  if (target.task !== 'classification') throw new TypeError('views conflict about classes')
  const M = modalities.length
  const order = (name: string, share: number) =>
    Array.from(
      random
        .fork(name)
        .permutation(rows.length)
        .subarray(0, Math.floor(share * rows.length)),
      (i) => rows[i],
    )
  const noises = modalities.map(() => new Set<number>())
  const choice = random.fork('views')
  for (const row of order('noisy rows', 0.1)) {
    for (const m of choice.permutation(M).subarray(0, choice.below(M))) noises[m].add(row)
  }
  const strangers = modalities.map(() => new Map<number, number>())
  for (const row of order('replaced rows', 0.4)) {
    const next = (target.labels[row] + 1) % target.classes.length
    const other = rows.find((r) => target.labels[r] === next)
    if (other !== undefined) strangers[choice.below(M)].set(row, other)
  }
  return {
    ...data,
    modalities: modalities.map((modality, m) => {
      const spoilt = {
        ...modality,
        columns: modality.columns.map((column) => ranged(column, noises[m], random.fork(`${modality.name} ${column.name}`))),
      }
      return taken(spoilt, (row) => strangers[m].get(row) ?? row)
    }),
  }
}

/** Normal noise of half the column's range on some rows. */
function ranged(column: Column, rows: ReadonlySet<number>, random: Random): Column {
  if (column.kind === 'category' || rows.size === 0) return column
  const known = column.values.filter((v) => !Number.isNaN(v))
  const range = known.reduce((most, v) => Math.max(most, v), -Infinity) - known.reduce((least, v) => Math.min(least, v), Infinity)
  const noise = random.normal(column.values.length)
  return { ...column, values: column.values.map((v, row) => (rows.has(row) ? v + 0.5 * range * noise[row] : v)) }
}

/** A modality whose rows are those of others. */
const taken = (modality: Modality, from: (row: number) => number): Modality => ({
  ...modality,
  present: modality.present.map((_, row) => modality.present[from(row)]),
  columns: modality.columns.map(
    (column): Column =>
      column.kind === 'number'
        ? { ...column, values: column.values.map((_, row) => column.values[from(row)]) }
        : { ...column, codes: column.codes.map((_, row) => column.codes[from(row)]) },
  ),
})

const changed = (data: Dataset, m: number, change: (modality: Modality) => Modality): Dataset => ({
  ...data,
  modalities: data.modalities.map((modality, other) => (other === m ? change(modality) : modality)),
})
