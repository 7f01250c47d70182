// Alzheimer's disease, in four stages, from clinic visits and MRI: the paper's first application.

import { basename } from 'node:path'
import { ConfigError, DataError } from '../../src/core/errors.ts'
import type { CategoryColumn, Column, Dataset, Modality } from '../../src/data/dataset.ts'
import type { Splits, Subjects } from '../../src/data/split.ts'
import { counted } from '../sentences.ts'
import { NACC } from './applications.ts'
import { findFile, titleOf } from './folder.ts'
import { CLASSES, MRI, UDS_MODALITIES, type UdsColumn } from './nacc-columns.ts'
import { readScans, type Scan, type Scans } from './nacc-scans.ts'
import { readVisits, type Visit, type Visits } from './nacc-uds.ts'
import { dateOf, visitFor } from './nacc-visits.ts'
import { drawnFrom, type Study } from './study.ts'

export interface NaccOptions {
  /** The longest a visit may lie before the scan. Default 540 days. */
  readonly mostDays?: number
  /** A column of visits with a larger share of gaps in the training rows is dropped. Default 0.1. */
  readonly mostMissing?: number
}

/**
 * Reads the files of the National Alzheimer's Coordinating Center: `investigator_nacc64.csv` (visits, Uniform Data Set) and
 * `investigator_scan_mrisbm_nacc66.csv` (MRI volumes and thicknesses), or those of another freeze, in a folder or a folder in it.
 *
 * A row is a scan with the closest visit of its subject before it or on its day. Modalities are `profile`, `behavior`, `clinical`
 * and `mri`; the classes are the cognitive status at the visit; the groups are the subjects, so that scans of one subject stay in
 * one part of a split. Codes for what is not known are gaps; what never changes (sex, education, family history …) is taken from
 * any visit of the subject that says it. All else is learned from the training rows, by `dataset` and by `train`.
 * @throws DataError, FormatError naming the file, row and column; ConfigError for an option out of range
 */
export async function readNacc(folder: string, options: NaccOptions = {}): Promise<Study> {
  const { mostDays = 540, mostMissing = 0.1 } = options
  if (!(mostDays >= 0)) throw new ConfigError(`mostDays is ${mostDays}: give a number of days from 0`)
  if (!(mostMissing >= 0 && mostMissing <= 1)) throw new ConfigError(`mostMissing is ${mostMissing}: give a share from 0 to 1`)
  const visitFile = findFile(folder, /^investigator_nacc\d+\.csv$/, 'file investigator_nacc64.csv')
  const scanFile = findFile(folder, /^investigator_scan_mrisbm_nacc\d+\.csv$/, 'file investigator_scan_mrisbm_nacc66.csv')

  const scans = await readScans(scanFile, basename(scanFile))
  const visits = await readVisits(visitFile, basename(visitFile), new Set(scans.scans.map(({ subject }) => subject)))
  const matched = scans.scans.flatMap((scan): Row[] => {
    const visit = visitFor(visits.of.get(scan.subject) ?? [], scan.day, mostDays)
    return visit ? [{ scan, visit }] : []
  })
  const rows = matched.filter(({ visit }) => visit.label >= 0)
  if (rows.length === 0) {
    throw new DataError(
      `no scan in "${folder}" has a visit with a diagnosis in the ${mostDays} days before it: give the visits of the same subjects`,
    )
  }
  const subjects = subjectsOf(rows)
  const title = titleOf(visitFile, 'NACC: visits and MRI, cognitive status in four classes')
  return {
    title,
    subjects,
    notes: [...scans.notes, ...visits.notes, ...leftOut(scans.scans.length, matched.length, rows.length, mostDays)],
    split: drawnFrom(subjects, NACC.config),
    dataset: datasetOf({ title, ...subjects }, modalitiesOf(rows, visits, scans), mostMissing),
  }
}

interface Row {
  readonly scan: Scan
  readonly visit: Visit
}

function leftOut(scans: number, matched: number, rows: number, mostDays: number): string[] {
  const early = scans - matched
  const unknown = matched - rows
  return [
    ...(early > 0 ? [`left out ${counted(early, 'scan')} without a visit in the ${mostDays} days before`] : []),
    ...(unknown > 0 ? [`left out ${counted(unknown, 'scan')} whose visit has no diagnosis`] : []),
  ]
}

/** Ids are subject and date; of two scans on one day the second is `(2)`. */
function subjectsOf(rows: readonly Row[]): Subjects {
  const times = new Map<string, number>()
  const ids = rows.map(({ scan }) => {
    const id = `${scan.subject} ${dateOf(scan.day)}`
    const time = (times.get(id) ?? 0) + 1
    times.set(id, time)
    return time === 1 ? id : `${id} (${time})`
  })
  return {
    ids,
    groups: rows.map(({ scan }) => scan.subject),
    target: { task: 'classification', classes: CLASSES, labels: Int32Array.from(rows, ({ visit }) => visit.label) },
  }
}

/** Every column there is; which are used is for the training rows to say. */
function modalitiesOf(rows: readonly Row[], visits: Visits, scans: Scans): Omit<Modality, 'present'>[] {
  const uds = UDS_MODALITIES.map(({ name, columns }) => ({
    name,
    columns: visits.columns.flatMap((column, j) =>
      columns.includes(column)
        ? [
            columnOf(
              column,
              Float64Array.from(rows, ({ visit }) => visit.values[j]),
            ),
          ]
        : [],
    ),
  }))
  const volumes = scans.features.map((name, j): Column => {
    return { kind: 'number', name, values: Float64Array.from(rows, ({ scan }) => scan.values[j]) }
  })
  return [...uds, { name: MRI, columns: volumes }]
}

function columnOf({ name, kind }: UdsColumn, values: Float64Array): Column {
  if (kind === 'number') return { kind, name, values }
  const levels = [...new Set(values)].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const column: CategoryColumn = {
    kind,
    name,
    codes: Int32Array.from(values, (v) => levels.indexOf(v)),
    levels: levels.map(String),
  }
  return column
}

const datasetOf =
  (what: Omit<Dataset, 'modalities'>, modalities: readonly Omit<Modality, 'present'>[], mostMissing: number) =>
  ({ train }: Splits): Dataset => ({
    ...what,
    modalities: modalities.map(({ name, columns }) => {
      const kept = name === MRI ? columns : columns.filter((column) => missing(column, train) <= mostMissing)
      if (kept.length === 0) {
        throw new DataError(`every column of "${name}" has gaps in more than ${100 * mostMissing} % of the training rows`)
      }
      return { name, columns: kept, present: Uint8Array.from(what.ids, (_, row) => (kept.some((c) => isKnown(c, row)) ? 1 : 0)) }
    }),
  })

const isKnown = (column: Column, row: number): boolean =>
  column.kind === 'number' ? !Number.isNaN(column.values[row]) : column.codes[row] >= 0

/** The share of gaps. */
const missing = (column: Column, rows: Int32Array): number =>
  rows.reduce((gaps, row) => gaps + (isKnown(column, row) ? 0 : 1), 0) / rows.length
