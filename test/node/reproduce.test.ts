import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { studentsFigure } from '../../node/figures/experiment.ts'
import { taskOf } from '../../node/reproduce/task.ts'
import { writeSynthetic } from '../../node/sources/folder.ts'
import { UDS_MODALITIES } from '../../node/sources/nacc-columns.ts'
import { synthesizeNacc } from '../../node/sources/synthetic-nacc.ts'
import { synthesizeNeural } from '../../node/sources/synthetic-neural.ts'
import type { SeedResult } from '../../src/experiments/run.ts'
import { EXPERIMENTS, type Experiment } from '../../src/experiments/settings.ts'
import { type Finished, finished, metafusion, start } from './command.ts'
import { folderOf } from './folder.ts'

const QUICK = ['reproduce', 'four-modalities', '--rows', '120', '--epochs', '1']
const NAME = 'four-modalities-rows120-epochs1'

/** A folder where seeds 1 to 3 were run at once by two workers, and seeds 1 and 2 by one. */
let root = ''
let whole: Finished
let part: Finished
beforeAll(async () => {
  root = folderOf({})
  const run = (out: string, ...words: string[]) => metafusion(root, ...QUICK, '--json', '--out', out, ...words)
  whole = await run('whole', '--seeds', '1-3', '--workers', '2')
  part = await run('part', '--seeds', '1-2', '--workers', '1')
})

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const seedFile = (out: string, seed: number) => `${out}/${NAME}/seed-000${seed}.json`
const resultOf = (out: string, seed: number) => JSON.parse(read(seedFile(out, seed))).result

describe('a simulation', () => {
  test('--json prints one object and nothing else, of exactly this shape', () => {
    expect(whole.code).toBe(0)
    const report = JSON.parse(whole.stdout)
    expect(report).toStrictEqual({
      setting: NAME,
      title: 'four complementary modalities (a quick look: 120 rows, 1 epoch)',
      measure: 'test MSE',
      seeds: [1, 2, 3],
      methods: report.methods.map(({ name }: { name: string }) => ({
        name,
        mean: expect.any(Number),
        se: expect.any(Number),
        n: 3,
        values: [expect.any(Number), expect.any(Number), expect.any(Number)],
        bold: expect.any(Boolean),
      })),
      paired: report.paired.map(({ against }: { against: string }) => ({
        against,
        difference: expect.any(Number),
        se: expect.any(Number),
        p: expect.any(Number),
        wilcoxon: expect.any(Number),
      })),
      notes: [],
      seconds: expect.any(Number),
    })
    const names = report.methods.map(({ name }: { name: string }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['meta-fusion', 'independent/meta-fusion', 'early-fusion', 'oracle:late-fusion']),
    )
    expect(report.paired.map(({ against }: { against: string }) => against)).toEqual(
      names.filter((name: string) => name !== 'meta-fusion'),
    )
    expect(JSON.parse(read(`whole/${NAME}/table.json`))).toEqual(report)
  })

  test('gives the same with one worker and with two', () => {
    expect(part.code).toBe(0)
    for (const seed of [1, 2]) expect(resultOf('part', seed)).toEqual(resultOf('whole', seed))
    expect(resultOf('whole', 1)).not.toEqual(resultOf('whole', 2))
  })

  test('of other sizes is another experiment: in its name, its title, its key and what workers are told', async () => {
    const paper = await taskOf('1.1', {}, undefined)
    const quick = await taskOf('1.1', { rows: 200, epochs: 3 }, undefined)
    expect([paper.name, quick.name, (await taskOf('1.1', { epochs: 1 }, undefined)).name]).toEqual([
      '1.1',
      '1.1-rows200-epochs3',
      '1.1-epochs1',
    ])
    expect(quick.title).toBe('complementary, linear (a quick look: 200 rows, 3 epochs)')
    // As text: what is stored is known again by it.
    expect(JSON.stringify(paper.key)).toBe(JSON.stringify(EXPERIMENTS.get('1.1')))
    expect(quick.key).toEqual(quick.work)
    expect(quick.work).toMatchObject({ name: quick.name, data: { rows: 200 }, config: { epochs: 3 } })
  })

  test('goes on where it was: what is done stays as it is, and the whole is the same as at once', async () => {
    const before = [1, 2].map((seed) => [read(seedFile('part', seed)), statSync(join(root, seedFile('part', seed))).mtimeMs])
    const { code, stdout, stderr } = await metafusion(root, ...QUICK, '--json', '--out', 'part', '--seeds', '1-3')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^2 seeds of 3 were done already\n/)
    expect([1, 2].map((seed) => [read(seedFile('part', seed)), statSync(join(root, seedFile('part', seed))).mtimeMs])).toEqual(
      before,
    )
    const { seconds: _, ...report } = JSON.parse(stdout)
    const { seconds: __, ...once } = JSON.parse(whole.stdout)
    expect(report).toEqual(once)
  })

  test('leaves a table and a figure of the methods beside the seeds', () => {
    expect(readdirSync(join(root, 'whole', NAME)).sort()).toEqual([
      'methods.svg',
      'seed-0001.json',
      'seed-0002.json',
      'seed-0003.json',
      'table.json',
      'table.md',
    ])
    const [head, , columns] = read(`whole/${NAME}/table.md`).split('\n')
    expect(head).toBe(`${NAME}: four complementary modalities (a quick look: 120 rows, 1 epoch); test MSE over 3 seeds`)
    expect(columns).toBe('| method | mean (SE) of 3 seeds | meta-fusion minus it | p |')
    expect(read(`whole/${NAME}/methods.svg`)).toContain('>oracle:early-fusion</text>')
  })

  test.each([
    ['of another version', (stored: object) => ({ ...stored, key: '0123456789abcdef' })],
    ['of another seed', (stored: object) => ({ ...stored, result: { ...resultOf('whole', 2) } })],
    ['of something else', () => null],
  ])('a seed file %s is refused and stays', async (_, change) => {
    const folder = folderOf({})
    mkdirSync(join(folder, 'o', NAME), { recursive: true })
    const path = join('o', NAME, 'seed-0001.json')
    const changed = JSON.stringify(change(JSON.parse(read(seedFile('whole', 1)))))
    writeFileSync(join(folder, path), changed)
    expect(await metafusion(folder, ...QUICK, '--out', 'o', '--seeds', '1')).toEqual({
      code: 1,
      stdout: '',
      stderr: `metafusion: ${path} was not written by this version for this experiment: move it away or choose another --out\n`,
    })
    expect(readFileSync(join(folder, path), 'utf8')).toBe(changed)
  })

  test('interrupted, leaves whole files only', async () => {
    const folder = folderOf({})
    const child = start(folder, ...QUICK, '--out', 'o', '--seeds', '1-9999', '--workers', '1')
    const end = finished(child)
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text) => String(text).includes('2 seeds of') && resolve())
    })
    child.kill('SIGINT')
    const { code, stderr } = await end
    expect(code).toBe(130)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('metafusion: interrupted: the seeds that are done are kept')
    const files = readdirSync(join(folder, 'o', NAME)).sort()
    expect(files.slice(0, 2)).toEqual(['seed-0001.json', 'seed-0002.json'])
    for (const file of files) {
      expect(file).toMatch(/^seed-\d{4}\.json$/)
      expect(JSON.parse(readFileSync(join(folder, 'o', NAME, file), 'utf8'))).toMatchObject({ key: expect.any(String) })
    }
  })
})

