import { describe, expect, test } from 'vitest'
import { train } from '../../node/index.ts'
import { NACC } from '../../node/sources/applications.ts'
import { readNacc } from '../../node/sources/nacc.ts'
import { UDS_MODALITIES } from '../../node/sources/nacc-columns.ts'
import { dateOf, dayOf, parseDay, visitFor } from '../../node/sources/nacc-visits.ts'
import type { Study } from '../../node/sources/study.ts'
import { synthesizeNacc } from '../../node/sources/synthetic-nacc.ts'
import { checkDataset, type Dataset } from '../../src/data/dataset.ts'
import { applyPreparation, fitPreparation } from '../../src/data/prepare.ts'
import type { Splits } from '../../src/data/split.ts'
import { csv } from './command.ts'
import { folderOf } from './folder.ts'
import { known } from './known.ts'

const VISITS = 'investigator_nacc64.csv'
const SCANS = 'investigator_scan_mrisbm_nacc66.csv'

type Cell = string | number

/** Visits: NACCID, date as month, day and year, status, then these columns. */
const visits = (columns: readonly string[], ...rows: readonly (readonly Cell[])[]) =>
  csv(['NACCID', 'VISITMO', 'VISITDAY', 'VISITYR', 'NACCUDSD', ...columns], ...rows)

/** Scans: NACCID, date, volume. */
const scans = (...rows: readonly (readonly Cell[])[]) => csv(['NACCID', 'SCANDT', 'LHIPPO'], ...rows)

const read = (files: Readonly<Record<string, string>>, options = {}) => readNacc(folderOf(files), options)

const splitsOf = (...parts: readonly (readonly number[])[]): Splits => {
  const [train, validation, test] = parts.map((part) => Int32Array.from(part))
  return { train, validation, test }
}

/** The cells of a column of a data set, gaps as null. */
function cells({ modalities }: Dataset, modality: string, name: string): (number | string | null)[] | undefined {
  const column = modalities.find((m) => m.name === modality)?.columns.find((c) => c.name === name)
  if (!column) return undefined
  if (column.kind === 'category') return Array.from(column.codes, (code) => (code < 0 ? null : column.levels[code]))
  return Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
}

describe('the visit of a scan', () => {
  const at = (...days: number[]) => days.map((day, name) => ({ day, name }))

  test('is the closest before it or on its day', () => {
    expect(visitFor(at(100, 300, 200), 250, 540)?.day).toBe(200)
    expect(visitFor(at(100, 250), 250, 540)?.day).toBe(250)
    expect(visitFor(at(251), 250, 540)).toBeUndefined()
  })

  test('is no longer ago than the limit', () => {
    expect(visitFor(at(0), 540, 540)?.day).toBe(0)
    expect(visitFor(at(0), 541, 540)).toBeUndefined()
    expect(visitFor(at(7), 7, 0)?.day).toBe(7)
  })

  test('of two on one day is the first', () => {
    expect(visitFor(at(5, 5), 9, 540)?.name).toBe(0)
  })

  test('is none where there are none', () => {
    expect(visitFor([], 9, 540)).toBeUndefined()
  })
})

describe('a date', () => {
  test('is a day, over the ends of months and leap years', () => {
    expect(dayOf(1970, 1, 1)).toBe(0)
    expect(dayOf(2020, 3, 1) - dayOf(2020, 2, 28)).toBe(2)
    expect(dayOf(2021, 3, 1) - dayOf(2021, 2, 28)).toBe(1)
    expect(dateOf(dayOf(2021, 12, 31))).toBe('2021-12-31')
  })

  test.each([
    [2021, 2, 29],
    [2021, 13, 1],
    [2021, 4, 99],
    [8888, 88, 88],
    [Number.NaN, 1, 1],
  ])('that is none is NaN: %d-%d-%d', (year, month, day) => expect(dayOf(year, month, day)).toBeNaN())

  test('may be written in two ways, or not at all', () => {
    for (const text of ['2021-05-07', '2021-05-07 10:30:00', '2021-05-07T00:00', '5/7/2021', '05/07/2021'])
      expect(parseDay(text, 'here')).toBe(dayOf(2021, 5, 7))
    expect(parseDay('', 'here')).toBeNaN()
    expect(() => parseDay('7 May', 'scans.csv row 3')).toThrow(
      'scans.csv row 3 holds "7 May": write a date as 2021-05-17 or 5/17/2021',
    )
  })
})

