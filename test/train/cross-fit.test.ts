import { describe, expect, test } from 'vitest'
import { crossFolds, trainStage } from '../../src/train/cross-fit.ts'
import { juryOf } from '../../src/train/ensembling.ts'
import { judgedRows } from '../../src/train/judged.ts'
import { BY_CLUSTER } from '../../src/train/mutual.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs, judgedOutputs } from '../../src/train/outputs.ts'
import type { Problem } from '../../src/train/problem.ts'
import { foldOutputs, type Grid } from '../../src/train/rho.ts'
import { runStage, type Stage, type StageResult } from '../../src/train/stage.ts'
import { alone, type Plan, planOf } from '../../src/train/step.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module } from '../recipe/studies.ts'
import { blocksOf, type Making, make, specOf } from './cohort.ts'

const ROWS = 40
const trained = [specOf('raw skip', 3, { hidden: [6] }), specOf('raw raw', 3, { hidden: [5] })]
const specs = [...trained, specOf('raw raw', 3), specOf('raw skip', 3), specOf('raw raw', 3, { hidden: [24] })]
const SOLVED = [undefined, undefined, 'ridge', 'lasso', 'random'] as const
const making: Making = { specs, features: [5, 4], rows: ROWS, task: 'classification' }
const all = Int32Array.from({ length: ROWS }, (_, row) => row)
const folds = [0, 1, 2, 3].map((f) => all.filter((row) => row % 4 === f))

/** A problem whose rows are all for training and for judging, in folds; students of each kind are solved. */
const crossed = (more: Partial<Making> = {}): Problem => ({
  ...make({ ...making, ...more }).problem,
  train: all,
  validation: all,
  folds,
  solved: SOLVED,
})

const stageOf = (plan: Plan, more: Partial<Stage> = {}): Stage => ({
  rho: 0,
  objective: () => alone(plan),
  epochs: 12,
  batch: 8,
  optimizer: { ...ADAM, rate: 0.03 },
  starts: blocksOf(plan.problem).map((block) => ({ block })),
  order: (epoch) => all.map((row) => (7 * row + 3 * epoch) % ROWS),
  keepMoments: false,
  scaled: true,
  ...more,
})

function run<T>(work: Generator<unknown, T>): T {
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}

const fitted = (problem: Problem, more: Partial<Stage> = {}): { plan: Plan; result: StageResult } => {
  const plan = planOf(problem, 64)
  return { plan, result: run(trainStage(plan, stageOf(plan, more))) }
}

describe.each([
  ['classification', {}],
  ['regression', { task: 'regression' }],
  [
    'classification with modalities missing',
    { patterns: Array.from({ length: ROWS }, (_, i) => ['11', '10', '11', '11', '11', '01'][i % 6]) },
  ],
] as [string, Partial<Making>][])('%s', (_, more) => {
  const { plan, result } = fitted(crossed(more))

  test('says of each row what copies say that were trained without its fold', () => {
    // The same stage by hand for the first student: without each fold, as long as it was found to be best.
    const held = folds[1]
    const part = planOf({ ...crossed(more), folds: undefined, solved: undefined, validation: held }, 64)
    const until = result.bestEpoch[0]
    const order = stageOf(part).order
    const copy = run(
      runStage(part, {
        ...stageOf(part, { keep: new Int32Array(specs.length).fill(until) }),
        order: (epoch) => order(epoch).filter((row) => !held.includes(row)),
      }),
    )
    const expected = cohortOutputs(part, copy.best, held)
    const found = judgedOutputs(plan, result, held)
    const D = plan.problem.target.outputs
    const seen = Array.from(held.keys()).filter((b) => plan.problem.sees[0][held[b]])
    const scale = found[seen[0] * D] / expected[seen[0] * D]
    for (const b of seen) {
      for (let d = 0; d < D; d++) expect(found[b * D + d]).toBeCloseTo(scale * expected[b * D + d], 4)
    }
  })

  test('is judged by what it says: its losses are those of its outputs out of fold', () => {
    result.losses.forEach((loss, i) => {
      const rows = all.filter((row) => plan.problem.sees[i][row])
      const jury = juryOf(plan.problem.session, judgedRows(plan, result, rows))
      jury.close()
      expect(jury.losses[i]).toBeCloseTo(loss, 5)
    })
  })

  test('leaves students trained on all rows, for as long as their copies did best', () => {
    const whole = planOf({ ...crossed(more), folds: undefined, solved: undefined }, 64)
    const again = run(runStage(whole, stageOf(whole, { keep: result.bestEpoch })))
    for (const i of [0, 1]) {
      const [mine, expected] = [result.best[i].block, again.best[i].block]
      const { layout } = whole.problem.students[i]
      const last = layout.tensors.at(-2)!.offset
      expect(mine.subarray(0, last)).toEqual(expected.subarray(0, last))
      const scale = mine[last] / expected[last]
      for (let j = last; j < mine.length; j++) expect(mine[j]).toBeCloseTo(scale * expected[j], 5)
    }
  })

  test('does not move who is solved', () => {
    const longer = fitted(crossed(more), { epochs: 3 }).result
    for (const i of [2, 3, 4]) expect(longer.best[i].block).toEqual(result.best[i].block)
    for (const i of [2, 3, 4]) expect(result.bestEpoch[i]).toBe(1)
  })

  test('gives the same bits again', () => {
    expect(fitted(crossed(more)).result).toEqual(result)
  })
})

