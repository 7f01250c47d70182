import { describe, expect, test } from 'vitest'
import { deviations } from '../../src/fusion/assess.ts'
import { bound, type Calibration } from '../../src/fusion/calibration.ts'
import { believe, type Doubt } from '../../src/fusion/doubt.ts'
import { calibrate } from '../../src/train/calibrate.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module } from '../recipe/studies.ts'
import { specOf } from './cohort.ts'

const session = openTrainSession(module)
const PATTERNS = ['11', '10', '01']
/** Students look at the first modality, at the second, and at both. */
const ensembles = {
  patterns: PATTERNS,
  weights: { greedy: [Float32Array.of(0.2, 0.2, 0.6), Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)] },
  average: 'logits' as const,
}

const students = ['raw skip', 'skip raw', 'raw raw'].map((extractors) => ({
  spec: { ...specOf(extractors, 1), outputs: 1 },
  loss: 1,
}))

/** Rows of two views of an outcome, a third of them without one of the views, and what three students say of them. */
function draw(n: number, seed: number, task: 'classification' | 'regression', doubt?: Doubt) {
  const random = randomFrom(session, seed)
  const truth = random.fork('truth').normal(n)
  const [a, b] = ['a', 'b'].map((name) => random.fork(name).normal(n))
  const missing = random.fork('missing').uniform(n, 0, 1)
  const patterns = Array.from(missing, (u) => (u < 0.17 ? '10' : u < 0.34 ? '01' : '11'))
  const views = [truth.map((v, i) => v + a[i]), truth.map((v, i) => v + 1.5 * b[i])]
  const classes = task === 'classification'
  const D = classes ? 2 : 1
  const outputs = new Float32Array(3 * n * D)
  for (let i = 0; i < n; i++) {
    const said = [0.5 * views[0][i], 0.3 * views[1][i], 0.45 * views[0][i] + 0.2 * views[1][i]]
    said.forEach((v, k) => {
      outputs.set(classes ? [0, 2 * v] : [v], (k * n + i) * D)
    })
  }
  const toss = random.fork('label').uniform(n, 0, 1)
  const labels = Int32Array.from(truth, (v, i) => (toss[i] < 1 / (1 + Math.exp(-2 * v + 1)) ? 1 : 0))
  return {
    outputs,
    target: classes ? labels : truth,
    width: D,
    patterns,
    combining: { students, ensembles: { ...ensembles, ...(doubt ? { doubt } : {}) }, best: 3 },
    rule: 'greedy' as const,
    source: 'held' as const,
  }
}

type Drawn = ReturnType<typeof draw>

function calibrated(drawn: Drawn): Calibration {
  const work = calibrate(session, drawn, [[1], [1]])
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value as Calibration
}

/** How far off the ensemble is on row i, by the definition. */
function score({ outputs, target, width: D, patterns, combining }: Drawn, i: number, floor: ArrayLike<number>): number {
  const n = patterns.length
  const weights = ensembles.weights.greedy[PATTERNS.indexOf(patterns[i])]
  const said = (d: number) => weights.reduce((sum, w, k) => sum + w * outputs[(k * n + i) * D + d], 0)
  if (target instanceof Int32Array) {
    const { doubt } = combining.ensembles
    const chances = (mine: Float32Array) => {
      const odds = Math.exp(mine.reduce((sum, w, k) => sum + w * (outputs[(k * n + i) * D + 1] - outputs[(k * n + i) * D]), 0))
      return [1 / (1 + odds), odds / (1 + odds)]
    }
    const all = chances(weights)
    if (!doubt || patterns[i] !== '11') return 1 - all[target[i]]
    // Each modality is what is left without the other.
    const [first, second] = [1, 2].map((p) => chances(ensembles.weights.greedy[p]))
    const asked = Float32Array.from([all, first, second, second, first].flat())
    believe(asked, 0, doubt, 1, 2, 2, new Float64Array(2))
    return 1 - asked[target[i]]
  }
  const all = Float32Array.from(weights, (_, k) => outputs[k * n + i])
  return Math.abs(target[i] - said(0)) / (deviations(all, weights, 1)[0] + floor[0])
}

/** The most that a binomial count of so many tosses strays from its mean, but once in some 10 000 times. */
const band = (tosses: number, p: number) => 4 * Math.sqrt((p * (1 - p)) / tosses)

describe.each([
  ['classification', undefined],
  ['classification', { chance: 0.3, caution: 1, prior: Float32Array.of(0.6, 0.4) }],
  ['regression', undefined],
] as const)('%s, doubt %j, 200 repetitions', (task, doubt) => {
  const repetitions = Array.from({ length: 200 }, (_, seed) => ({
    calibration: calibrated(draw(240, 2 * seed + 1, task, doubt)),
    fresh: draw(40, 2 * seed + 2, task, doubt),
  }))

  test.each([0.8, 0.9, 0.95])('bounds hold so often at %f, of every class and with modalities missing', (level) => {
    const counts = new Map<string, { held: number; all: number; rows: number[] }>()
    for (const { calibration, fresh } of repetitions) {
      fresh.patterns.forEach((pattern, i) => {
        const output = fresh.target instanceof Int32Array ? fresh.target[i] : 0
        const cell = calibration.cells.find((c) => c.pattern === pattern && c.output === output)!
        const key = `${pattern} ${output}`
        const count = counts.get(key) ?? { held: 0, all: 0, rows: [] }
        if (score(fresh, i, calibration.floor) <= bound(cell.sample, level)) count.held++
        count.all++
        count.rows.push(cell.sample.rows)
        counts.set(key, count)
      })
    }
    expect(counts.size).toBe(task === 'classification' ? 6 : 3)
    for (const [key, { held, all, rows }] of counts) {
      // Rows of a repetition share their calibration, whose own luck is Beta distributed: both are in the band.
      const n = rows.reduce((sum, v) => sum + v, 0) / rows.length
      const luck = 4 * Math.sqrt((level * (1 - level)) / (n + 2) / 200)
      expect(held / all, key).toBeGreaterThan(level - band(all, level) - luck)
      expect(held / all, key).toBeLessThan(level + 1 / n + band(all, level) + luck)
    }
  })
})

test('each cell has the rows of its class that have the modalities of its pattern', () => {
  const drawn = draw(90, 5, 'classification')
  const { cells, disagreement, floor } = calibrated(drawn)
  for (const { pattern, output, sample } of cells) {
    const rows = drawn.patterns.filter(
      (row, i) => drawn.target[i] === output && [...pattern].every((v, m) => v === '0' || row[m] === '1'),
    )
    expect(sample.rows).toBe(rows.length)
  }
  expect(cells).toHaveLength(6)
  expect(disagreement.rows).toBe(90)
  expect(floor).toHaveLength(0)
})

test('votes and stacking have none, nor has who has no rows', () => {
  const drawn = draw(20, 5, 'classification')
  expect(calibrated({ ...drawn, rule: 'majority-vote' as never })).toBeUndefined()
  expect(calibrated({ ...drawn, rule: 'stacking' as never })).toBeUndefined()
  expect(calibrated({ ...drawn, patterns: [], outputs: new Float32Array(), target: new Int32Array() })).toBeUndefined()
})
