// The document of the paper's simulations, made of invented seeds.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { EXPERIMENTS } from '../../src/experiments/settings.ts'
import { folderOf } from '../node/folder.ts'

const SCRIPT = join(import.meta.dirname, 'reproduction.js')
const MARKERS = [...EXPERIMENTS.keys()].map((name) => `<!-- table ${name} -->\nstale numbers\n<!-- end ${name} -->`)

function seedFile(runs: string, experiment: string, seed: number, scores: Record<string, number>, key = 'one'): void {
  const variants = (EXPERIMENTS.get(experiment)?.variants ?? []).map(({ name }) => ({ name, rho: 3, k: 2, teachers: [0, 4] }))
  mkdirSync(join(runs, experiment), { recursive: true })
  const result = { experiment, seed, digest: '', scores, students: ['a', 'b', 'c', 'd', 'e'], variants }
  writeFileSync(join(runs, experiment, `seed-000${seed}.json`), JSON.stringify({ key, seconds: 90, result }))
}

const make = (out: string, ...args: string[]): string => {
  writeFileSync(out, `before\n${MARKERS.join('\n')}\nafter\n`)
  execFileSync(process.execPath, [SCRIPT, ...args, '--out', out], { stdio: 'pipe' })
  return readFileSync(out, 'utf8')
}
const between = (text: string, name: string) => text.split(`<!-- table ${name} -->`)[1].split(`<!-- end ${name} -->`)[0]
/** The cells of the row that begins so. */
const cells = (text: string, first: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(`| ${first} |`))
    ?.split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())

let folder: string
let runs: string
let text: string
beforeAll(() => {
  folder = folderOf({})
  runs = join(folder, 'runs')
  const main = [4, 6, 5]
  main.forEach((error, i) => {
    const more: Record<string, number> = i === 2 ? {} : { 'late-sum': error + 1 }
    seedFile(runs, '1.1', [1, 2, 4][i], { 'meta-fusion': error, 'independent/meta-fusion': error + 1 + i, stacking: 9, ...more })
  })
  for (const seed of [1, 2, 3]) {
    const scores = { 'meta-fusion': 5 + seed, 'independent/meta-fusion': 9, 'cold/meta-fusion': 4, 'warm@3/meta-fusion': 3 }
    seedFile(runs, '1.1-sharing', seed, { ...scores, 'cold@3/meta-fusion': 3 + seed })
  }
  text = make(join(folder, 'a.md'), runs, '--record', join(folder, 'record.json'))
})

test('what stands outside the markers is left, and an experiment without seeds is said to have none', () => {
  expect(text).toMatch(/^before\n/)
  expect(text).toMatch(/\nafter\n$/)
  expect(text).not.toContain('stale')
  for (const name of EXPERIMENTS.keys())
    expect(between(text, name).includes('No seed has been run yet.')).toBe(!name.startsWith('1.1'))
})

test('means, differences and choices are those of the seeds, beside the authors’', () => {
  const block = between(text, '1.1')
  expect(block).toContain('3 seeds (1-2, 4), 5 students.')
  expect(cells(block, 'meta-fusion')?.slice(0, 2)).toEqual(['5.00 (0.58), 3', '5.04 (0.48), 5'])
  expect(cells(block, 'stacking')?.[1]).toBe('4.98 (0.52), 5')
  expect(cells(block, 'late-sum')?.slice(0, 2)).toEqual(['6.00 (1.00), 2', '–'])
  // 1, 2 and 3 worse: the mean 2, its error 1/√3, and t = -3.46 of 2 degrees of freedom.
  expect(cells(block, 'meta-fusion − independent/meta-fusion')).toEqual([
    '−2.00 ± 0.58',
    '0.074',
    '−0.18 ± 0.09',
    expect.any(String),
  ])
  expect(cells(block, 'authors')).toEqual(['3 (3)', '2 (3)', '2 (3)'])
  expect(cells(block, 'the authors’ runs')).toEqual(['3 (5)', '2 (1), 3 (4)', '16 (5)'])
})

test('shares of the variance are compared, of the seeds’ own outcomes', () => {
  const block = between(text, '1.1')
  const [, , ours, theirs, joint, verdict] = cells(block, 'stacking') ?? []
  const [share, se] = ours.match(/[\d.]+/g)?.map(Number) ?? []
  const [their, theirSe] = theirs.match(/[\d.]+/g)?.map(Number) ?? []
  expect(share).toBeGreaterThan(9 / 300)
  expect(share).toBeLessThan(9 / 75)
  expect(Number(joint.replace('−', '-'))).toBeCloseTo((share - their) / Math.hypot(se, theirSe), 0)
  expect(verdict).toBe('outside')
})

test('a way of teaching is compared with the cold start at the same ρ', () => {
  const rows = between(text, '1.1-sharing')
    .split('\n')
    .filter((line) => line.startsWith('| warm | 3 |'))
  expect(rows[0]).toContain('| 3.00 (0.00), 3 | −2.00 ± 0.58 |')
  expect(rows[0]).toContain('| −6.00 ± 0.00 |')
})

test('the record makes the same document without the runs', () => {
  expect(make(join(folder, 'b.md'), join(folder, 'record.json'))).toBe(text)
})

test('seeds of different versions are refused', () => {
  const mixed = join(folder, 'mixed')
  seedFile(mixed, '1.1', 1, { 'meta-fusion': 1 })
  seedFile(mixed, '1.1', 2, { 'meta-fusion': 1 }, 'another')
  expect(() => make(join(folder, 'c.md'), mixed)).toThrow(/different versions/)
})