describe('readNacc', () => {
  test('makes a row of each scan with its visit, in the order of subjects and days', async () => {
    const study = await read({
      [VISITS]: visits(['BPSYS'], ['N2', 1, 1, 2020, 4, 140], ['N1', 6, 1, 2021, 3, 130], ['N1', 6, 1, 2020, 1, 120]),
      [SCANS]: scans(['N2', '2020-03-01', 3000.5], ['N1', '2021-07-01', 3500], ['N1', '2020-12-24', 3600]),
    })
    expect(study.subjects).toEqual({
      ids: ['N1 2020-12-24', 'N1 2021-07-01', 'N2 2020-03-01'],
      groups: ['N1', 'N1', 'N2'],
      target: {
        task: 'classification',
        classes: ['normal cognition', 'impaired, not MCI', 'MCI', 'dementia'],
        labels: Int32Array.of(0, 2, 3),
      },
    })
    expect(study.title).toBe('NACC: visits and MRI, cognitive status in four classes')
  })

  test('leaves out scans that no visit is close to, and says how many', async () => {
    const visit = visits([...known], ['N1', 1, 1, 2020, 1, ...known.map(() => 1)])
    const dates = ['2019-12-31', '2020-01-01', '2021-06-24', '2021-06-25']
    const study = await read({
      [VISITS]: visit,
      [SCANS]: scans(...dates.map((date) => ['N1', date, 1]), ['N9', '2020-02-02', 1]),
    })
    expect(study.subjects.ids).toEqual(['N1 2020-01-01', 'N1 2021-06-24'])
    expect(study.notes.at(-1)).toBe('left out 3 scans without a visit in the 540 days before')
    const shorter = await read({ [VISITS]: visit, [SCANS]: scans(...dates.map((date) => ['N1', date, 1])) }, { mostDays: 30 })
    expect(shorter.subjects.ids).toEqual(['N1 2020-01-01'])
  })

  test('leaves out scans without a date and those whose visit has no diagnosis', async () => {
    const study = await read({
      [VISITS]: visits(['BPSYS'], ['N1', 1, 1, 2020, 1, 120], ['N2', 1, 1, 2020, -4, 120], ['N3', 1, 1, 2020, 8, 120]),
      [SCANS]: scans(['N1', '2020-02-01', 1], ['N1', '', 1], ['N2', '2020-02-01', 1], ['N3', '2020-02-01', 1]),
    })
    expect(study.subjects.ids).toEqual(['N1 2020-02-01'])
    expect(study.notes).toEqual(
      expect.arrayContaining([`${SCANS}: left out 1 scan without a date`, 'left out 2 scans whose visit has no diagnosis']),
    )
  })

  test('tells two scans on one day apart', async () => {
    const study = await read({
      [VISITS]: visits(['BPSYS'], ['N1', 1, 1, 2020, 1, 120]),
      [SCANS]: scans(['N1', '2/1/2020', 1], ['N1', '2020-02-01', 2]),
    })
    expect(study.subjects.ids).toEqual(['N1 2020-02-01', 'N1 2020-02-01 (2)'])
  })

  test.each<[string, Cell, number | string | null]>([
    ['BPSYS', 70, 70],
    ['BPSYS', 230, 230],
    ['BPSYS', 888, null],
    ['BPSYS', 777, null],
    ['BPSYS', -4, null],
    ['BPSYS', '', null],
    ['BPSYS', 'NA', null],
    ['HEIGHT', 65.5, 65.5],
    ['HEIGHT', 88.8, null],
    ['NACCBMI', 888.8, null],
    ['EDUC', 99, null],
    ['SEX', 2, '2'],
    ['SEX', 9, null],
    ['NACCNIHR', 99, null],
    ['TOBAC100', 0, '0'],
    ['TOBAC100', 9, null],
    ['SMOKYRS', 88, 0],
    ['SMOKYRS', 99, null],
    ['PACKSPER', 8, 0],
    ['NACCSTYR', 2015, 2015],
    ['NACCSTYR', 8888, null],
    ['NACCSTYR', 9999, null],
    ['BILLS', 3, 3],
    ['BILLS', 8, null],
    ['BILLS', 9, null],
    ['DELSEV', 3, 3],
    ['DELSEV', 8, 0],
    ['DELSEV', 9, null],
    ['SATIS', 9, null],
    ['NACCGDS', 15, 15],
    ['NACCGDS', 88, null],
    ['NACCMMSE', 30, 30],
    ['NACCMMSE', 88, null],
    ['NACCMMSE', 95, null],
    ['NACCMOCA', 99, null],
    ['ANIMALS', 77, 77],
    ['ANIMALS', 98, null],
    ['WAIS', 93, 93],
    ['WAIS', 96, null],
    ['TRAILA', 150, 150],
    ['TRAILA', 995, null],
    ['TRAILB', 300, 300],
    ['TRAILB', 998, null],
    ['LOGIMEM', 25, 25],
    ['LOGIMEM', 97, null],
  ])('knows the codes: %s %s is %s', async (column, cell, value) => {
    const modality = UDS_MODALITIES.find(({ columns }) => columns.some(({ name }) => name === column))!.name
    const study = await read(
      {
        [VISITS]: visits([...known, column], ['N1', 1, 1, 2020, 1, ...known.map(() => 1), cell]),
        [SCANS]: scans(['N1', '2020-02-01', 1]),
      },
      { mostMissing: 1 },
    )
    expect(cells(study.dataset(splitsOf([0])), modality, column)).toEqual([value])
  })

  test('takes what never changes from any visit of the subject, and nothing else', async () => {
    const study = await read(
      {
        [VISITS]: visits(
          [...known, 'EDUC', 'SEX', 'BPSYS'],
          ['N1', 1, 1, 2020, 1, ...known.map(() => 1), 99, '', 120],
          ['N1', 1, 1, 2023, 1, ...known.map(() => 1), 16, 2, 130],
          ['N2', 1, 1, 2020, 1, ...known.map(() => 1), 99, 1, 888],
        ),
        [SCANS]: scans(['N1', '2020-02-01', 1], ['N2', '2020-02-01', 1]),
      },
      { mostMissing: 1 },
    )
    const data = study.dataset(splitsOf([0, 1]))
    expect(cells(data, 'profile', 'EDUC')).toEqual([16, null])
    expect(cells(data, 'profile', 'SEX')).toEqual(['2', '1'])
    expect(cells(data, 'clinical', 'BPSYS')).toEqual([120, null])
  })

  test('drops a column of visits by its gaps in the training rows alone, and no column of the MRI', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => i)
    const study = await read({
      [VISITS]: visits(
        [...known, 'BPSYS', 'BPDIAS', 'HRATE'],
        // BPSYS has gaps in rows 10 to 19, BPDIAS in rows 0 and 1, HRATE in row 0.
        ...rows.map((i) => [
          `N${10 + i}`,
          1,
          1,
          2020,
          1,
          ...known.map(() => 1),
          i < 10 ? 120 : 888,
          i < 2 ? 888 : 80,
          i < 1 ? 888 : 70,
        ]),
      ),
      [SCANS]: scans(...rows.map((i) => [`N${10 + i}`, '2020-02-01', i < 5 ? '' : 3000])),
    })
    const first = study.dataset(splitsOf(rows.slice(0, 10), [10], rows.slice(11)))
    const has = (data: Dataset) => ['BPSYS', 'BPDIAS', 'HRATE'].map((name) => cells(data, 'clinical', name) !== undefined)
    expect(has(first)).toEqual([true, false, true])
    expect(has(study.dataset(splitsOf(rows.slice(10), [0], rows.slice(1, 10))))).toEqual([false, true, true])
    expect(cells(first, 'mri', 'LHIPPO')?.slice(3, 6)).toEqual([null, null, 3000])
    expect([...first.modalities[3].present.slice(3, 6)]).toEqual([0, 0, 1])
  })

  test('reads every number of the MRI file but what says which scan it is, and leaves texts out with a note', async () => {
    const study = await read({
      [VISITS]: visits([...known], ['N1', 1, 1, 2020, 1, ...known.map(() => 1)]),
      [SCANS]: csv(
        ['NACCID', 'NACCADC', 'MRIYR', 'MRIMO', 'MRIDY', 'LONI_IMAGE_T1', 'FREESURFER_VERSION', 'LHIPPO', 'NOTE', 'LAMYG'],
        ['N1', 7, 2020, 2, 1, 'I1', '7.1', 3000, 'motion', 1500],
      ),
    })
    expect(study.subjects.ids).toEqual(['N1 2020-02-01'])
    expect(study.dataset(splitsOf([0])).modalities[3].columns.map(({ name }) => name)).toEqual(['LHIPPO', 'LAMYG'])
    expect(study.notes).toContain(`${SCANS}: left out 1 column with text in it ("NOTE")`)
  })

  test('does without columns that a file does not have, with a note', async () => {
    const study = await read({
      [VISITS]: visits([...known], ['N1', 1, 1, 2020, 1, ...known.map(() => 1)]),
      [SCANS]: scans(['N1', '2020-02-01', 1]),
    })
    expect(study.notes[0]).toMatch(/^investigator_nacc64\.csv: does not have "NACCNIHR", "PRIMLANG", .* and \d+ more, which/)
  })

  const good = {
    [VISITS]: visits(['BPSYS'], ['N1', 1, 1, 2020, 1, 120]),
    [SCANS]: scans(['N1', '2020-02-01', 1]),
  }
  test.each<[string, Readonly<Record<string, string>>, object, string]>([
    ['no visits', { [SCANS]: good[SCANS] }, {}, 'there is no file investigator_nacc64.csv in '],
    ['no scans', { [VISITS]: good[VISITS] }, {}, 'there is no file investigator_scan_mrisbm_nacc66.csv in '],
    ['two freezes', { ...good, 'investigator_nacc65.csv': '' }, {}, 'holds more than one file investigator_nacc64.csv ('],
    ['an empty file', { ...good, [VISITS]: '' }, {}, 'investigator_nacc64.csv is empty: give a header and rows'],
    [
      'other columns',
      { ...good, [VISITS]: csv(['NACCID']) },
      {},
      'lacks the columns "VISITYR", "VISITMO", "VISITDAY", "NACCUDSD"',
    ],
    [
      'scans without dates',
      { ...good, [SCANS]: csv(['NACCID']) },
      {},
      'lacks the columns "SCANDT": give the file as NACC sent it',
    ],
    [
      'a text among numbers',
      { ...good, [VISITS]: visits(['BPSYS'], ['N0', 1, 1, 2020, 1, 'skipped'], ['N1', 1, 1, 2020, 1, 'high']) },
      {},
      'investigator_nacc64.csv row 2: column "BPSYS" holds "high": give a number or a code',
    ],
    [
      'a day that is none',
      { ...good, [VISITS]: visits(['BPSYS'], ['N1', 2, 30, 2020, 1, 120]) },
      {},
      'investigator_nacc64.csv row 1: column "VISITDAY" makes no date with year and month: correct it',
    ],
    [
      'a short row',
      { ...good, [VISITS]: `${good[VISITS]}N1,1,1\n` },
      {},
      'investigator_nacc64.csv row 2 has 3 cells, the header has 6: give every row as many cells as the header',
    ],
    [
      'strangers',
      { ...good, [SCANS]: scans(['N2', '2020-02-01', 1]) },
      {},
      'has a visit with a diagnosis in the 540 days before it',
    ],
    ['a limit that is none', good, { mostDays: -1 }, 'mostDays is -1: give a number of days from 0'],
    ['a share that is none', good, { mostMissing: 10 }, 'mostMissing is 10: give a share from 0 to 1'],
  ])('refuses %s', async (_, files, options, sentence) => {
    await expect(read(files, options)).rejects.toThrow(sentence)
  })

  test('refuses a modality of which the training rows know nothing', async () => {
    const study = await read({ ...good, [VISITS]: visits(['BPSYS'], ['N1', 1, 1, 2020, 1, 888]) })
    expect(() => study.dataset(splitsOf([0]))).toThrow(
      'every column of "profile" has gaps in more than 10 % of the training rows',
    )
  })
})

