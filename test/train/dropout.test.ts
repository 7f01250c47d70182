// What must be true of dropout whatever the masks; its gradients are in gradients.test.ts, its kernels in kernels/dropout.test.ts.

import { describe, expect, test } from 'vitest'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { groupOf } from '../../src/train/setting.ts'
import { mutual } from '../../src/train/sharing.ts'
import { runStage, type StageResult } from '../../src/train/stage.ts'
import { planOf, validate } from '../../src/train/step.ts'
import { study, train } from '../recipe/studies.ts'
import { alone, begin, blocksOf, type Making, make, masksOf, shared, specOf, stepOf } from './cohort.ts'
import { settle } from './settle.ts'

const EXTRACTORS = ['raw skip', 'skip mlp(5,2)', 'mlp(6,4,3) raw', 'raw raw']
const specs = EXTRACTORS.map((e) => specOf(e, 2, { hidden: [7, 4], activation: 'tanh' }))
const making: Making = { specs, features: [5, 4], rows: 24, train: 14, dropout: 0.5 }

/** A stage of three epochs of two batches: the masks of each, by student and row, and what it left. */
function run(of: Making, sharing = alone(of.specs.length), blocks?: Float32Array[]) {
  const { problem } = make(of)
  const plan = planOf(problem, 16)
  const work = runStage(plan, {
    rho: sharing.rho,
    objective: () => mutual(plan, sharing),
    epochs: 3,
    batch: 7,
    optimizer: { ...ADAM, rate: 0.02 },
    starts: (blocks ?? blocksOf(problem)).map((block) => ({ block })),
    order: (epoch) => problem.train.map((_, i) => (5 * i + epoch) % 14),
    keepMoments: false,
  })
  const masks: number[][][][] = []
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return { masks, result: turn.value as StageResult, problem, plan }
    const of = masksOf(plan)
    masks.push(problem.students.map((_, i) => Array.from({ length: 7 }, (_, b) => of(i, b).flatMap((m) => [...m]))))
  }
}

describe('masks', () => {
  const { masks } = run(making)

  test('cover the hidden layers of encoders and heads, and nothing else', () => {
    expect(masks[0].map(([row]) => row.length)).toEqual([7 + 4, 5 + 7 + 4, 6 + 4 + 7 + 4, 7 + 4])
    expect(new Set(masks.flat(3))).toEqual(new Set([0, 2]))
  })

  test('are others in each batch, for each student and in each row', () => {
    // The longest have 21 values: that two of 42 of them agree by chance is rare.
    const rows = masks.flatMap((batch) => batch[2].map(String))
    expect(rows).toHaveLength(6 * 7)
    expect(new Set(rows).size).toBe(rows.length)
    const batches = masks.flatMap((batch) => [batch[0], batch[3]].map(String))
    expect(new Set(batches).size).toBe(12)
  })

  test('are the same at every ρ', () => {
    expect(run(making, shared(3, 0.5, 0, 0.5, 0)).masks).toEqual(masks)
  })

  test('of a student do not depend on who else is in the cohort', () => {
    const { masks: fewer } = run({ ...making, specs: [specs[2], specs[0]] })
    expect(fewer).toEqual(masks.map((batch) => [batch[2], batch[0]]))
  })
})

test('a cohort at ρ = 0 is its students, each trained on its own', () => {
  const { result, problem } = run(making)
  const { tables, target } = make(making)
  specs.forEach((spec, i) => {
    const single = run({ ...making, specs: [spec], tables, target }, alone(1), [blocksOf(problem)[i]])
    expect(single.result.best[0].block).toEqual(result.best[i].block)
  })
})

test('validation and prediction drop nothing', () => {
  const { result, problem } = run(making)
  const plain = planOf(make({ ...making, dropout: 0 }).problem, 16)
  const dropping = planOf(problem, 16)
  const rows = problem.validation
  for (const plan of [plain, dropping]) {
    begin(
      plan,
      result.best.map(({ block }) => block),
    )
    expect(validate(plan, rows, mutual(plan, alone(4))).task).toEqual(result.losses)
  }
  expect(cohortOutputs(dropping, result.best, rows)).toEqual(cohortOutputs(plain, result.best, rows))
})

test('on average over masks a linear network says what it says without', () => {
  // One hidden layer without an activation: the mean of its output over masks is its output.
  const linear = { ...making, specs: [specOf('raw skip', 2, { hidden: [7], activation: 'identity' })], train: 24 } as const
  const { problem } = make(linear)
  const blocks = blocksOf(problem)
  const rows = new Int32Array(4000)
  const outputs = ({ problem, outputs }: ReturnType<typeof planOf>, n: number) => problem.session.memory.f32(outputs, n)
  const dropped = stepOf({ problem }, blocks, alone(1), rows).plan
  const mean = [0, 1].map((d) => outputs(dropped, 8000).reduce((sum, v, p) => sum + (p % 2 === d ? v : 0), 0) / 4000)
  const whole = outputs(stepOf(make({ ...linear, dropout: 0 }), blocks, alone(1), rows.slice(0, 1)).plan, 2)
  const spread = [0, 1].map((d) =>
    Math.sqrt(outputs(dropped, 8000).reduce((sum, v, p) => sum + (p % 2 === d ? (v - mean[d]) ** 2 : 0), 0) / 4000),
  )
  for (const d of [0, 1]) {
    expect(spread[d]).toBeGreaterThan(0)
    expect(Math.abs(mean[d] - whole[d])).toBeLessThan((4 * spread[d]) / Math.sqrt(4000))
  }
})

describe('as a setting', () => {
  test('0 plans nothing', () => {
    const { plan } = groupOf(settle(study(), { dropout: 0 }), [specOf('raw raw raw', 1, { hidden: [8] })])
    expect([plan.problem.dropout, plan.drops]).toEqual([undefined, undefined])
  })

  test('a student’s masks hang on the seed and its name, whatever else is asked for', () => {
    const draw = (config: object, ...extractors: string[]) => {
      const { plan } = groupOf(
        settle(study(), { dropout: 0.3, ...config }),
        extractors.map((e) => specOf(e)),
      )
      return plan.problem.dropout?.streams.map((stream) => stream.fork('1 0').uniform(4, 0, 1))
    }
    const [first, second] = draw({}, 'raw skip skip', 'raw raw skip') ?? []
    expect(first).not.toEqual(second)
    expect(draw({ epochs: 1, rho: [5] }, 'skip skip raw', 'raw raw skip')?.[1]).toEqual(second)
    expect(draw({ seed: 9 }, 'raw skip skip')?.[0]).not.toEqual(first)
  })

  test('a student more changes no other’s weights at ρ = 0', () => {
    const config = { dropout: 0.3, rho: [0], baselines: false }
    const few = train(study(), { ...config, extractors: { '*': ['skip', 'raw'] } }).model.students
    const many = train(study(), { ...config, extractors: { scan: ['skip', 'raw', 'mlp(4,2)'], '*': ['skip', 'raw'] } }).model
    expect(many.students.length).toBeGreaterThan(few.length)
    for (const { name, block } of few) expect(many.students.find((s) => s.name === name)?.block).toEqual(block)
    const dry = train(study(), { ...config, dropout: 0, extractors: { '*': ['skip', 'raw'] } }).model.students
    expect(dry[0].block).not.toEqual(few[0].block)
  })
})