test('the label of a row changes nothing of what is said of it', () => {
  const target = Int32Array.from({ length: ROWS }, (_, i) => i % 3)
  const other = target.slice()
  other[folds[2][0]] = (other[folds[2][0]] + 1) % 3
  const once = { epochs: 1, scaled: false }
  // The penalty of a solved student is chosen by all labels: of the trained ones nothing is.
  const [a, b] = [target, other].map((labels) => fitted({ ...crossed({ target: labels }), solved: undefined }, once))
  const said = [a, b].map(({ plan, result }) => judgedOutputs(plan, result, folds[2]))
  expect(said[0]).toEqual(said[1])
  expect(judgedOutputs(a.plan, a.result, folds[0])).not.toEqual(judgedOutputs(b.plan, b.result, folds[0]))
})

test('of repeats, what is said of a row is their mean, and so are the losses', () => {
  const others = [0, 1, 2].map((f) => all.filter((row) => Math.floor(row / 2) % 3 === f))
  const once = { epochs: 1, scaled: false }
  const of = (parts: readonly Int32Array[]) => fitted({ ...crossed(), solved: undefined, folds: parts }, once).result
  const [first, second, both] = [of(folds), of(others), of([...folds, ...others])]
  both.outOfFold?.forEach((value, at) => {
    expect(value).toBeCloseTo(((first.outOfFold?.[at] as number) + (second.outOfFold?.[at] as number)) / 2, 5)
  })
  const losses = ({ epochs }: StageResult) => epochs[0].validation.task
  losses(both).forEach((loss, i) => {
    expect(loss).toBeCloseTo((losses(first)[i] + losses(second)[i]) / 2, 5)
  })
  expect(first.outOfFold).not.toEqual(second.outOfFold)
})

test('what was solved for one ρ is taken for the next', () => {
  const plan = planOf(crossed(), 64)
  const stage = stageOf(plan, { epochs: 1 })
  const turns = (of: Stage): [number, StageResult] => {
    const work = trainStage(plan, of)
    for (let count = 1, turn = work.next(); ; count++, turn = work.next()) if (turn.done) return [count, turn.value]
  }
  const [first, screened] = turns(stage)
  const [second, shared] = turns({ ...stage, rho: 1, solutions: screened.solutions })
  expect(second).toBeLessThan(first / 2)
  for (const i of [2, 3, 4]) expect(shared.best[i].block).toEqual(screened.best[i].block)
  expect(shared.outOfFold).toEqual(screened.outOfFold)
})

test('a student that is solved without some rows knows nothing of their labels', () => {
  const left = folds[2]
  const train = all.filter((row) => row % 4 !== 3)
  const target = Int32Array.from({ length: ROWS }, (_, i) => i % 3)
  const other = target.map((label, row) => (left.includes(row) ? (label + 1) % 3 : label))
  const grid = {
    ...stageOf(planOf(crossed(), 64)),
    rho: [0],
    warmStart: 'none',
    teaching: { ...BY_CLUSTER, normalizer: 'all', burnIn: 0 },
  }
  const teachers = { weights: new Float32Array(specs.length), members: [], k: 0 }
  const [a, b] = [target, other].map((labels) => {
    const problem = { ...crossed({ target: labels }), folds: undefined, train, validation: folds[3] }
    const plan = planOf(problem, 64)
    const starts = blocksOf(problem).map((block) => ({ block }))
    const order = () => train
    return run(foldOutputs(plan, starts, { ...grid, order } as unknown as Grid, { rho: 0, teachers, rows: left }))
  })
  expect(a.some((v) => v !== 0)).toBe(true)
  expect(a).toEqual(b)
})

test.each(['classification', 'regression'] as const)(
  '%s: outputs are scaled to what they are worth, those of overfitted students down',
  (task) => {
    const { plan, result } = fitted(crossed({ task }), { epochs: 200, keep: 'last', optimizer: { ...ADAM, rate: 0.05 } })
    const raw = fitted(crossed({ task }), { epochs: 200, keep: 'last', optimizer: { ...ADAM, rate: 0.05 }, scaled: false })
    for (const i of [0, 1]) expect(result.losses[i]).toBeLessThan(raw.result.losses[i])
    const size = (values: Float32Array) => Math.max(...values.map(Math.abs))
    expect(size(judgedOutputs(plan, result, all))).toBeLessThan(size(judgedOutputs(raw.plan, raw.result, all)))
  },
)

describe('folds', () => {
  const random = () => randomFrom(openTrainSession(module), 4)
  const labels = Int32Array.from({ length: 53 }, (_, i) => (i % 6 === 0 ? 1 : 0))
  const rows = Int32Array.from(labels.keys())

  test('hold every row once, and as much of each class as any other', () => {
    const parts = crossFolds(rows, 5, random(), labels, undefined)
    expect(parts.flatMap((part) => [...part]).sort((a, b) => a - b)).toEqual([...rows])
    const cases = parts.map((part) => part.filter((row) => labels[row] === 1).length)
    expect(Math.max(...cases) - Math.min(...cases)).toBeLessThanOrEqual(1)
    expect(crossFolds(rows, 5, random(), labels, undefined)).toEqual(parts)
  })

  test('never part a group', () => {
    const groups = Array.from(labels, (_, i) => `subject ${Math.floor(i / 3)}`)
    const parts = crossFolds(rows, 4, random(), labels, groups)
    const owners = new Map<string, Set<number>>()
    parts.forEach((part, f) => {
      for (const row of part) owners.set(groups[row], (owners.get(groups[row]) ?? new Set()).add(f))
    })
    for (const of of owners.values()) expect(of.size).toBe(1)
  })

  test('are no more than there is to part', () => {
    expect(crossFolds(rows.subarray(0, 3), 5, random(), undefined, undefined)).toHaveLength(3)
  })
})