/** NACC's visits, some of which know nothing of the behavior. */
function withGaps(visits: string): string {
  const behavior = UDS_MODALITIES.find(({ name }) => name === 'behavior')?.columns.map(({ name }) => name) ?? []
  const [header, ...rows] = visits.trimEnd().split('\n')
  const places = new Set(behavior.map((name) => header.split(',').indexOf(name)))
  const blank = (row: string) =>
    row
      .split(',')
      .map((cell, j) => (places.has(j) ? '-4' : cell))
      .join(',')
  return `${[header, ...rows.map((row, i) => (i % 16 === 5 ? blank(row) : row))].join('\n')}\n`
}

describe('an application', () => {
  test('NACC runs end to end: accuracies, and a title that says that the files are made up', async () => {
    const folder = folderOf({})
    const files = synthesizeNacc({ seed: 1, subjects: 60 })
    const visits = 'investigator_nacc64.csv'
    writeSynthetic(join(folder, 'nacc'), { ...files, [visits]: withGaps(String(files[visits])) })
    const words = ['nacc', '--data', 'nacc', '--epochs', '1', '--seeds', '1-2', '--out', 'o']
    const { code, stdout } = await metafusion(folder, 'reproduce', ...words, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    const title = 'Synthetic data in the form of: NACC: visits and MRI, cognitive status in four classes (a quick look: 1 epoch)'
    expect(report).toMatchObject({ setting: 'nacc-epochs1', title, measure: 'test accuracy', seeds: [1, 2] })
    expect(report.methods.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['meta-fusion', 'independent-greedy', 'single:mri']),
    )
    expect(report.notes.join('\n')).toMatch(/^left out \d+ scans? without a visit/)
    expect(report.notes.join('\n')).toContain(
      'every student looks at "behavior", "clinical": rows without one of them are not predicted and do not count',
    )
    for (const { mean } of report.methods) expect(mean >= 0 && mean <= 1).toBe(true)
    expect(readFileSync(join(folder, 'o/nacc-epochs1/table.md'), 'utf8').split('\n')[0]).toBe(
      `nacc-epochs1: ${title}; test accuracy over 2 seeds`,
    )
    const again = await metafusion(folder, 'reproduce', ...words, '--json')
    expect(again).toEqual({ code: 0, stdout, stderr: '2 seeds of 2 were done already\n' })
  })

  test('a rat with fewer neurons than the paper’s latents runs without those, and says so', async () => {
    const folder = folderOf({})
    writeSynthetic(folder, synthesizeNeural({ seed: 1, rat: 'stella', trials: 120, channels: 4, neurons: 18, time: 250 }))
    const { code, stdout } = await metafusion(
      folder,
      'reproduce',
      'neural-stella',
      '--data',
      '.',
      '--epochs',
      '1',
      '--seeds',
      '2',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^neural-stella-epochs1: Synthetic data in the form of: Hippocampus of stella.*; test accuracy over 1 seed/,
    )
    expect(stdout).toMatch(/\nmeta-fusion +0\.\d{4}/)
    const left = [...stdout.matchAll(/^frozen-sliced\(([\d,]+)\) of "(\w+)" is left out: /gm)].map(([, widths, of]) => [
      of,
      widths,
    ])
    expect(left).toEqual([
      ['lfp', '300'],
      ['lfp', '300,250'],
      ['lfp', '300,250,200'],
      ['spikes', '20'],
      ['spikes', '20,15'],
    ])
  })
})

