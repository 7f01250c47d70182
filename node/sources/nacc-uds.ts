// The file of the Uniform Data Set: one row per visit, a thousand columns, hundreds of megabytes. Kept is what is needed of it.

import { DataError } from '../../src/core/errors.ts'
import { decimal } from '../../src/data/levels.ts'
import { listed, shown } from '../sentences.ts'
import { placesOf, streamRows } from './csv-stream.ts'
import { LABEL, UDS_MODALITIES, type UdsColumn } from './nacc-columns.ts'
import { dayOf } from './nacc-visits.ts'

export interface Visit {
  readonly day: number
  /** 0 … 3; -1 when it is not known. */
  readonly label: number
  /** One number per column; NaN is a gap. */
  readonly values: Float64Array
}

export interface Visits {
  /** Those of UDS_MODALITIES that the file has. */
  readonly columns: readonly UdsColumn[]
  /** Visits of each subject, by day. */
  readonly of: ReadonlyMap<string, readonly Visit[]>
  readonly notes: readonly string[]
}

/** Reads the visits of some subjects. @throws DataError, FormatError */
export async function readVisits(path: string, name: string, subjects: ReadonlySet<string>): Promise<Visits> {
  const all = UDS_MODALITIES.flatMap((modality) => modality.columns)
  const of = new Map<string, Visit[]>()
  let columns: readonly UdsColumn[] = []
  await streamRows(path, name, (header) => {
    const [subject, year, month, day, label] = placesOf(name, header, ['NACCID', 'VISITYR', 'VISITMO', 'VISITDAY', LABEL])
    columns = all.filter((column) => header.includes(column.name))
    const places = columns.map((column) => header.indexOf(column.name))
    return (cells, row) => {
      const who = cells[subject].trim()
      if (!subjects.has(who)) return
      const where = (place: number) => `${name} row ${row}: column "${header[place]}"`
      const date = dayOf(...([year, month, day].map((place) => decimal(cells[place].trim())) as [number, number, number]))
      if (Number.isNaN(date)) throw new DataError(`${where(day)} makes no date with year and month: correct it`)
      const status = known(cells[label], STATUS, where(label))
      const values = Float64Array.from(places, (place, j) => known(cells[place], columns[j], where(place)))
      const visit = { day: date, label: Number.isNaN(status) ? -1 : status - 1, values }
      of.set(who, [...(of.get(who) ?? []), visit])
    }
  })
  for (const visits of of.values())
    fill(
      visits.sort((a, b) => a.day - b.day),
      columns,
    )
  const missing = all.filter((column) => !columns.includes(column)).map((column) => column.name)
  const notes = missing.length > 0 ? [`${name}: does not have ${listed(missing)}, which are done without`] : []
  return { columns, of, notes }
}

const STATUS = { low: 1, high: 4 }

/** The value of a cell; NaN for an empty one and for a code outside of the valid range. @throws DataError for a text */
function known(cell: string, { low, high, none }: Pick<UdsColumn, 'low' | 'high' | 'none'>, where: string): number {
  const text = cell.trim()
  if (text === '' || text === 'NA' || text === '.') return Number.NaN
  const value = decimal(text)
  if (!Number.isFinite(value)) throw new DataError(`${where} holds ${shown(text)}: give a number or a code`)
  if (value === none) return low
  return value >= low && value <= high ? value : Number.NaN
}

/** What never changes is known at all visits once it is known at one: the first that says it. */
function fill(visits: readonly Visit[], columns: readonly UdsColumn[]): void {
  columns.forEach((column, j) => {
    if (!column.fixed) return
    const first = visits.find(({ values }) => !Number.isNaN(values[j]))?.values[j] ?? Number.NaN
    for (const { values } of visits) if (Number.isNaN(values[j])) values[j] = first
  })
}
