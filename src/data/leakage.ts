// What makes a score better than it is: the outcome among the features, and rows of one part of a split that stand in another, too.

import { DataError } from '../core/errors.ts'
import type { Column, Dataset } from './dataset.ts'
import type { Splits } from './split.ts'

/** Something that a split or the features give away. */
export interface Leak {
  readonly kind: 'target-column' | 'target-ranked' | 'duplicate-rows'
  /** Refused: there is no honest score. Warned: there may be a reason. */
  readonly severity: 'refused' | 'warned'
  /** What was found, where. */
  readonly sentence: string
}

/** Fewer rows than this may be told apart by chance. */
const ENOUGH = 30

/**
 * Looks for the target among the features, on training rows, and for test rows whose features all stand in a training row as well.
 * Groups that are parted, ids that stand twice and rows in two parts are refused elsewhere. Takes time linear in the cells, but for a
 * sort of each column.
 */
export function findLeaks(data: Dataset, splits: Splits): Leak[] {
  const leaks: Leak[] = []
  const learned = [...splits.train, ...splits.validation]
  for (const { name, columns, present } of data.modalities) {
    const rows = learned.filter((row) => present[row])
    if (rows.length < ENOUGH) continue
    for (const column of columns) {
      const leak = leakOf(`"${column.name}" of "${name}"`, column, data, rows)
      if (leak) leaks.push(leak)
    }
  }
  const twice = duplicates(data, learned, splits.test)
  if (twice.length > 0) {
    const [row, other] = twice[0]
    leaks.push({
      kind: 'duplicate-rows',
      severity: 'warned',
      sentence: `${twice.length} test ${twice.length === 1 ? 'row has' : 'rows have'} the very features of a training row ("${data.ids[row]}" those of "${data.ids[other]}"): if they are the same subject, give them one group`,
    })
  }
  return leaks
}

function leakOf(what: string, column: Column, { target }: Dataset, rows: readonly number[]): Leak | undefined {
  const value = (row: number) =>
    column.kind === 'number' ? column.values[row] : column.codes[row] < 0 ? Number.NaN : column.codes[row]
  const known = rows.filter((row) => !Number.isNaN(value(row)))
  if (known.length < ENOUGH || known.length < rows.length / 2) return undefined
  if (target.task === 'regression') {
    const D = target.outputs.length
    for (let d = 0; d < D; d++) {
      const r =
        column.kind === 'number'
          ? correlation(
              known.map(value),
              known.map((row) => target.values[row * D + d]),
            )
          : 0
      if (Math.abs(r) > 1 - 1e-9) return refused(`${what} is "${target.outputs[d]}" itself, up to a scale`)
      if (Math.abs(r) > 0.999) return warned(`${what} follows "${target.outputs[d]}" with a correlation of ${r.toFixed(4)}`)
    }
    return undefined
  }
  const labels = known.map((row) => target.labels[row])
  const present = new Set(labels).size
  if (present < 2) return undefined
  // One value for each class, and one class for each value.
  const classOf = new Map<number, number>()
  let one = true
  known.forEach((row, i) => {
    const found = classOf.get(value(row))
    if (found === undefined) classOf.set(value(row), labels[i])
    else if (found !== labels[i]) one = false
  })
  if (one && classOf.size === present) return refused(`${what} has one value for each class`)
  if (column.kind === 'category') return undefined
  const order = known.map((row, i) => [value(row), labels[i]] as const).sort((a, b) => a[0] - b[0])
  // Sorted by the column, the classes follow each other, each in one run, without a value that two share.
  const runs = order.filter(
    ([v, label], i) => i === 0 || label !== order[i - 1][1] || (v === order[i - 1][0] && label !== order[i - 1][1]),
  ).length
  return one && runs === present ? warned(`${what} parts the classes without an error`) : undefined
}

const refused = (what: string): Leak => ({
  kind: 'target-column',
  severity: 'refused',
  sentence: `${what}: leave the column out, or allow it by "allowLeakage": true in the configuration if it will be known beforehand`,
})
const warned = (what: string): Leak => ({
  kind: 'target-ranked',
  severity: 'warned',
  sentence: `${what} in the training rows: make sure that it is known before the outcome is`,
})

function correlation(a: readonly number[], b: readonly number[]): number {
  const n = a.length
  const mean = (v: readonly number[]) => v.reduce((sum, x) => sum + x / n, 0)
  const [p, q] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    ab += (a[i] - p) * (b[i] - q)
    aa += (a[i] - p) * (a[i] - p)
    bb += (b[i] - q) * (b[i] - q)
  }
  const scale = Math.sqrt(aa) * Math.sqrt(bb)
  return scale > 0 ? ab / scale : 0
}

/** Features that a copy must have: of fewer, two subjects may well be alike. */
const FEATURES = 5

/** [test row, training row] whose features are all the same, each test row once. */
function duplicates({ modalities }: Dataset, learned: readonly number[], test: Int32Array): [number, number][] {
  const cells = (row: number): string | undefined => {
    const numbers = modalities.flatMap(({ columns, present }) =>
      present[row] ? columns.map((c) => (c.kind === 'number' ? c.values[row] : c.codes[row])) : columns.map(() => Number.NaN),
    )
    const known = numbers.filter((v) => !Number.isNaN(v))
    return known.length < FEATURES || new Set(known).size < 3 ? undefined : numbers.join(' ')
  }
  const seen = new Map<string, number>()
  for (const row of learned) {
    const key = cells(row)
    if (key !== undefined) seen.set(key, row)
  }
  return Array.from(test).flatMap((row): [number, number][] => {
    const key = cells(row)
    const other = key === undefined ? undefined : seen.get(key)
    return other === undefined ? [] : [[row, other]]
  })
}

/** What is worth a warning. @throws DataError where the outcome stands among the features and nobody allowed it */
export function checkLeaks(data: Dataset, splits: Splits, allowed = false): string[] {
  const leaks = findLeaks(data, splits)
  const worst = leaks.find(({ severity }) => severity === 'refused')
  if (worst && !allowed) throw new DataError(worst.sentence)
  return leaks.map(({ sentence }) => sentence)
}