describe('a wrong command line is one sentence', () => {
  test.each([
    [['2.2', '--seeds', '3-1'], '--seeds has "3-1": give seeds such as 1-20 or 1,4,7'],
    [['2.2', '--workers', '0'], '--workers is "0": give a whole number from 1 to 256'],
    [['2.2', '--rows', '19'], '--rows is "19": give a whole number from 20 to 1000000'],
    [['2.2', '--rows', 'many'], '--rows is "many": give a whole number from 20 to 1000000'],
    [['2.2', '--epochs', '0'], '--epochs is "0": give a whole number from 1 to 100000'],
    [['2.2', '--data', '.'], '"--data" goes with nacc and the rats: leave it out'],
    [['nacc', '--data', '.', '--rows', '50'], '"--rows" goes with the simulations: leave it out for "nacc"'],
    [
      ['neural-mitt'],
      '"neural-mitt" needs the folder of its files: write --data FOLDER (metafusion synthesize makes some to try)',
    ],
  ])('%j', async (words, sentence) => {
    const folder = folderOf({})
    expect(await metafusion(folder, 'reproduce', ...words, '--out', 'o')).toEqual({
      code: 2,
      stdout: '',
      stderr: `metafusion: ${sentence}\n`,
    })
    expect(existsSync(join(folder, 'o'))).toBe(false)
  })

  test('an unknown experiment: all are named', async () => {
    const { code, stderr } = await metafusion(folderOf({}), 'reproduce', '9.9')
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^metafusion: there is no experiment "9\.9": there are 1\.1, .*, nacc, neural-barat, .*, neural-superchris\n$/,
    )
  })

  test('a folder without the files is one of data', async () => {
    const { code, stderr } = await metafusion(folderOf({}), 'reproduce', 'nacc', '--data', '.')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^metafusion: there is no file investigator_nacc64\.csv in "\."/)
  })
})

describe('the heat map of students', () => {
  const labels = { title: 'T', measure: 'test MSE', decimals: 2 }
  const { data, config } = EXPERIMENTS.get('negative-small') as Experiment
  const small = { ...config, extractors: { 'modality-1': ['raw', 'skip'], 'modality-2': ['raw', 'skip'] } }
  const cohort = (rho: number, students: readonly (number | null)[]) => ({ rho, students })
  const seed = (chosen: number, independent: readonly (number | null)[], three: readonly number[], other: readonly number[]) =>
    ({
      students: ['modality-1:raw+modality-2:raw', 'modality-1:raw', 'modality-2:raw'],
      variants: [
        { name: 'adaptive', rho: chosen, cohorts: [cohort(0, independent), cohort(3, three)] },
        { name: 'adversarial', rho: 3, cohorts: [cohort(3, other)] },
      ],
    }) as unknown as SeedResult
  const results = [seed(0, [1, 2, 3], [11, 12, 13], [21, 22, 23]), seed(3, [2, 4, null], [12, 14, 16], [22, 24, 26])]
  const texts = (svg: string | undefined) => [...(svg ?? '').matchAll(/>([^<]*)<\/text>/g)].map(([, text]) => text)
  const values = (svg: string | undefined) => texts(svg).filter((text) => /^\d+\.\d\d$/.test(text))
  const of = (more: Partial<Experiment>) => ({ data, config: small, ...more }) as Experiment

  test('shows means over seeds before sharing and at the ρ each seed chose; a student without a number is blank', async () => {
    const svg = await studentsFigure(labels, of({}), results)
    expect(texts(svg)).toEqual(expect.arrayContaining(['independent (ρ = 0)', 'shared (ρ chosen)', 'modality-1', 'modality-2']))
    expect(values(svg)).toEqual(['1.50', '3.00', '6.50', '8.00', '9.50'])
  })

  test('shows all variants at a fixed ρ, the first before those that did not share', async () => {
    const svg = await studentsFigure(labels, of({ fixed: 3 }), results)
    const panels = texts(svg).filter((text) => text.includes('ρ'))
    expect(panels).toEqual(['adaptive (ρ = 3)', 'independent (ρ = 0)', 'adversarial (ρ = 3)'])
    expect(values(svg)).toEqual(['11.50', '13.00', '14.50', '1.50', '3.00', '21.50', '23.00', '24.50'])
  })

  test('is of two modalities alone', async () => {
    expect(await studentsFigure(labels, EXPERIMENTS.get('four-modalities') as Experiment, results)).toBeUndefined()
  })
})
