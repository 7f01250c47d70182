// Which rows to learn from, to choose by and to report on. Classes keep their shares in every part, and the rows of a group
// stay together: what a subject's other rows say of it is no test.

import { ConfigError, DataError } from '../core/errors.ts'
import type { Random } from '../wasm/random.ts'
import type { Dataset } from './dataset.ts'

/** Row indexes in ascending order; no row is in two parts. */
export interface Splits {
  readonly train: Int32Array
  readonly validation: Int32Array
  readonly test: Int32Array
  /** Held out to find how far off a model is: nothing is fitted on them or chosen by them. */
  readonly calibration?: Int32Array
}

/** Shares of all rows, between 0 and 1; the rest is for training. */
export interface Fractions {
  readonly validation: number
  readonly test: number
}

/** What a split needs to know of a data set. */
export type Subjects = Pick<Dataset, 'ids' | 'target' | 'groups'>

/**
 * Draws test and validation rows, the same share of every class up to less than one row, but never the last of a class.
 * The target of a regression is not looked at. Where the data has groups, a part takes a group whole, as long as that brings
 * it nearer to its shares of the classes: these are then right up to the size of a group.
 * @throws ConfigError for fractions outside 0 … 1; DataError when a class occurs only once or a part would be empty
 */
export function splitRows(random: Random, data: Subjects, fractions: Fractions = { validation: 0.15, test: 0.15 }): Splits {
  checkFraction('validation', fractions.validation)
  checkFraction('test', fractions.test)
  if (fractions.validation + fractions.test >= 1) {
    throw new ConfigError(
      `validation ${fractions.validation} and test ${fractions.test} leave nothing to train on: let them add up to less than 1`,
    )
  }
  refuseLoneRows(data)
  const all = Int32Array.from(data.ids, (_, row) => row)
  const [train, test, validation] = draw(random, data, all, [fractions.test, fractions.validation])
  refuseEmpty('train', train, all.length)
  refuseEmpty('validation', validation, all.length)
  refuseEmpty('test', test, all.length)
  return { train, validation, test }
}

/**
 * Draws validation rows out of rows that are given for training, the same share of every class up to less than one row.
 * Every class among `rows` stays in train.
 * @throws ConfigError for a fraction outside 0 … 1; DataError when a class occurs only once in the data or a part would be empty
 */
export function splitValidation(
  random: Random,
  data: Subjects,
  rows: ArrayLike<number>,
  fraction = 0.15,
): Pick<Splits, 'train' | 'validation'> {
  checkFraction('validation', fraction)
  refuseLoneRows(data)
  const [train, validation] = draw(random, data, rows, [fraction])
  refuseEmpty('train', train, rows.length)
  refuseEmpty('validation', validation, rows.length)
  return { train, validation }
}

/** The rows that no part took, then the rows of each part. */
function draw(random: Random, { target, groups }: Subjects, rows: ArrayLike<number>, fractions: readonly number[]): Int32Array[] {
  const classification = target.task === 'classification'
  const stratum = (row: number) => (classification ? target.labels[row] : 0)
  const sizes = countsOf(Array.from(rows), stratum, classification ? target.classes.length : 1)
  const free = sizes.map((size) => Math.max(size - 1, 0))
  const quotas = fractions.map((fraction) => quota(fraction, sizes, free))

  const parts: number[][] = [[], ...fractions.map(() => [])]
  const together = groupsOf(rows, groups)
  for (const i of random.permutation(together.length)) {
    const counts = countsOf(together[i], stratum, sizes.length)
    const lasts = counts.some((count, s) => count > 0 && count === sizes[s])
    const part = lasts ? -1 : quotas.findIndex((left) => brings(left, counts))
    if (part >= 0) {
      counts.forEach((count, s) => {
        quotas[part][s] -= count
        sizes[s] -= count
      })
    }
    parts[part + 1].push(...together[i])
  }
  return parts.map((part) => Int32Array.from(part).sort())
}

