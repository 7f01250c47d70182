// A step in which rows lose modalities is the step of a cohort whose rows never had them.

import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/core/errors.ts'
import { lose, needsOf } from '../../src/train/modality-dropout.ts'
import { rowWeightsOf } from '../../src/train/row-weights.ts'
import { mutual } from '../../src/train/sharing.ts'
import { planOf, trainBatch, validate } from '../../src/train/step.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { SOME, study, train } from '../recipe/studies.ts'
import { alone, begin, blocksOf, held, type Making, make, PLAIN, shared, specOf } from './cohort.ts'

const specs = ['raw skip skip', 'skip raw skip', 'raw raw skip', 'mlp(5,2) raw raw', 'skip skip raw', 'raw skip raw'].map((e) =>
  specOf(e, 3, { hidden: [6], activation: 'tanh' }),
)
const rows = 40
const patterns = Array.from({ length: rows }, (_, row) => ['111', '110', '011', '001'][row % 4])
const making: Making = { specs, features: [4, 3, 2], rows, task: 'classification', patterns }
const rate = 0.4

/** The same cohort, whose rows lose modalities. */
function losing(made: ReturnType<typeof make>) {
  const random = randomFrom(made.problem.session, 9)
  return { ...made.problem, losing: { rate, random, patterns, needs: specs.map(needsOf) } }
}

/** What is left of each pattern, by the rule: a modality goes where its number is below the rate; one always stays. */
function left(problem: ReturnType<typeof losing>, batch: string): string[] {
  const draws = problem.losing.random.fork(batch).uniform(rows * 3, 0, 1)
  return patterns.map((pattern, row) => {
    const mine = [0, 1, 2].filter((m) => pattern[m] === '1')
    const draw = (m: number) => draws[3 * row + m]
    const most = mine.reduce((best, m) => (draw(m) > draw(best) ? m : best))
    return [0, 1, 2].map((m) => (mine.includes(m) && (draw(m) >= rate || m === most) ? '1' : '0')).join('')
  })
}

describe.each([
  ['alone', alone(6)],
  ['with teachers', shared(0.8, 0.25, 0, 0.25, 0.5, 0, 0)],
])('%s', (_, sharing) => {
  test('a step has the gradients of rows that are without what they lost', () => {
    const made = make(making)
    const problem = losing(made)
    const blocks = blocksOf(problem)
    const step = (of: typeof made.problem) => {
      const plan = planOf(of, rows)
      begin(plan, blocks)
      const { seen } = trainBatch(plan, of.train, mutual(plan, sharing), PLAIN, '3 1')
      return { gradients: held(plan, 'first'), seen: seen.map((s) => s.rows) }
    }
    const without = make({ ...making, patterns: left(problem, '3 1'), tables: made.tables, target: made.target })
    const found = step(problem)
    expect(found).toEqual(step(without.problem))
    expect(found).not.toEqual(step(made.problem))
    expect(found.seen.every((count) => count > 0)).toBe(true)
  })
})

test('after a step every row is seen as before, and validation loses nothing', () => {
  const made = make({ ...making, train: 30 })
  const losses = (problem: typeof made.problem) => {
    const plan = planOf(problem, rows)
    begin(plan, blocksOf(problem))
    trainBatch(plan, problem.train, mutual(plan, alone(6)), { ...PLAIN, rate: 0 }, '1 0')
    return validate(plan, problem.validation, mutual(plan, alone(6))).task
  }
  expect(losses(losing(made))).toEqual(losses(made.problem))
})

test('modalities go as often as they should, others in each batch, and every row keeps one', () => {
  const made = make({ ...making, patterns: patterns.map(() => '111') })
  const problem = { ...losing(made), losing: { ...losing(made).losing, patterns: patterns.map(() => '111') } }
  const weights = rowWeightsOf(problem, rows)
  const alone = weights.groups.filter(({ needs }) => needs.length === 1 && needs[0].length === 1)
  expect(alone).toHaveLength(3)
  const seen = new Set<string>()
  let gone = 0
  for (let batch = 0; batch < 200; batch++) {
    const restore = lose(problem.losing, weights.groups, problem.train, `${batch}`)
    const now = alone.map(({ sees }) => Array.from(sees))
    for (let row = 0; row < rows; row++) expect(now.some((sees) => sees[row])).toBe(true)
    gone += now.flat().filter((v) => !v).length
    seen.add(String(now))
    restore()
  }
  expect(seen.size).toBe(200)
  // Of three, all would be lost with rate³; then one stays.
  const expected = 200 * rows * (3 * rate - rate ** 3)
  expect(Math.abs(gone - expected) / expected).toBeLessThan(0.02)
})

describe('as a setting', () => {
  const given = study({ task: 'classification', present: SOME })
  const config = { epochs: 4, baselines: ['early-fusion'], extractors: { '*': ['skip', 'raw'] } }

  test('changes the cohort and no baseline', () => {
    const [plain, lossy] = [0, 0.3].map((modalityDropout) => train(given, { ...config, modalityDropout }))
    expect(lossy.model.students.map((s) => s.block)).not.toEqual(plain.model.students.map((s) => s.block))
    expect(lossy.rivals[0].model.students).toEqual(plain.rivals[0].model.students)
    expect(plain.model.students).toEqual(train(given, config).model.students)
  })

  test('is a share', () => {
    expect(() => train(given, { ...config, modalityDropout: 1 })).toThrow(ConfigError)
  })
})