describe('synthetic files', () => {
  const files = synthesizeNacc({ seed: 4, subjects: 150 })
  const folder = folderOf({ ...files, SYNTHETIC: '' })

  /** Training rows as students see them. */
  const prepared = (study: Study, splits: Splits) =>
    study.dataset(splits).modalities.map((m) => {
      const preparation = fitPreparation(m, splits.train)
      return { preparation, rows: applyPreparation(preparation, m, splits.train) }
    })

  test('are read, and no subject is ever in two parts', async () => {
    const study = await readNacc(folder)
    const { ids, groups = [] } = study.subjects
    expect(new Set(groups).size).toBeLessThan(groups.length)
    for (const seed of [1, 2, 3]) {
      const { train, validation, test: rest } = study.split(seed)
      expect(train.length + validation.length + rest.length).toBe(ids.length)
      const parts = [train, validation, rest].map((rows) => new Set(Array.from(rows, (row) => groups[row])))
      expect(parts.reduce((n, part) => n + part.size, 0)).toBe(new Set(groups).size)
      checkDataset(study.dataset({ train, validation, test: rest }))
    }
  })

  test('whatever is known of test and validation subjects changes nothing for the training rows', async () => {
    const study = await readNacc(folder)
    const splits = study.split(5)
    const { groups = [] } = study.subjects
    const learned = new Set(Array.from(splits.train, (row) => groups[row]))
    // Every number of all others becomes a code, or another number.
    const scrambled = Object.entries(files).map(([name, text]) => {
      const lines = String(text).split('\n')
      const fixed = name === VISITS ? 10 : 8
      const changed = lines.map((line, i) => {
        const words = line.split(',')
        if (i === 0 || learned.has(words[0]) || words.length < 150) return line
        return words.map((word, j) => (j < fixed ? word : name === VISITS ? '-4' : j % 3 ? '' : '12345')).join(',')
      })
      return [name, changed.join('\n')]
    })
    const other = await readNacc(folderOf(Object.fromEntries(scrambled)))
    expect(other.subjects).toEqual(study.subjects)
    expect(other.dataset(splits)).not.toEqual(study.dataset(splits))
    expect(prepared(other, splits)).toEqual(prepared(study, splits))
  })

  test('are learned from, end to end', async () => {
    const study = await readNacc(folder)
    const splits = study.split(1)
    const { model, methods } = await train(study.dataset(splits), {
      splits,
      config: { ...NACC.config, extractors: { '*': ['raw', 'skip'] }, encoders: {}, epochs: 8, rho: [0, 1], seed: 1 },
    })
    expect(model.provenance.title).toBe('Synthetic data in the form of: NACC: visits and MRI, cognitive status in four classes')
    const [first] = methods
    expect(first.name).toBe('meta-fusion')
    const labels = study.subjects.target.task === 'classification' ? study.subjects.target.labels : []
    const normal = splits.test.filter((row) => labels[row] === 0).length / splits.test.length
    expect(first.test).toMatchObject({ rows: splits.test.length })
    expect((first.test as { accuracy: number }).accuracy).toBeGreaterThan(normal)
  })
})
