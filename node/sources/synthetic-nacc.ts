// Files with the names, columns and codes of NACC's, out of a random generator.

import papaparse from 'papaparse'
import { type Random, randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { kernels } from '../../web/index.ts'
import type { Files } from './folder.ts'
import { LABEL, UDS_MODALITIES, type UdsColumn } from './nacc-columns.ts'
import { dateOf, dayOf } from './nacc-visits.ts'

export interface SyntheticNacc {
  readonly seed: number
  /** People in the study, each with one to five visits; three of four have scans. */
  readonly subjects: number
}

/** How much of a modality's own state is the disease; the rest is the subject's own, so that modalities err apart. */
const DISEASE: Readonly<Record<string, number>> = { profile: 0.45, behavior: 0.7, clinical: 0.75, mri: 0.7 }

/** Where the disease passes from one status to the next. */
const STAGES = [0.2, 0.5, 1.1]

interface SyntheticVisit {
  readonly subject: number
  readonly number: number
  readonly day: number
  readonly disease: number
}

/** The two files. Same seed and size, same bytes. */
export function synthesizeNacc({ seed, subjects }: SyntheticNacc): Files {
  const random = randomFrom(openTrainSession(kernels('train')), seed).fork('nacc')
  const visits = visitsOf(random.fork('visits'), subjects)
  return {
    'investigator_nacc64.csv': csv(visitRows(random, visits, subjects)),
    'investigator_scan_mrisbm_nacc66.csv': csv(scanRows(random, visits, subjects)),
  }
}

type Row = readonly (string | number)[]

const csv = (rows: Row[]): string => `${papaparse.unparse(rows, { newline: '\n' })}\n`

const idOf = (subject: number): string => `NACC${String(subject + 1).padStart(6, '0')}`

/** Visits about a year apart, over which the disease grows. */
function visitsOf(random: Random, subjects: number): SyntheticVisit[] {
  const first = dayOf(2014, 1, 1)
  const start = random.fork('start').normal(subjects)
  const growth = random.fork('growth').uniform(subjects, 0, 0.25)
  const days = random.fork('days').uniform(subjects, 0, 2000)
  const count = random.fork('count').uniform(subjects, 1, 6)
  const apart = random.fork('apart').uniform(5 * subjects, 300, 450)
  const visits: SyntheticVisit[] = []
  for (let s = 0; s < subjects; s++) {
    let day = first + Math.floor(days[s])
    for (let k = 0; k < Math.floor(count[s]); k++) {
      visits.push({ subject: s, number: k + 1, day, disease: start[s] + growth[s] * k })
      day += Math.floor(apart[5 * s + k])
    }
  }
  return visits
}

/** What a modality sees at times of some subjects: the disease and, of the same size, what is the subject's own. */
function stateOf(
  random: Random,
  modality: string,
  times: readonly Pick<SyntheticVisit, 'subject' | 'disease'>[],
  subjects: number,
) {
  const share = DISEASE[modality]
  const rest = Math.sqrt(1 - share * share)
  const own = random.fork(`state of ${modality}`).normal(subjects)
  return times.map(({ subject, disease }) => share * disease + rest * own[subject])
}

function visitRows(random: Random, visits: readonly SyntheticVisit[], subjects: number): Row[] {
  const columns = UDS_MODALITIES.flatMap(({ name, columns }) => {
    const state = stateOf(random, name, visits, subjects)
    return columns.map((column) => ({ name: column.name, cells: cellsOf(random.fork(column.name), column, state, visits) }))
  })
  const header = ['NACCID', 'NACCADC', 'PACKET', 'VISITMO', 'VISITDAY', 'VISITYR', 'NACCVNUM', LABEL, 'CDRGLOB', 'COGOTH1X']
  const rows = visits.map((visit, i): Row => {
    const [year, month, day] = dateOf(visit.day).split('-').map(Number)
    const status = 1 + STAGES.filter((stage) => visit.disease > stage).length
    const opening = [idOf(visit.subject), 1 + (visit.subject % 40), visit.number > 1 ? 'F' : 'I', month, day, year, visit.number]
    // A free text with all that makes a CSV hard to read.
    return [
      ...opening,
      status,
      0.5 * (status - 1),
      i % 9 === 0 ? 'none,\n"as far as known"' : '',
      ...columns.map(({ cells }) => cells[i]),
    ]
  })
  return [[...header, ...columns.map(({ name }) => name)], ...rows]
}

/** A column over the visits: its place in the valid range moves with the state, and a code stands for what is not known. */
function cellsOf(
  random: Random,
  column: UdsColumn,
  state: readonly number[],
  visits: readonly SyntheticVisit[],
): (string | number)[] {
  const { low, high, none, fixed } = column
  const [weight, gap, much] = random.fork('weight').uniform(3, 0, 1)
  // A third of the columns says something of the state, one in eight is so often unknown that it will be dropped.
  const loading = weight < 0.33 ? 0.12 + 0.2 * weight : 0
  const unknown = much < 0.125 ? 0.12 + 0.6 * gap : 0.05 * gap
  const noise = random.fork('noise').normal(visits.length)
  const lost = random.fork('lost').uniform(visits.length, 0, 1)
  const narrow = high - low <= 5
  const steps = Math.floor(high - low)
  // Visits of a subject follow each other.
  const from = visits.map(({ number }, i) => (fixed ? i - number + 1 : i))
  return visits.map((_, i) => {
    if (lost[i] < unknown) return codeOf(column, lost[i] < unknown / 2)
    const place = (narrow ? 0.35 : 0.5) + loading * state[from[i]] * (narrow ? 1.6 : 1) + 0.13 * noise[from[i]]
    const value = low + Math.round(Math.min(1, Math.max(0, place)) * steps)
    return none !== undefined && value === low ? none : value
  })
}

/** A code of the data dictionary for what is not known. */
function codeOf({ high }: UdsColumn, available: boolean): string | number {
  if (!available) return -4
  if (high < 9) return 9
  if (high < 88) return 99
  if (high < 95) return 97
  return high > 1000 ? 9999 : high < 400 && high > 120 ? 998 : 888
}

const REGIONS =
  'BANKSSTS CACC CMF CUN ENT FUS INFPAR INFTEMP INSULA ISTHCNG LATOCC LATORBF LING MEDORBF MIDTEMP PARCEN PARHIP PARSOP PARORB PARTRI PERICAL POSTCEN POSTCNG PRECEN PRECUN ROSACNG ROSMIDF SUPFRON SUPPAR SUPTEMP SUPMAR FRONPOL TEMPPOL TRANTEMP'
const DEEP =
  'HIPPO AMYG THAL CAUD PUT PALL ACCUM VDC LATVENT INFLATVENT CHOROID CEREBELLUM CEREBWM CORTWM CORTGM WMH UNSEG SUBCORT VESSEL PCC ORBF OCC TEMP PAR FRONT CINGULATE MEDTEMP LATTEMP'
/** 192 features: thickness and grey matter of 34 regions, and 28 volumes, of each hemisphere. */
const MRI_FEATURES = ['L', 'R'].flatMap((side) => [
  ...REGIONS.split(' ').flatMap((region) => [`${side}${region}M`, `${side}${region}V`]),
  ...DEEP.split(' ').map((region) => `${side}${region}`),
])

/** Scans some time after visits: in one of five cases too long after, in one of twenty before any. */
function scanRows(random: Random, visits: readonly SyntheticVisit[], subjects: number): Row[] {
  const chance = random.fork('scanned').uniform(visits.length, 0, 1)
  const delay = random.fork('delay').uniform(visits.length, 0, 360)
  const members = random.fork('members').uniform(subjects, 0, 1)
  const scans = visits.flatMap((visit, i) => {
    if (members[visit.subject] > 0.75 || chance[i] > 0.75) return []
    const late = visits[i + 1]?.subject === visit.subject ? 0 : chance[i] < 0.15 ? 541 : 0
    const early = visit.number === 1 && chance[i] > 0.7
    return [{ ...visit, day: visit.day + (early ? -30 : late + Math.floor(delay[i])) }]
  })
  const state = stateOf(random, 'mri', scans, subjects)
  const features = MRI_FEATURES.map((name) => {
    const own = random.fork(`feature ${name}`)
    const [weight, mean] = own.fork('weight').uniform(2, 0, 1)
    const thickness = name.endsWith('M') && REGIONS.includes(name.slice(1, -1))
    const [middle, spread] = thickness ? [2.2 + 0.8 * mean, 0.15] : [900 + 9000 * mean, 500]
    const loading = weight < 0.3 ? -(0.3 + weight) : 0
    const noise = own.fork('noise').normal(scans.length)
    const lost = own.fork('lost').uniform(scans.length, 0, 1)
    return scans.map((_, i) =>
      lost[i] < 0.01 ? '' : (middle + spread * (loading * state[i] + noise[i])).toFixed(thickness ? 3 : 1),
    )
  })
  const header = [
    'NACCID',
    'NACCADC',
    'SCANDT',
    'LONI_IMAGE_FLAIR',
    'DESCRIPTION_FLAIR',
    'LONI_IMAGE_T1',
    'DESCRIPTION_T1',
    'FREESURFER_VERSION',
  ]
  const rows = scans.map(({ subject, day }, i): Row => {
    const opening = [idOf(subject), 1 + (subject % 40), dateOf(day), `I${10000 + i}`, 'Sagittal 3D FLAIR', `I${50000 + i}`]
    return [...opening, 'Accelerated Sagittal MPRAGE', '7.1.1', ...features.map((cells) => cells[i])]
  })
  return [[...header, ...MRI_FEATURES], ...rows]
}
