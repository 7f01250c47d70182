import { describe, expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { modality } from '../../src/data/dataset.ts'
import { findLeaks } from '../../src/data/leakage.ts'
import { numbers } from '../kernels/harness.ts'
import { SPLITS, study, train } from '../recipe/studies.ts'

const { data } = study({ task: 'classification' })
const regression = study().data
const labels = data.target.task === 'classification' ? data.target.labels : new Int32Array()
const values = regression.target.task === 'regression' ? regression.target.values : new Float64Array()
const with_ = (of: Dataset, column: Float64Array): Dataset => ({
  ...of,
  modalities: [...of.modalities, modality('extra', column, ['x'])],
})
const found = (of: Dataset) => findLeaks(of, SPLITS).map(({ kind, severity, sentence }) => [kind, severity, sentence])
const noise = numbers(3).f64(150)

test('nothing in studies without a leak', () => {
  expect(found(data)).toEqual([])
  expect(found(regression)).toEqual([])
})

describe('the outcome among the features', () => {
  test('as a value for each class, whatever it is called: refused', () => {
    const coded = Float64Array.from(labels, (label) => [7, -1, 3][label])
    expect(found(with_(data, coded))).toEqual([
      ['target-column', 'refused', expect.stringMatching(/^"x" of "extra" has one value for each class: leave/)],
    ])
    expect(() => train({ data: with_(data, coded), splits: SPLITS }, { epochs: 1 })).toThrow(
      /^"x" of "extra" has one value for each class/,
    )
    const allowed = train(
      { data: with_(data, coded), splits: SPLITS },
      { epochs: 1, baselines: false, rho: [0], allowLeakage: true },
    )
    expect(allowed.model.provenance.notes.join()).toContain('has one value for each class')
  })

  test('as a number that parts the classes: a warning', () => {
    const parting = Float64Array.from(labels, (label, i) => 10 * label + noise[i])
    expect(found(with_(data, parting))).toEqual([
      ['target-ranked', 'warned', expect.stringContaining('parts the classes without an error')],
    ])
    parting[SPLITS.train[3]] += 10
    expect(found(with_(data, parting))).toEqual([])
  })

  test('as a number that is it or follows it', () => {
    expect(
      found(
        with_(
          regression,
          values.map((v) => 3 - 2 * v),
        ),
      )[0].slice(0, 2),
    ).toEqual(['target-column', 'refused'])
    expect(
      found(
        with_(
          regression,
          values.map((v, i) => v + 0.02 * noise[i]),
        ),
      )[0].slice(0, 2),
    ).toEqual(['target-ranked', 'warned'])
    expect(
      found(
        with_(
          regression,
          values.map((v, i) => v + noise[i]),
        ),
      ),
    ).toEqual([])
  })

  test('in test rows alone is none of the training', () => {
    const late = Float64Array.from(labels, (label, i) => (SPLITS.test.includes(i) ? label : noise[i]))
    expect(found(with_(data, late))).toEqual([])
  })
})

test('a test row with the features of a training row: a warning that names both', () => {
  const [row, other] = [SPLITS.test[2], SPLITS.train[5]]
  const copied = {
    ...data,
    modalities: data.modalities.map((m) => ({
      ...m,
      columns: m.columns.map((c) =>
        c.kind === 'number'
          ? { ...c, values: c.values.map((v, i) => (i === row ? c.values[other] : v)) }
          : { ...c, codes: c.codes.map((v, i) => (i === row ? c.codes[other] : v)) },
      ),
    })),
  }
  expect(found(copied)).toEqual([
    [
      'duplicate-rows',
      'warned',
      `1 test row has the very features of a training row ("s${row}" those of "s${other}"): if they are the same subject, give them one group`,
    ],
  ])
})

test('what test rows hold changes no bit of a model', () => {
  const changed = {
    ...data,
    modalities: data.modalities.map((m) => ({
      ...m,
      columns: m.columns.map((c) =>
        c.kind === 'number' ? { ...c, values: c.values.map((v, i) => (SPLITS.test.includes(i) ? 1e3 - v : v)) } : c,
      ),
    })),
  }
  const learn = (of: Dataset) => train({ data: of, splits: SPLITS }, { epochs: 3, baselines: false }).model
  const [a, b] = [learn(data), learn(changed)]
  expect([b.preparations, b.projections, b.students, b.ensembles]).toEqual([
    a.preparations,
    a.projections,
    a.students,
    a.ensembles,
  ])
})
