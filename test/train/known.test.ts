// What solved students say is worked out once a stage and looked up from then on.

import { describe, expect, test } from 'vitest'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { mutual } from '../../src/train/sharing.ts'
import { runStage, type Stage, type StageResult } from '../../src/train/stage.ts'
import { load, type Plan, planOf, trainBatch, validate } from '../../src/train/step.ts'
import { alone, begin, blocksOf, held, type Making, make, PLAIN, shared, specOf } from './cohort.ts'

const ROWS = 40
const specs = [
  specOf('raw skip', 3, { hidden: [6] }),
  specOf('raw raw', 3),
  specOf('skip raw', 3),
  specOf('raw raw', 3, { hidden: [9] }),
  specOf('raw raw', 3, { hidden: [5] }),
]
const SOLVED = [undefined, 'ridge', 'lasso', 'random', undefined] as const
const KNOWN = [1, 2, 3]
const making: Making = { specs, features: [5, 4], rows: ROWS }

// Rows 31 to 35 are for neither, and the order is not theirs.
const train = Int32Array.from({ length: 19 }, (_, i) => (7 * i) % 19)
const validation = Int32Array.from({ length: 16 }, (_, i) => (i < 12 ? 30 - i : 24 + i))

/** Eleven rows at a time, which no number of rows is a multiple of. */
const planned = (more: Partial<Making> = {}, solved: boolean = true): Plan =>
  planOf({ ...make({ ...making, ...more }).problem, train, validation, solved: solved ? SOLVED : undefined }, 11)

/** The same plan, its solved students computed each time. */
const computed = (plan: Plan): Plan => ({ ...plan, known: plan.known.map(() => undefined) })

/** Outputs (B, 3) of student i where a batch has left them. */
const saidBy = ({ problem, outputs }: Plan, i: number, B: number) =>
  problem.session.memory.f32(outputs + 12 * i * B, 3 * B).slice()

const stageOf = (plan: Plan, more: Partial<Stage> = {}): Stage => ({
  rho: 1.5,
  objective: () => mutual(plan, shared(1.5, 0.2, 0.4, 0.1, 0.3, 0)),
  epochs: 3,
  batch: 8,
  optimizer: { ...ADAM, rate: 0.05 },
  starts: blocksOf(plan.problem).map((block) => ({ block })),
  order: (epoch) => train.map((row) => (row + 5 * epoch) % 19),
  keepMoments: false,
  ...more,
})

function run(plan: Plan, stage: Stage): StageResult {
  const work = runStage(plan, stage)
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}

describe.each([
  ['regression', {}],
  ['classification', { task: 'classification' }],
  ['regression with dropout', { dropout: 0.5 }],
  ['classification with modalities missing', { task: 'classification', patterns: patternsOf('11', '10', '11', '01') }],
] as [string, Partial<Making>][])('%s', (_, more) => {
  const plan = planned(more)
  const blocks = blocksOf(plan.problem)
  load(plan, blocks)

  test('tables hold what each solved student says of every row for training or validation', () => {
    expect(plan.known.map((table) => table !== undefined)).toEqual([false, true, true, true, false])
    const rows = Int32Array.of(...train, ...validation)
    const said = cohortOutputs(
      planned(more),
      blocks.map((block) => ({ block })),
      rows,
    )
    for (const i of KNOWN) {
      const table = plan.problem.session.memory.f32(plan.known[i]!, 3 * ROWS)
      rows.forEach((row, b) => {
        const at = 3 * (i * rows.length + b)
        expect(table.slice(3 * row, 3 * row + 3)).toEqual(said.slice(at, at + 3))
      })
    }
  })

  test('a batch has them from there, a validation too', () => {
    const rows = Int32Array.of(4, 0, 17, 9, 11)
    load(plan, blocks)
    trainBatch(plan, rows, mutual(plan, alone(5)), PLAIN, 'one')
    const batch = KNOWN.map((i) => saidBy(plan, i, 5))
    const own = cohortOutputs(
      planned(more),
      blocks.map((block) => ({ block })),
      rows,
    )
    KNOWN.forEach((i, k) => {
      expect(batch[k]).toEqual(own.slice(15 * i, 15 * (i + 1)))
    })

    // Of a plan that has no tables, all losses are the same.
    const other = planned(more, false)
    begin(other, blocks)
    load(plan, blocks)
    const [mine, expected] = [plan, other].map((p) => validate(p, validation, mutual(p, shared(1, 0.2, 0.2, 0.2, 0.2, 0.2))))
    expect(mine).toEqual(expected)
  })

  test('a stage is in every bit what it is without tables', () => {
    const [mine, expected] = [plan, computed(plan)].map((p) => run(p, stageOf(p)))
    // Dropout is for who is trained: a solved student that is computed in a batch is disturbed by it.
    if (plan.problem.dropout) expect(mine.losses[1]).toBe(expected.losses[1])
    else expect(mine).toEqual(expected)
  })

  test('a stage moves who is trained, and nobody else', () => {
    const stage = stageOf(plan)
    const { best } = run(plan, stage)
    const now = held(plan, 'block')
    specs.forEach((_, i) => {
      const start = stage.starts[i].block
      if (KNOWN.includes(i)) {
        expect(now[i]).toEqual(start)
        expect(best[i].block).toEqual(start)
      } else expect(now[i]).not.toEqual(start)
    })
  })
})

test('other blocks are other tables, and so is another stage', () => {
  const plan = planned()
  const table = () => plan.problem.session.memory.f32(plan.known[3]!, 3 * ROWS).slice(0, 57)
  const [first, second] = [1, 2].map((seed) => blocksOf(plan.problem, seed))
  load(plan, first)
  const before = table()
  run(plan, stageOf(plan, { starts: second.map((block) => ({ block })) }))
  expect(table()).not.toEqual(before)
  run(plan, stageOf(plan, { starts: first.map((block) => ({ block })) }))
  expect(table()).toEqual(before)
})

test('nothing is allocated once all is planned', () => {
  const plan = planned()
  const { memory } = plan.problem.session
  const mark = memory.mark()
  load(plan, blocksOf(plan.problem))
  run(plan, stageOf(plan))
  expect(memory.mark()).toBe(mark)
})

test('without solved students there are no tables', () => {
  const plan = planned({}, false)
  load(plan, blocksOf(plan.problem))
  expect(plan.known).toEqual(specs.map(() => undefined))
  expect(held(plan, 'block')).toEqual(blocksOf(plan.problem))
})

function patternsOf(...turns: string[]): string[] {
  return Array.from({ length: ROWS }, (_, row) => turns[row % turns.length])
}
