// How a modality becomes numbers: gaps filled, columns standardised, categories spread over 0 and 1. Everything is learned
// from the training rows, in f64 with + - * / and sqrt alone, so that it has the same bits on every host.

import { DataError } from '../core/errors.ts'
import { asinh } from './asinh.ts'
import type { CategoryColumn, Column, Modality, NumberColumn } from './dataset.ts'
import { sortLevels } from './levels.ts'
import { type Moments, momentsOf, skewnessOf } from './moments.ts'

/** A column of numbers becomes (value - mean) / scale, with scale 1 if it is only to be centred; a gap becomes 0, the mean. */
export interface NumberPreparation {
  readonly kind: 'number'
  readonly name: string
  readonly mean: number
  readonly scale: number
  /** Of a skewed column: what is standardised is asinh((value - centre) / spread), which mean and scale are of. */
  readonly unskew?: Unskew
}

/** The median of a column, and its interquartile range as a standard deviation. */
export interface Unskew {
  readonly centre: number
  readonly spread: number
}

/** A column of categories becomes one 0 or 1 per level; a gap or an unknown level becomes zeros. */
export interface CategoryPreparation {
  readonly kind: 'category'
  readonly name: string
  readonly levels: readonly string[]
}

export type ColumnPreparation = NumberPreparation | CategoryPreparation

/** All there is to know to prepare a modality again. Plain data: it goes into the model file. */
export interface Preparation {
  readonly modality: string
  readonly columns: readonly ColumnPreparation[]
  /** Standardised numbers end at ± so many; they have no end when left out. */
  readonly clip?: number
}

/** How numbers are to be prepared. */
export interface Manner {
  /** Divide by the standard deviation; without, numbers are only centred. Default true. */
  readonly standardize?: boolean
  /** Whether skewed columns are straightened. Default false. */
  readonly unskew?: boolean
  /** Where standardised numbers end; 0 for nowhere, the default. */
  readonly clip?: number
}

/** Columns of more than so many different numbers, whose skewness is beyond ± SKEWED, are straightened. */
const FEW_VALUES = 10
const SKEWED = 1
/** The interquartile range of a normal distribution, in standard deviations. */
const IQR = 1.349

/**
 * Learns how to prepare a modality. A column that does not vary in the rows is left out: nothing can be learned of it, so
 * a later value, of whatever size, would meet a random weight. `ignoredColumns` names those.
 * @param rows the training rows; those without the modality are skipped, no other row is looked at
 * @returns mean and population standard deviation of each number column of which two different values are known; the levels
 *   that occur of each category column that is not the same in all rows
 * @throws DataError when a column's numbers are too large to be averaged
 */
export function fitPreparation(modality: Modality, rows: ArrayLike<number>, manner: Manner = {}): Preparation {
  const present = Array.from(rows).filter((row) => modality.present[row])
  const columns = modality.columns.flatMap(
    (column) =>
      (column.kind === 'number' ? fitNumbers(modality.name, column, present, manner) : fitLevels(column, present)) ?? [],
  )
  return { modality: modality.name, columns, ...(manner.clip ? { clip: manner.clip } : {}) }
}

function fitNumbers(
  modality: string,
  { name, values }: NumberColumn,
  rows: readonly number[],
  { standardize = true, unskew = false }: Manner,
): NumberPreparation | undefined {
  const known = Float64Array.from(
    rows.filter((row) => !Number.isNaN(values[row])),
    (row) => values[row],
  )
  const moments = momentsOf(known.length, (i) => known[i])
  if (!Number.isFinite(moments.mean) || !Number.isFinite(moments.deviation)) {
    throw new DataError(`feature "${name}" of "${modality}" has numbers too large to be averaged: give it in a larger unit`)
  }
  if (moments.deviation === 0) return undefined
  const straight = unskew ? straightened(known, moments) : undefined
  const { mean, deviation } = straight ? momentsOf(known.length, (i) => lessSkewed(known[i], straight)) : moments
  const scale = standardize ? deviation : 1
  return { kind: 'number', name, mean, scale, ...(straight ? { unskew: straight } : {}) }
}

