import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { below, metafusion, QUICK, scored, study, treeOf } from './command.ts'

/** A folder with a study, its score, and models of both. */
let root = ''
beforeAll(async () => {
  root = treeOf({ ...below('study', study()), ...below('scored', scored()), 'quick.json': QUICK })
  const train = (folder: string) => metafusion(root, 'train', folder, '--out', `${folder}.safetensors`, '--config', 'quick.json')
  const trained = await Promise.all(['study', 'scored'].map(train))
  expect(trained.map(({ code }) => code)).toEqual([0, 0])
})

describe('explain and importance', () => {
  test('explain tells what modalities and features add, of the subjects named', async () => {
    const { code, stdout } = await metafusion(root, 'explain', 'study.safetensors', 'study', '--json', '--features', '2')
    expect(code).toBe(0)
    const { rows } = JSON.parse(stdout)
    for (const { value, base, modalities, features } of rows) {
      if (value === null) continue
      const sum = modalities.reduce((total: number, m: { share: number }) => total + m.share, 0)
      expect(base + sum).toBeCloseTo(value, 4)
      expect(features.length).toBeLessThanOrEqual(2)
    }
    const ids = rows.slice(0, 2).map(({ id }: { id: string }) => id)
    const some = await metafusion(root, 'explain', 'study.safetensors', 'study', '--ids', ids.join(','), '--out', 'e.csv')
    expect(some.code).toBe(0)
    expect(readFileSync(join(root, 'e.csv'), 'utf8')).toMatch(/^id,output,modality,feature,share\n/)
    const nobody = await metafusion(root, 'explain', 'study.safetensors', 'study', '--ids', 'nobody')
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^metafusion: the folder has no subject "nobody": it has /),
    })
  })

  test('importance ranks modalities, and says which next', async () => {
    const { code, stdout } = await metafusion(root, 'importance', 'study.safetensors', 'study', '--has', 'mri')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^modality +takes off log loss +mean size of its share$/m)
    expect(stdout).toMatch(/^to a subject with mri, one more is worth in log loss:\nblood +-?0\.\d{4} ± /m)
    const odd = await metafusion(root, 'importance', 'study.safetensors', 'study', '--has', 'pet')
    expect(odd).toMatchObject({ code: 2, stderr: 'metafusion: --has names "pet": give some of "blood", "mri"\n' })
  })
})

test('predict --level adds sets, disagreement and where to abstain', async () => {
  const { code, stderr } = await metafusion(root, 'predict', 'study.safetensors', 'study', '--out', 'p.csv', '--level', '0.8')
  expect(code, stderr).toBe(0)
  const [head, ...lines] = readFileSync(join(root, 'p.csv'), 'utf8').trimEnd().split('\n')
  expect(head).toMatch(/,set,disagreement,out_of_distribution,abstain$/)
  expect(lines).toHaveLength(59)
  for (const [set, disagreement, odd] of lines.map((line) => line.split(',').slice(-4))) {
    expect(set).toMatch(/case|control/)
    expect(Number(disagreement)).toBeGreaterThanOrEqual(0)
    expect(odd).toMatch(/^[01]$/)
  }
  const wrong = await metafusion(root, 'predict', 'study.safetensors', 'study', '--out', 'q.csv', '--level', '9')
  expect(wrong).toMatchObject({ code: 2, stderr: 'metafusion: --level is "9": give a share between 0 and 1, as 0.9\n' })
})

test('evaluate --ci, --by, --threshold, --decision-curve and --compare', async () => {
  const own = ['evaluate', 'study.safetensors', 'study', '--json']
  const words = [
    '--ci',
    '0.9',
    '--by',
    'sex',
    '--threshold',
    '0.4',
    '--positive',
    'case',
    '--decision-curve',
    '--compare',
    'study.safetensors',
  ]
  const { code, stdout, stderr } = await metafusion(root, ...own, ...words)
  expect(code, stderr).toBe(0)
  const found = JSON.parse(stdout)
  expect(found.intervals.level).toBe(0.9)
  expect(found.by.groups.length).toBeGreaterThan(1)
  expect(found.threshold).toMatchObject({ positive: 'case', threshold: 0.4 })
  expect(found.decisionCurve).toHaveLength(99)
  expect(found.comparison.mcnemar.p).toBe(1)
  const other = await metafusion(root, 'evaluate', 'study.safetensors', 'study', '--compare', 'scored.safetensors')
  expect(other.code).toBe(1)
  expect(other.stderr).toMatch(/^metafusion: scored\.safetensors predicts .*: compare models of the same outcome\n$/)
})

test('robustness scores test rows that are spoilt in every way', async () => {
  const words = ['robustness', 'study.safetensors', 'study', '--repeats', '2']
  const { code, stdout, stderr } = await metafusion(root, ...words)
  expect(code, stderr).toBe(0)
  for (const name of ['as they are', 'without blood', 'mri with noise of 2 sd', 'blood of other subjects', 'conflicting views'])
    expect(stdout).toMatch(new RegExp(`^${name} `, 'm'))
  expect((await metafusion(root, ...words)).stdout).toBe(stdout)
  const { conditions } = JSON.parse((await metafusion(root, ...words, '--json')).stdout)
  const suspected = (name: string) => conditions.find((c: { name: string }) => c.name === name).scores.suspected.mean
  expect(stdout).toMatch(/ suspected$/m)
  // Nothing is left to contradict one modality.
  expect(suspected('without blood')).toBe(0)
  for (const name of ['as they are', 'blood of other subjects']) {
    expect(suspected(name)).toBeGreaterThanOrEqual(0)
    expect(suspected(name)).toBeLessThanOrEqual(1)
  }
  expect(suspected('blood of other subjects')).toBeGreaterThanOrEqual(suspected('as they are'))
  expect(await metafusion(root, 'robustness', 'study.safetensors', 'study', '--repeats', '0')).toMatchObject({ code: 2 })
})

test('cross-validate tests every subject once in a repetition, and says what each was predicted', async () => {
  const words = [
    'cross-validate',
    'study',
    '--folds',
    '3',
    '--config',
    'quick.json',
    '--baselines',
    'ridge',
    '--out',
    'cv.csv',
    '--json',
  ]
  const { code, stdout, stderr } = await metafusion(root, ...words)
  expect(code, stderr).toBe(0)
  const found = JSON.parse(stdout)
  expect(found.splits).toBe(3)
  expect(found.methods.map((m: { name: string }) => m.name)).toContain('ridge')
  expect(found.methods[0].scores.accuracy.n).toBe(3)
  const lines = readFileSync(join(root, 'cv.csv'), 'utf8').trimEnd().split('\n').slice(1)
  expect(new Set(lines.map((line) => line.split(',')[1])).size).toBe(59)
  expect(lines).toHaveLength(59)
  expect(await metafusion(root, 'cross-validate', 'study', '--folds', '1')).toMatchObject({ code: 2 })
})
