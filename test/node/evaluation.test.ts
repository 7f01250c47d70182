import { describe, expect, test } from 'vitest'
import { decisionsOf, duel, intervalsOf, positiveClass, type Scored, subgroupsOf, thresholdOf } from '../../node/evaluation.ts'
import { evaluationLines } from '../../node/evaluation-lines.ts'
import type { Dataset } from '../../src/data/dataset.ts'
import { modality } from '../../src/data/dataset.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { numbers } from '../kernels/harness.ts'

const N = 80
const random = numbers(17)
const labels = Int32Array.from({ length: N }, (_, i) => (i % 4 === 0 ? 1 : 0))
const rows = Int32Array.from({ length: N - 10 }, (_, i) => i + 5)
const age = Float64Array.from({ length: N }, (_, i) => (i === 9 ? Number.NaN : 30 + ((i * 7) % 40)))
const visit = modality(
  'visit',
  age,
  ['age'],
  Uint8Array.from({ length: N }, (_, i) => (i === 20 ? 0 : 1)),
)
const data: Dataset = {
  ids: Array.from(labels, (_, i) => `s${i}`),
  modalities: [
    {
      ...visit,
      columns: [...visit.columns, { kind: 'category', name: 'sex', codes: labels.map((_, i) => i % 2), levels: ['f', 'm'] }],
    },
    modality('scan', random.f64(N), ['age']),
  ],
  target: { task: 'classification', classes: ['well', 'ill'], labels },
}

/** Predictions of the rows, better the stronger; one row is not predicted. */
function said(strength: number): Prediction {
  const values = new Float64Array(2 * rows.length)
  const noise = random.f64(rows.length, 0, 1)
  rows.forEach((row, i) => {
    const p = i === 3 ? Number.NaN : (noise[i] + strength * labels[row]) / (1 + strength)
    values.set([1 - p, p], 2 * i)
  })
  const predicted = Int32Array.from(rows, (_, i) => (Number.isNaN(values[2 * i]) ? -1 : values[2 * i + 1] > 0.5 ? 1 : 0))
  const patterns = [{ missing: [], students: [] }]
  return {
    ids: Array.from(rows, (row) => `s${row}`),
    outputs: ['well', 'ill'],
    values,
    labels: predicted,
    patternOf: new Int32Array(rows.length),
    patterns,
  }
}

const scored: Scored = { data, rows, prediction: said(0.4) }

test('intervals hold the scores they are of, and only grow with the level', () => {
  const scores = evaluate(scored.prediction, data.target, rows) as unknown as Record<string, number>
  const [narrow, wide] = [intervalsOf(scored, 0.5), intervalsOf(scored, 0.99)]
  expect(Object.keys(wide).sort()).toEqual(
    Object.keys(scores)
      .filter((key) => key !== 'rows')
      .sort(),
  )
  for (const [key, { low, high }] of Object.entries(wide)) {
    // ECE of a draw is larger than that of the rows: chance adds to gaps.
    if (key !== 'ece') expect(low <= scores[key] && scores[key] <= high, key).toBe(true)
    expect(narrow[key].high - narrow[key].low).toBeLessThan(high - low)
  }
})