/** How a column is straightened, if it is skewed. */
function straightened(values: Float64Array, moments: Moments): Unskew | undefined {
  if (new Set(values).size <= FEW_VALUES || !(Math.abs(skewnessOf(values, moments)) > SKEWED)) return undefined
  const sorted = values.slice().sort()
  const range = quantile(sorted, 0.75) - quantile(sorted, 0.25)
  const spread = (range > 0 ? range : moments.deviation) / IQR
  // A number over a subnormal spread may have no end.
  return Number.isFinite(moments.deviation / spread) && Number.isFinite(1 / spread)
    ? { centre: quantile(sorted, 0.5), spread }
    : undefined
}

/** Between the two numbers next to it. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (place - below) * (sorted[above] - sorted[below])
}

const lessSkewed = (value: number, { centre, spread }: Unskew): number => asinh((value - centre) / spread)

/** What a number is held against. */
type Usual = Omit<NumberPreparation, 'kind' | 'name'>

/** A number as it is standardised, before it is clipped. */
const standardised = ({ mean, scale, unskew }: Usual, value: number): number =>
  ((unskew ? lessSkewed(value, unskew) : value) - mean) / scale

/** Whether a number is too far from those of the training rows to be held. */
export const isTooFar = (column: Usual, value: number): boolean => !(Math.abs(standardised(column, value)) <= MAX_F32)

/** How the numbers of the training rows are described to people. */
export const usually = ({ mean, scale, unskew }: Usual): string => `${unskew?.centre ?? mean} ± ${unskew?.spread ?? scale}`

function fitLevels({ name, codes, levels }: CategoryColumn, rows: readonly number[]): CategoryPreparation | undefined {
  const known = rows.filter((row) => codes[row] >= 0)
  const occurring = sortLevels(new Set(known.map((row) => levels[codes[row]])))
  const varies = occurring.length > 1 || (occurring.length === 1 && known.length < rows.length)
  return varies ? { kind: 'category', name, levels: occurring } : undefined
}

const widthOf = (column: ColumnPreparation): number => (column.kind === 'number' ? 1 : column.levels.length)

/** Numbers per row of a prepared modality. */
export const preparedWidth = ({ columns }: Preparation): number => columns.reduce((width, column) => width + widthOf(column), 0)

/** What each of those numbers is: `age`, `sex=female`, `sex=male`. */
export const preparedNames = ({ columns }: Preparation): string[] =>
  columns.flatMap((column) =>
    column.kind === 'number' ? [column.name] : column.levels.map((level) => `${column.name}=${level}`),
  )

/** Names of the columns that a preparation does not use. */
export function ignoredColumns(preparation: Preparation, modality: Modality): string[] {
  const known = new Set(preparation.columns.map((column) => column.name))
  return modality.columns.map((column) => column.name).filter((name) => !known.has(name))
}

/**
 * A modality as numbers. Columns are found by name: their order does not matter and further columns are ignored.
 * @param rows the rows to prepare, in the order wanted; all when left out
 * @returns (rows, preparedWidth) row-major; zeros where a row lacks the modality
 * @throws DataError when a column is missing or of the other kind, or a number is too far off to be held
 */
export function applyPreparation(
  preparation: Preparation,
  modality: Modality,
  rows: ArrayLike<number> = Int32Array.from(modality.present, (_, row) => row),
): Float32Array<ArrayBuffer> {
  const { width, open } = readerOf(preparation)
  const out = new Float32Array(rows.length * width)
  open(modality)(out, 0, Int32Array.from(rows))
  return out
}

/**
 * Writes rows as a preparation wants them, (rows, width), from element `at` of `out`.
 * @param whole as far off as they are: numbers have no end, and those that would be straightened are only divided by their spread
 * @throws DataError when a number is too far off
 */
export type Read = (out: Float32Array, at: number, rows: Int32Array, whole?: boolean) => void

/** A preparation worked out, for modality after modality. */
export interface Reader {
  readonly width: number
  /** The columns that the preparation reads, in its order. @throws DataError when one is missing or of the other kind */
  find(modality: Modality): readonly Column[]
  /** @throws DataError as `find` */
  open(modality: Modality): Read
}

/**
 * A reader of modality after modality. It remembers where the columns stood, and only that: their names and kinds, and all they
 * hold, are looked at each time.
 */
