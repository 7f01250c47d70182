import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Papa from 'papaparse'
import { describe, expect, test } from 'vitest'
import { parseNpy } from '../../node/npy.ts'
import { NACC, RATS } from '../../node/sources/applications.ts'
import { writeSynthetic } from '../../node/sources/folder.ts'
import { UDS_MODALITIES } from '../../node/sources/nacc-columns.ts'
import { synthesizeNacc } from '../../node/sources/synthetic-nacc.ts'
import { synthesizeNeural } from '../../node/sources/synthetic-neural.ts'
import { checkConfig } from '../../src/train/check-config.ts'
import { metafusion } from './command.ts'
import { folderOf } from './folder.ts'

describe('NACC', () => {
  const files = synthesizeNacc({ seed: 2, subjects: 200 })
  const rows = (name: string) =>
    Papa.parse<Record<string, string>>(String(files[name]), { header: true, skipEmptyLines: true }).data
  const visits = rows('investigator_nacc64.csv')
  const scans = rows('investigator_scan_mrisbm_nacc66.csv')

  test('the same seed and size give the same bytes, another seed gives others', () => {
    expect(synthesizeNacc({ seed: 2, subjects: 200 })).toEqual(files)
    expect(synthesizeNacc({ seed: 3, subjects: 200 })).not.toEqual(files)
  })

  test('the files have every column of the modalities and the 200 of the MRI', () => {
    const names = UDS_MODALITIES.flatMap(({ columns }) => columns.map(({ name }) => name))
    expect(new Set(names).size).toBe(names.length)
    expect(Object.keys(visits[0])).toEqual(
      expect.arrayContaining(['NACCID', 'VISITMO', 'VISITDAY', 'VISITYR', 'NACCUDSD', ...names]),
    )
    expect(Object.keys(scans[0])).toHaveLength(200)
  })

  test('every cell is a valid value or a code that is none', () => {
    for (const { name, low, high, none } of UDS_MODALITIES.flatMap(({ columns }) => columns)) {
      const values = visits.map((visit) => Number(visit[name]))
      const outside = new Set(values.filter((value) => value < low || value > high))
      const codes = [-4, 9, 97, 99, 888, 998, 9999, ...(none === undefined ? [] : [none])]
      expect([name, [...outside].filter((value) => !codes.includes(value))]).toEqual([name, []])
    }
  })

  test('there are all classes, subjects of several scans, scans too late and too early, and columns full of gaps', () => {
    expect(new Set(visits.map((visit) => visit.NACCUDSD))).toEqual(new Set(['1', '2', '3', '4']))
    const times = scans.map(({ NACCID }) => scans.filter((scan) => scan.NACCID === NACCID).length)
    expect(Math.max(...times)).toBeGreaterThan(2)
    const since = scans.map(({ NACCID, SCANDT }) => {
      const own = visits.filter((visit) => visit.NACCID === NACCID)
      const days = own.map((v) => (Date.parse(SCANDT) - Date.UTC(+v.VISITYR, +v.VISITMO - 1, +v.VISITDAY)) / 86_400_000)
      return Math.min(...days.map((day) => (day < 0 ? Number.POSITIVE_INFINITY : day)))
    })
    expect(since.some((days) => days === Number.POSITIVE_INFINITY)).toBe(true)
    expect(since.some((days) => days > 540 && days < 2000)).toBe(true)
    expect(since.filter((days) => days <= 540).length).toBeGreaterThan(scans.length / 2)
    const gaps = (name: string) => visits.filter((visit) => visit[name] === '-4').length / visits.length
    const shares = UDS_MODALITIES[0].columns.map(({ name }) => gaps(name))
    expect(shares.some((share) => share > 0.1)).toBe(true)
    expect(shares.filter((share) => share < 0.1).length).toBeGreaterThan(shares.length / 2)
    expect(scans.some((scan) => Object.values(scan).includes(''))).toBe(true)
  })
})

describe('a rat', () => {
  const sizes = { trials: 48, channels: 3, neurons: 20, time: 250 }
  const files = synthesizeNeural({ seed: 2, rat: 'Barat', ...sizes })

  test('the same seed gives the same bytes, another seed or rat gives others', () => {
    expect(synthesizeNeural({ seed: 2, rat: 'barat', ...sizes })).toEqual(files)
    const info = (seed: number, rat: string) => Object.values(synthesizeNeural({ seed, rat, ...sizes }))[0]
    expect(info(3, 'barat')).not.toEqual(info(2, 'barat'))
    expect(info(2, 'mitt')).not.toEqual(info(2, 'barat'))
  })

  test('the files have the shapes of the recordings', () => {
    const shapes = Object.entries(files).map(([name, bytes]) => [name, parseNpy(bytes as Uint8Array, name).shape])
    expect(shapes).toEqual([
      ['barat_trial_info.npy', [48, 5]],
      ['barat_lfp_data_sampled.npy', [48, 250, 3]],
      ['barat_spike_data_binned.npy', [48, 20, 250]],
    ])
  })

  test('there are trials that are wrong, trials out of sequence and a fifth odour', () => {
    const { values } = parseNpy(files['barat_trial_info.npy'] as Uint8Array, 'info')
    const column = (j: number) => new Set(Array.from({ length: 48 }, (_, i) => values[5 * i + j]))
    expect(column(0)).toEqual(new Set([0, 1]))
    expect(column(1)).toEqual(new Set([0, 1]))
    expect([...column(3)].sort()).toEqual([1, 2, 3, 4, 5])
  })

  test('three of ten neurons are silent', () => {
    const { values } = parseNpy(files['barat_spike_data_binned.npy'] as Uint8Array, 'spikes')
    const fires = Array.from({ length: 20 }, (_, n) =>
      Array.from({ length: 48 }, (_, i) => values.subarray((i * 20 + n) * 250, (i * 20 + n + 1) * 250)).some((bins) =>
        bins.includes(1),
      ),
    )
    expect(fires.filter((one) => !one)).toHaveLength(6)
  })
})

