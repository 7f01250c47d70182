import { describe, expect, test } from 'vitest'
import { extractorName } from '../../src/fusion/extractor.ts'
import { studentOf } from '../../src/fusion/student.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { groupOf, type Setting, settingOf } from '../../src/train/setting.ts'
import { finish } from '../finish.ts'
import { module, QUICK, ROWS, SOME, SPLITS, type Study, scrambled, study, train } from '../recipe/studies.ts'
import { specOf } from './cohort.ts'
import { network } from './reference.ts'

const CUTS: TrainConfig = {
  ...QUICK,
  extractors: {
    scan: ['skip', 'sliced(6)', 'sliced(6,4,2)', 'frozen-sliced(6,4)'],
    visit: ['skip', 'frozen-sliced(3)'],
    '*': ['skip', 'raw'],
  },
}
const settle = ({ data, splits }: Study, config: TrainConfig = {}): Setting =>
  finish(settingOf(module, data, splits, { ...CUTS, ...config }))
const given = study({ task: 'classification', present: SOME })
const setting = settle(given)

/** Rows of a source, and which of them have the modality. */
const rowsOf = ({ session, sources }: Setting, name: string) => {
  const { at, width } = sources.get(name)!
  return Array.from({ length: ROWS }, (_, row) => Array.from(session.memory.f32(at + 4 * row * width, width)))
}

test('one network for each modality that is cut, as deep as its longest cut', () => {
  expect([...setting.networks.keys()]).toEqual([0, 1])
  expect(setting.networks.get(0)).toHaveLength(9 * 6 + 7 * 4 + 5 * 2 + 3 * 3)
  expect(setting.networks.get(1)).toHaveLength(5 * 3 + 4 * 3)
})

test('a frozen cut is the network up to its last width, activated, on all rows', () => {
  const block = setting.networks.get(0)!
  const [raw, cut] = [rowsOf(setting, '0:raw'), rowsOf(setting, '0:frozen-sliced(6,4)')]
  raw.forEach((row, i) => {
    const expected = network(row, [8, 6, 4], 'relu', block).map((v) => Math.max(v, 0))
    for (const [d, v] of expected.entries()) expect(Math.abs(cut[i][d] - v)).toBeLessThan(1e-5)
  })
  expect(cut.flat().some((v) => v > 0)).toBe(true)
})

test('frozen layers reach no deeper than a frozen cut, and are in no block', () => {
  expect(setting.projections.map(({ modality, name }) => `${modality}:${name}`)).toEqual([
    '0:frozen-sliced(6)',
    '0:frozen-sliced(6,4)',
    '1:frozen-sliced(3)',
  ])
  const names = studentOf(specOf('frozen-sliced(6,4) frozen-sliced(3) raw', 3), setting.features).layout.tensors.map(
    (t) => t.name,
  )
  expect(names).toEqual(['head.0.weight', 'head.0.bias'])
})

describe('students of a cut', () => {
  const specs = ['sliced(6,4,2) skip skip', 'sliced(6) skip raw'].map((e) => specOf(e, 3, { hidden: [8] }))
  const sizes = [9 * 6 + 7 * 4 + 5 * 2, 9 * 6]

  test('start from copies of what the network learned', () => {
    const { starts } = groupOf(settle(given), specs)
    starts.forEach(({ block }, i) => {
      expect(block.slice(0, sizes[i])).toEqual(setting.networks.get(0)!.slice(0, sizes[i]))
    })
  })

  test('learn on, each for itself, while frozen layers stay as they are', () => {
    const { model } = train(given, CUTS)
    const of = (name: string) => model.students.find((s) => s.name === name)!.block.slice(0, sizes[1])
    const begun = setting.networks.get(0)!.slice(0, sizes[1])
    expect(of('scan:sliced(6)')).not.toEqual(begun)
    expect(of('scan:sliced(6)')).not.toEqual(of('scan:sliced(6)+lab:raw'))
    expect(model.projections).toEqual(setting.projections)
  })
})