/** Rows that stay together, in the order of the first of each; every row by itself where there are no groups. */
function groupsOf(rows: ArrayLike<number>, groups: readonly string[] | undefined): number[][] {
  if (!groups) return Array.from(rows, (row) => [row])
  const together = new Map<string, number[]>()
  for (const row of Array.from(rows)) {
    const known = together.get(groups[row])
    if (known) known.push(row)
    else together.set(groups[row], [row])
  }
  return [...together.values()]
}

function countsOf(rows: readonly number[], stratum: (row: number) => number, strata: number): number[] {
  const counts = new Array<number>(strata).fill(0)
  for (const row of rows) counts[stratum(row)]++
  return counts
}

/** Whether Σ left² becomes less by taking these rows; of a single row, whether any is left to take. */
const brings = (left: readonly number[], counts: readonly number[]): boolean =>
  counts.reduce((gain, count, s) => gain + count * (2 * left[s] - count), 0) > 0

/** How many rows of each stratum a part takes, by largest remainder, and takes them off `free`. */
function quota(fraction: number, sizes: readonly number[], free: number[]): number[] {
  const exact = sizes.map((size) => fraction * size)
  const taken = exact.map((share, s) => Math.min(Math.floor(share), free[s]))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let missing = Math.round(fraction * total) - taken.reduce((sum, n) => sum + n, 0)
  const byRemainder = sizes.map((_, s) => s).sort((a, b) => exact[b] - Math.floor(exact[b]) - (exact[a] - Math.floor(exact[a])))
  for (const s of byRemainder) {
    if (missing <= 0) break
    if (taken[s] >= exact[s] || taken[s] >= free[s]) continue
    taken[s]++
    missing--
  }
  for (let s = 0; s < sizes.length; s++) free[s] -= taken[s]
  return taken
}

function checkFraction(name: string, fraction: number): void {
  if (!(fraction > 0 && fraction < 1)) throw new ConfigError(`the ${name} fraction is ${fraction}: give a number between 0 and 1`)
}

/** @throws DataError when a class occurs only once: no part but one could know it */
export function refuseLoneRows({ ids, target }: Subjects): void {
  if (target.task !== 'classification') return
  const counts = new Array<number>(target.classes.length).fill(0)
  for (const label of target.labels) counts[label]++
  const lone = target.classes.filter((_, k) => counts[k] === 1)
  if (lone.length === 0) return
  const named = lone.map(
    (name) => `class "${name}" occurs once (id "${ids[target.labels.indexOf(target.classes.indexOf(name))]}")`,
  )
  throw new DataError(`${named.join(', ')}: a class needs two rows at least, so add some, merge it with another or leave it out`)
}

function refuseEmpty(name: string, part: Int32Array, rows: number): void {
  if (part.length > 0) return
  throw new DataError(`no row is left for ${name} out of ${rows}: give more rows or another fraction`)
}

const PARTS = ['train', 'validation', 'calibration', 'test'] as const

/** @throws DataError when a part is empty, a row is not there or in two parts, or a group is parted; there need be no test rows */
export function checkSplits(data: Pick<Dataset, 'ids' | 'groups'>, splits: Splits): void {
  const taken = new Set<number>()
  for (const name of PARTS) {
    const rows = splits[name] ?? []
    if (rows.length === 0 && name === 'train') throw new DataError(`the split leaves no row for ${name}: give it at least one`)
    for (const row of rows) {
      if (!(row >= 0 && row < data.ids.length))
        throw new DataError(`the split names row ${row} and there are ${data.ids.length} rows`)
      if (taken.has(row))
        throw new DataError(`row ${row} ("${data.ids[row]}") is in two parts of the split: give each row to one`)
      taken.add(row)
    }
  }
  if (data.groups) refuseParted(data.groups, splits)
}

/** @throws DataError when a group has rows in two parts: the model would be judged by what it has learned from */
function refuseParted(groups: readonly string[], splits: Splits): void {
  const partOf = new Map<string, string>()
  for (const name of PARTS) {
    for (const row of splits[name] ?? []) {
      const part = partOf.get(groups[row]) ?? name
      if (part !== name)
        throw new DataError(`group "${groups[row]}" has rows in ${part} and in ${name}: give all rows of a group to one part`)
      partOf.set(groups[row], part)
    }
  }
}