describe('the settings of the paper', () => {
  const cohort = (extractors: Readonly<Record<string, readonly string[]>>) => {
    const lists = Object.values(extractors)
    const all = lists.reduce((product, list) => product * list.length, 1)
    return all - (lists.every((list) => list.includes('skip')) ? 1 : 0)
  }
  const applications = [['nacc', NACC] as const, ...Object.entries(RATS)]

  test('make cohorts of 100, 29 and 23 students, within the budget', () => {
    const sizes = applications.map(([name, { config }]) => [name, cohort(config.extractors ?? {})])
    expect(Object.fromEntries(sizes)).toEqual({ nacc: 100, barat: 29, buchanan: 29, mitt: 23, stella: 29, superchris: 23 })
    for (const [, { config }] of applications) expect(config.budget).toBeGreaterThanOrEqual(cohort(config.extractors ?? {}))
  })

  test('are configurations, whose cuts are all trained as they say', () => {
    for (const [, { config }] of applications) {
      expect(checkConfig(config)).toBe(config)
      const isCut = Object.values(config.extractors ?? {}).some((list) => list.some((name) => name.startsWith('frozen-sliced')))
      expect(config.encoders !== undefined).toBe(isCut)
    }
    expect(NACC.config.extractors?.mri).toEqual([
      'raw',
      'frozen-sliced(128,90)',
      'frozen-sliced(128,90,60)',
      'frozen-sliced(128,90,60,30)',
      'skip',
    ])
    expect(RATS.barat.config.extractors?.spikes.slice(1, 3)).toEqual(['frozen-sliced(40)', 'frozen-sliced(40,30)'])
  })
})

describe('metafusion synthesize', () => {
  test('writes the files and says that they are synthetic', async () => {
    const root = folderOf({})
    const { code, stdout } = await metafusion(root, 'synthesize', 'nacc', '--out', 'made/nacc', '--subjects', '40', '--seed', '7')
    expect(code).toBe(0)
    expect(stdout).toBe(
      'made/nacc/investigator_nacc64.csv: synthetic\nmade/nacc/investigator_scan_mrisbm_nacc66.csv: synthetic\n',
    )
    const made = synthesizeNacc({ seed: 7, subjects: 40 })
    for (const [name, text] of Object.entries(made)) expect(readFileSync(join(root, 'made/nacc', name), 'utf8')).toBe(text)
    expect(readFileSync(join(root, 'made/nacc/SYNTHETIC'), 'utf8')).toMatch(/^The files in this folder are synthetic\./)
  })

  test('writes one rat', async () => {
    const root = folderOf({})
    const { code } = await metafusion(root, 'synthesize', 'neural', '--out', '.', '--rat', 'Stella')
    expect(code).toBe(0)
    expect(existsSync(join(root, 'stella_trial_info.npy'))).toBe(true)
    expect(existsSync(join(root, 'mitt_trial_info.npy'))).toBe(false)
  })

  test.each([
    [['mri', '--out', 'x'], '"mri" cannot be synthesized: write nacc or neural'],
    [['nacc', '--out', 'x', '--rat', 'mitt'], '"--rat" goes with neural: leave it out'],
    [['neural', '--out', 'x', '--subjects', '9'], '"--subjects" goes with nacc: leave it out'],
    [['nacc', '--out', 'x', '--subjects', '9'], '--subjects is "9": give 20 at least, so that every class occurs'],
    [['neural', '--out', 'x', '--rat', 'rex'], '--rat is "rex": there are barat, buchanan, mitt, stella, superchris'],
  ])('%j is refused', async (words, sentence) => {
    const root = folderOf({})
    expect(await metafusion(root, 'synthesize', ...words)).toEqual({ code: 2, stdout: '', stderr: `metafusion: ${sentence}\n` })
    expect(existsSync(join(root, 'x'))).toBe(false)
  })
})

test('synthetic files go over synthetic ones, and never beside others', () => {
  const real = folderOf({ 'investigator_nacc64.csv': 'NACCID\n' })
  expect(() => writeSynthetic(real, { 'investigator_nacc64.csv': 'x' })).toThrow(
    'holds "investigator_nacc64.csv" and no file "SYNTHETIC", so it may be real: give another folder',
  )
  expect(readFileSync(join(real, 'investigator_nacc64.csv'), 'utf8')).toBe('NACCID\n')
  const made = folderOf({})
  writeSynthetic(made, { 'a.csv': 'one' })
  writeSynthetic(made, { 'a.csv': 'two' })
  expect(readFileSync(join(made, 'a.csv'), 'utf8')).toBe('two')
  writeFileSync(join(made, 'b.csv'), 'mine')
  writeSynthetic(made, { 'c.csv': 'three' })
  expect(readFileSync(join(made, 'b.csv'), 'utf8')).toBe('mine')
})