export function readerOf(preparation: Preparation): Reader {
  const { columns, clip: end = Number.POSITIVE_INFINITY } = preparation
  const width = preparedWidth(preparation)
  const usual = columns.map((column) => (column.kind === 'number' ? column : undefined))
  const levels = columns.map((column) =>
    column.kind === 'category' ? new Map(column.levels.map((level, k) => [level, k])) : undefined,
  )
  const offsets = new Int32Array(columns.length)
  for (let c = 1; c < columns.length; c++) offsets[c] = offsets[c - 1] + widthOf(columns[c - 1])

  // Mostly they stand as they stood in training.
  let places = Int32Array.from(columns.keys())
  const names = columns.map((column) => column.name)
  const kinds = columns.map((column) => column.kind)

  function seek(given: readonly Column[]): void {
    const where = new Map(given.map(({ name }, place) => [name, place]))
    places = Int32Array.from(columns, ({ name }) => where.get(name) ?? -1)
  }

  /** That the columns stand at their places, found anew if they do not. */
  function check(given: readonly Column[]): void {
    for (let c = 0; c < names.length; c++) {
      if (given[places[c]]?.name !== names[c]) seek(given)
      const column: Column | undefined = given[places[c]]
      if (!column)
        throw new DataError(`feature "${names[c]}" of "${preparation.modality}" is missing: the model needs it as a column`)
      if (column.kind !== kinds[c]) throw otherKind(preparation.modality, columns[c], column)
      // The very string that was given: when it comes again, one look tells that it is the same.
      names[c] = column.name
    }
  }

  return {
    width,
    find(modality) {
      check(modality.columns)
      return Array.from(places, (place) => modality.columns[place])
    },
    open(modality) {
      check(modality.columns)
      const mine = places
      return (out, at, rows, whole = false) => {
        out.fill(0, at, at + rows.length * width)
        for (let c = 0; c < mine.length; c++) {
          const column = modality.columns[mine[c]]
          const to = { out, at: at + offsets[c], width }
          if (column.kind === 'number') standardise(to, rows, modality, column, usual[c] as Usual, end, whole)
          else spread(to, rows, modality, column, levels[c] as ReadonlyMap<string, number>)
        }
      }
    },
  }
}

/** The largest number of 32 bits: no prepared value may be further from 0. */
export const MAX_F32 = 3.4028234663852886e38

/** Where a column's numbers go: the first one to element `at`, each next one `width` further. */
interface Place {
  readonly out: Float32Array
  readonly at: number
  readonly width: number
}

function standardise(
  { out, at, width }: Place,
  rows: Int32Array,
  { name: modality, present }: Modality,
  { name, values }: NumberColumn,
  usual: Usual,
  clip: number,
  whole: boolean,
): void {
  const { mean, scale, unskew } = usual
  const end = whole ? MAX_F32 : clip
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]]
    if (!present[rows[i]] || Number.isNaN(value)) continue
    const z = ((unskew ? lessSkewed(value, unskew) : value) - mean) / scale
    if (!(Math.abs(z) <= MAX_F32)) {
      throw new DataError(
        `feature "${name}" of "${modality}" is ${value} in row ${rows[i]}, in training it was ${usually(usual)}: correct it`,
      )
    }
    const far = whole && unskew ? (value - unskew.centre) / unskew.spread : z
    out[i * width + at] = Math.min(end, Math.max(-end, far))
  }
}

function spread(
  { out, at, width }: Place,
  rows: Int32Array,
  { present }: Modality,
  { codes, levels }: CategoryColumn,
  wanted: ReadonlyMap<string, number>,
): void {
  // A table of all levels, unless it would be longer than what is looked up in it.
  const places = rows.length > levels.length ? levels.map((level) => wanted.get(level)) : undefined
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]]
    if (!present[rows[i]] || code < 0) continue
    const place = places ? places[code] : wanted.get(levels[code])
    if (place !== undefined) out[i * width + at + place] = 1
  }
}

function otherKind(modality: string, wanted: ColumnPreparation, given: Column): DataError {
  const words = { number: 'numbers', category: 'categories' }
  return new DataError(
    `feature "${wanted.name}" of "${modality}" holds ${words[given.kind]}, the model was trained on ${words[wanted.kind]}: ` +
      `give it as ${words[wanted.kind]}`,
  )
}
