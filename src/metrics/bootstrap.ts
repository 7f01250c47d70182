import type { Random } from '../wasm/random.ts'

/** Ends of an interval. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * Percentile bootstrap intervals (Efron 1979) of scores that a function has of rows: as many rows are drawn with replacement as there are,
 * within each stratum, and the middle `level` of the scores is kept. A draw that has no score is left out.
 * @param strata of each row, alike in every draw; classes, so that no draw lacks one
 * @param score of rows, which may stand there several times
 * @returns for each key of the score; NaN where fewer than half of the draws have one
 */
export function bootstrap<Key extends string>(
  rows: number,
  strata: ArrayLike<number> | undefined,
  score: (rows: Int32Array) => Readonly<Record<Key, number>>,
  random: Random,
  { draws = 1000, level = 0.95 }: { readonly draws?: number; readonly level?: number } = {},
): Record<Key, Interval> {
  const groups = new Map<number, number[]>()
  for (let i = 0; i < rows; i++) {
    const stratum = strata?.[i] ?? 0
    const mine = groups.get(stratum)
    if (mine) mine.push(i)
    else groups.set(stratum, [i])
  }
  const found = new Map<Key, number[]>()
  const drawn = new Int32Array(rows)
  for (let n = 0; n < draws; n++) {
    const chances = random.uniform(rows, 0, 1)
    let at = 0
    for (const group of groups.values()) {
      for (let i = 0; i < group.length; i++, at++)
        drawn[at] = group[Math.min(group.length - 1, Math.floor(chances[at] * group.length))]
    }
    for (const [key, value] of Object.entries(score(drawn)) as [Key, number][]) {
      const values = found.get(key) ?? []
      found.set(key, values)
      if (Number.isFinite(value)) values.push(value)
    }
  }
  return Object.fromEntries(
    Array.from(found, ([key, values]) => [key, values.length < draws / 2 ? NONE : middle(values, level)]),
  ) as Record<Key, Interval>
}

const NONE: Interval = { low: Number.NaN, high: Number.NaN }

/** The middle part of numbers, ends interpolated as NumPy's `quantile`. */
function middle(values: readonly number[], level: number): Interval {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = Math.floor(place)
    const above = Math.min(below + 1, sorted.length - 1)
    return sorted[below] + (place - below) * (sorted[above] - sorted[below])
  }
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) }
}
