// The file of MRI volumes and thicknesses: one row per scan.

import { decimal } from '../../src/data/levels.ts'
import { counted, listed } from '../sentences.ts'
import { placesOf, streamRows } from './csv-stream.ts'
import { NO_MRI_FEATURES } from './nacc-columns.ts'
import { dayOf, parseDay } from './nacc-visits.ts'

export interface Scan {
  readonly subject: string
  readonly day: number
  /** One number per feature; NaN is a gap. */
  readonly values: Float64Array
}

export interface Scans {
  readonly features: readonly string[]
  /** By subject and day. */
  readonly scans: readonly Scan[]
  readonly notes: readonly string[]
}

/** Reads all scans. A column that holds anything but numbers is no feature. @throws DataError, FormatError */
export async function readScans(path: string, name: string): Promise<Scans> {
  const scans: Scan[] = []
  let undated = 0
  let names: readonly string[] = []
  const texts = new Set<number>()
  await streamRows(path, name, (header) => {
    const [subject] = placesOf(name, header, ['NACCID'])
    const dayAt = dayReader(name, header)
    names = header.filter((column) => !NO_MRI_FEATURES.includes(column))
    const places = names.map((column) => header.indexOf(column))
    return (cells, row) => {
      const day = dayAt(cells, row)
      if (Number.isNaN(day)) {
        undated++
        return
      }
      const values = Float64Array.from(places, (place, j) => {
        const value = measured(cells[place].trim())
        if (value === undefined) texts.add(j)
        return value ?? Number.NaN
      })
      scans.push({ subject: cells[subject].trim(), day, values })
    }
  })
  const kept = [...names.keys()].filter((j) => !texts.has(j))
  const left = names.filter((_, j) => texts.has(j))
  return {
    features: kept.map((j) => names[j]),
    scans: scans.map((scan) => ({ ...scan, values: Float64Array.from(kept, (j) => scan.values[j]) })).sort(bySubjectAndDay),
    notes: [
      ...(undated > 0 ? [`${name}: left out ${counted(undated, 'scan')} without a date`] : []),
      ...(left.length > 0 ? [`${name}: left out ${counted(left.length, 'column')} with text in it (${listed(left)})`] : []),
    ],
  }
}

const bySubjectAndDay = (a: Scan, b: Scan): number => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.day - b.day)

/** The date stands in one column, or in three. */
function dayReader(name: string, header: readonly string[]): (cells: readonly string[], row: number) => number {
  if (header.includes('SCANDT') || !header.includes('MRIYR')) {
    const [date] = placesOf(name, header, ['SCANDT'])
    return (cells, row) => parseDay(cells[date].trim(), `${name} row ${row}: column "SCANDT"`)
  }
  const places = placesOf(name, header, ['MRIYR', 'MRIMO', 'MRIDY'])
  return (cells) => {
    const [year, month, day] = places.map((place) => decimal(cells[place].trim()))
    return dayOf(year, month, day)
  }
}

/** A volume or thickness, which is never negative: NaN where there is none; undefined for a text. */
function measured(cell: string): number | undefined {
  if (cell === '' || cell === 'NA' || cell === '.') return Number.NaN
  const value = decimal(cell)
  if (!Number.isFinite(value)) return undefined
  return value < 0 ? Number.NaN : value
}
