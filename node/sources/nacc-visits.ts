// Dates of visits and scans, and which visit a scan belongs to.

import { DataError } from '../../src/core/errors.ts'
import { shown } from '../sentences.ts'

const DAY_MS = 86_400_000

/** Days since 1970 of a date; NaN when there is no such day. */
export function dayOf(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(year, month - 1, day))
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return real ? date.getTime() / DAY_MS : Number.NaN
}

/** `2021-05-17` of a day. */
export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/**
 * The day that a text names: `2021-05-17`, with or without a time after it, or `5/17/2021`; NaN when it is empty.
 * @param where what to call its place in an error
 * @throws DataError for anything else
 */
export function parseDay(text: string, where: string): number {
  if (text === '' || text === 'NA') return Number.NaN
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$/.exec(text)
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text)
  const [year, month, day] = iso ? iso.slice(1) : american ? [american[3], american[1], american[2]] : []
  const found = dayOf(Number(year), Number(month), Number(day))
  if (Number.isNaN(found)) throw new DataError(`${where} holds ${shown(text)}: write a date as 2021-05-17 or 5/17/2021`)
  return found
}

/** The visit closest before a day or on it, the first of those on one day; undefined when the last is longer ago than `mostDays`. */
export function visitFor<Visit extends { readonly day: number }>(
  visits: readonly Visit[],
  day: number,
  mostDays: number,
): Visit | undefined {
  const possible = visits.filter((visit) => visit.day <= day && day - visit.day <= mostDays)
  return possible.reduce<Visit | undefined>((best, visit) => (best && best.day >= visit.day ? best : visit), undefined)
}