describe('groups', () => {
  test('of a category are its levels, of many numbers thirds, and rows without it are a group too', () => {
    expect(subgroupsOf(scored, 'sex', 0.9).map(({ name, rows: n }) => [name, n])).toEqual([
      ['f', 33],
      ['m', 35],
      ['not known', 1],
    ])
    const thirds = subgroupsOf(scored, 'visit.age', 0.9)
    expect(thirds.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^below/),
      expect.stringMatching(/ to /),
      expect.stringMatching(/^from/),
      'not known',
    ])
    expect(thirds.reduce((sum, { rows: n }) => sum + n, 0)).toBe(69)
    expect(thirds[3].rows).toBe(2)
    for (const { rows: n } of thirds.slice(0, 3)) expect(n).toBeGreaterThan(15)
  })

  test('have the scores of their rows alone', () => {
    const [f] = subgroupsOf(scored, 'sex', 0.9)
    const mine = rows.filter((row, i) => row % 2 === 0 && row !== 20 && i !== 3)
    const right = mine.filter((row) => scored.prediction.labels![rows.indexOf(row)] === labels[row])
    expect((f.test as { accuracy: number }).accuracy).toBeCloseTo(right.length / mine.length, 12)
  })

  test('refused: a column that nobody or more than one has', () => {
    expect(() => subgroupsOf(scored, 'height', 0.9)).toThrow(
      '--by is "height" and no modality has such a column: give one of theirs',
    )
    expect(() => subgroupsOf(scored, 'age', 0.9)).toThrow('--by is "age" and there are several: give "visit.age", "scan.age"')
  })
})

describe('thresholds', () => {
  test('count the rows that can be scored', () => {
    const { counts } = thresholdOf(scored, 1, 0.5)
    expect(counts.tp + counts.fp + counts.fn + counts.tn).toBe(69)
    const mirrored = thresholdOf(scored, 0, 0.5)
    expect(mirrored.counts.tp + mirrored.counts.fn).toBe(counts.tn + counts.fp)
    expect(decisionsOf(scored, 1)).toHaveLength(99)
  })

  test('are of the second of two classes, or as asked', () => {
    expect(positiveClass(scored, undefined)).toBe(1)
    expect(positiveClass(scored, 'well')).toBe(0)
    expect(() => positiveClass(scored, 'odd')).toThrow('--positive is "odd": give one of the classes "well", "ill"')
    const three = { ...scored, prediction: { ...scored.prediction, outputs: ['a', 'b', 'c'] } }
    expect(() => positiveClass(three, undefined)).toThrow(/which of 3 classes is meant: give --positive/)
  })
})

describe('two models', () => {
  test('differ by nothing from themselves', () => {
    const { differences, roc, mcnemar } = duel(scored, scored.prediction, 0.95)
    for (const { difference, low, high } of Object.values(differences)) expect([difference, low, high]).toEqual([0, 0, 0])
    expect([roc?.p, mcnemar?.p]).toEqual([1, 1])
  })

  test('differ where one is clearly better, beyond chance', () => {
    const { differences, roc, mcnemar, rows: n } = duel({ ...scored, prediction: said(3) }, said(0), 0.95)
    expect(n).toBe(69)
    expect(differences.auc.low).toBeGreaterThan(0)
    expect(roc!.p).toBeLessThan(0.001)
    expect(mcnemar!.p).toBeLessThan(0.001)
    expect(roc!.difference).toBeCloseTo(differences.auc.difference, 12)
  })
})

test('all of it can be said in lines', () => {
  const test = evaluate(scored.prediction, data.target, rows)
  const lines = evaluationLines(
    { name: 'meta-fusion', test },
    {
      intervals: { level: 0.95, scores: intervalsOf(scored, 0.95) },
      by: { column: 'sex', level: 0.95, groups: subgroupsOf(scored, 'sex', 0.95) },
      threshold: { positive: 'ill', ...thresholdOf(scored, 1, 0.4) },
      decisionCurve: decisionsOf(scored, 1),
      comparison: { model: 'other', level: 0.95, ...duel(scored, said(0), 0.95) },
    },
  )
  const text = lines.join('\n')
  expect(text).toMatch(/^accuracy +0\.\d{4} \(0\.\d{4} to [01]\.\d{4}\)$/m)
  expect(text).toMatch(/^sensitivity +0\.\d{3} \(\d+ of \d+\)$/m)
  expect(text).toMatch(/^0\.5 +-?0\.\d{3} +-?0\.\d{3}$/m)
  expect(text).toMatch(/^DeLong's test of the areas: p = /m)
  expect(text).toMatch(/^f +33 /m)
})