describe('what a network learns', () => {
  const blocks = (s: Setting) => [...s.networks.values()]

  test('depends neither on the students nor on how they are trained', () => {
    const other = { rho: [5], budget: 3, head: [3, 3], warmStart: 'all', teaching: { teachers: 'best' } } as const
    expect(blocks(settle(given, other))).toEqual(blocks(setting))
    expect(blocks(settle(given, { seed: 4 }))).not.toEqual(blocks(setting))
    const encoders = { scan: { epochs: 2 } }
    const [scan, visit] = blocks(settle(given, { encoders }))
    expect(scan).not.toEqual(blocks(setting)[0])
    expect(visit).toEqual(blocks(setting)[1])
  })

  test('changes no first weight of another student', () => {
    const spec = [specOf('raw raw skip', 3, { hidden: [8] }), specOf('mlp(4,2) skip raw', 3, { hidden: [8] })]
    const starts = (s: Setting) => groupOf(s, spec).starts
    expect(starts(settle(given))).toEqual(starts(settle(given, { extractors: QUICK.extractors })))
  })

  test('hangs on no test row, and on no row without the modality', () => {
    const test = new Set(SPLITS.test)
    const outside = (row: number) => test.has(row) || (!SOME(row, 0) && !SOME(row, 1))
    const other = scrambled(given, outside)
    const modalities = other.data.modalities.map((m, i) => ({
      ...m,
      present: m.present.map((v, row) => (test.has(row) ? v : given.data.modalities[i].present[row])),
    }))
    expect(blocks(settle({ ...other, data: { ...other.data, modalities } }))).toEqual(blocks(setting))
    const train = SPLITS.train.find((row) => SOME(row, 0))!
    expect(blocks(settle(scrambled(given, (row) => row === train)))[0]).not.toEqual(blocks(setting)[0])
  })

  test('is learned only where some student will use it', () => {
    const validation = new Set(SPLITS.validation)
    const lacking = study({ task: 'classification', present: (row, m) => m !== 0 || !validation.has(row) })
    const { networks, projections, specs } = settle(lacking)
    expect(specs).toHaveLength(3)
    expect([...networks.keys()]).toEqual([1])
    expect(projections.map(({ name }) => name)).toEqual(['frozen-sliced(3)'])
  })

  test('is what it began with where it diverged, and that is said', () => {
    const wild = settle(given, { encoders: { scan: { rate: 1e6, decay: 1e6 } } })
    expect(wild.notes).toEqual(['the network of "scan" that is cut diverged and is left untrained: lower its rate'])
    expect(wild.networks.get(0)!.every((v) => Math.abs(v) < 1)).toBe(true)
  })
})

test('training pauses after each batch', () => {
  const config = { ...CUTS, extractors: { scan: ['sliced(6)'], '*': ['raw'] }, encoders: { '*': { epochs: 5 } } }
  const { splits, data } = study()
  const work = settingOf(module, data, splits, config)
  let pauses = 0
  while (!work.next().done) pauses++
  expect(pauses).toBe(5 * Math.ceil(SPLITS.train.length / 16))
})

test('a cohort of nobody is refused before anything is trained', () => {
  const none = study({
    present: (row, m) => m !== 0 || SPLITS.test.includes(row) || row === SPLITS.train[0] || row === SPLITS.train[1],
  })
  const config = { ...CUTS, extractors: { scan: ['sliced(6)'], '*': ['raw'] } }
  const work = settingOf(module, none.data, none.splits, config)
  expect(() => work.next()).toThrow(/^no student has both a training row and a validation row/)
})

describe('rows that a PCA is fitted on', () => {
  const extractors = { scan: ['pca(2)'], '*': ['raw'] }
  const weight = (of: Study, pcaRows?: TrainConfig['pcaRows']) => settle(of, { extractors, pcaRows }).projections[0].weight
  const complete = study()
  const validation = new Set(SPLITS.validation)
  const test_ = new Set(SPLITS.test)

  test('are those of training, or with validation as in the authors’ code', () => {
    expect(weight(complete)).toEqual(weight(complete, 'train'))
    expect(weight(complete, 'train+validation')).not.toEqual(weight(complete, 'train'))
    const other = scrambled(complete, (row) => validation.has(row))
    const there = {
      ...other,
      data: {
        ...other.data,
        modalities: other.data.modalities.map((m, i) => ({ ...m, present: complete.data.modalities[i].present })),
      },
    }
    expect(weight(there, 'train')).toEqual(weight(complete, 'train'))
    expect(weight(there, 'train+validation')).not.toEqual(weight(complete, 'train+validation'))
  })

  test('are never those of testing', () => {
    expect(
      weight(
        scrambled(complete, (row) => test_.has(row)),
        'train+validation',
      ),
    ).toEqual(weight(complete, 'train+validation'))
  })
})

test('the names of cuts are those of their students', () => {
  const names = setting.specs.map((spec) => spec.extractors.map(extractorName).join(' '))
  expect(names).toHaveLength(4 * 2 * 2 - 1)
  expect(names).toContain('sliced(6,4,2) frozen-sliced(3) raw')
})
