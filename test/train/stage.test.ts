import { describe, expect, test } from 'vitest'
import { ADAM, type OptimizerSpec } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { mutual, type Sharing } from '../../src/train/sharing.ts'
import { type BatchDone, runStage, type Stage, type StageResult } from '../../src/train/stage.ts'
import { type Plan, planOf, validate } from '../../src/train/step.ts'
import { alone, begin, blocksOf, held, type Making, make, shared, specOf } from './cohort.ts'
import { defined } from './reference.ts'

const specs = ['raw skip', 'skip mlp(5,2)', 'raw raw', 'pca(2) raw'].map((e) => specOf(e, 2, { hidden: [6] }))
const making: Making = { specs, features: [5, 4], rows: 30, train: 19 }

const sharing = (plan: Plan, how: Sharing) => ({ rho: how.rho, objective: () => mutual(plan, how) })

/** Another order in each epoch: 19 and 7 have no divisor in common. */
const order = (epoch: number) => Int32Array.from({ length: 19 }, (_, i) => (7 * i + 3 * epoch) % 19)
const stageOf = (plan: Plan, more: Partial<Stage> = {}): Stage => ({
  ...sharing(plan, shared(0.99, 0.5, 0, 0.5, 0)),
  epochs: 6,
  batch: 8,
  optimizer: { ...ADAM, rate: 0.05 },
  starts: blocksOf(plan.problem).map((block) => ({ block })),
  order,
  keepMoments: false,
  ...more,
})

/** Runs to the end; `look` is called after every batch. */
function run(plan: Plan, stage: Stage, look: (batch: BatchDone) => void = () => {}): StageResult {
  const work = runStage(plan, stage)
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return turn.value
    look(turn.value)
  }
}

describe.each([
  ['regression', {}],
  ['classification', { task: 'classification' }],
  [
    'regression with modalities missing',
    { patterns: Array.from({ length: 30 }, (_, i) => ['11', '10', '11', '01', '11', '00'][i % 6]) },
  ],
] as [string, Partial<Making>][])('%s', (_, more) => {
  const { problem } = make({ ...making, ...more })

  test('each student is kept at its own lowest validation task loss, the first of equals', () => {
    const plan = planOf(problem, 16)
    const after: Float32Array[][] = []
    const result = run(plan, stageOf(plan), ({ epoch }) => {
      // The blocks after the last batch of an epoch are those that validation sees.
      after[epoch] = held(plan, 'block')
    })
    expect(result.epochs).toHaveLength(6)
    specs.forEach((_, i) => {
      const seen = result.epochs.map(({ validation }) => validation.task[i])
      const best = Math.min(...seen)
      expect(result.losses[i]).toBe(best)
      expect(result.bestEpoch[i]).toBe(seen.indexOf(best) + 1)
      expect(result.best[i].block).toEqual(after[result.bestEpoch[i]][i])
    })
    // Otherwise the last epoch would do as well.
    expect(new Set(result.bestEpoch).size).toBeGreaterThan(1)
  })

  test('or as its last epoch left it, where that is asked for', () => {
    const plan = planOf(problem, 16)
    const result = run(plan, stageOf(plan, { keep: 'last' }))
    expect(result.best.map(({ block }) => block)).toEqual(held(plan, 'block'))
    expect(result.losses).toEqual(result.epochs[5].validation.task)
    expect([...result.bestEpoch]).toEqual([6, 6, 6, 6])
  })

  test('and says so again: the kept blocks have the kept losses', () => {
    const plan = planOf(problem, 16)
    const result = run(plan, stageOf(plan))
    begin(
      plan,
      result.best.map(({ block }) => block),
    )
    expect(validate(plan, problem.validation, mutual(plan, alone(4))).task).toEqual(result.losses)
  })

  test('after the first batch nothing is allocated, to the end of the stage', () => {
    const plan = planOf(problem, 16)
    const before = problem.session.memory.mark()
    const bytes = problem.session.memory.size()
    run(plan, stageOf(plan), () => {
      expect(problem.session.memory.mark()).toBe(before)
      expect(problem.session.memory.size()).toBe(bytes)
    })
    expect(problem.session.memory.mark()).toBe(before)
  })

  test('what it starts from is not changed, and starting again is the same again', () => {
    const plan = planOf(problem, 16)
    const stage = stageOf(plan)
    const before = stage.starts.map(({ block }) => block.slice())
    const first = run(plan, stage)
    expect(stage.starts.map(({ block }) => block)).toEqual(before)
    expect(run(plan, stage)).toEqual(first)
  })

  test('a chunk of validation as large as all of it, or of one row, is no different', () => {
    const at = (capacity: number) => {
      const plan = planOf(problem, capacity)
      return run(plan, stageOf(plan))
    }
    const [wide, narrow] = [at(64), at(8)]
    expect(narrow.best.map((s) => s.block)).toEqual(wide.best.map((s) => s.block))
    narrow.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(wide.losses[i], 10)
    })
  })
})

test('training losses of an epoch are means over rows, not over batches', () => {
  const made = make(making)
  const plan = planOf(made.problem, 16)
  const blocks = blocksOf(made.problem)
  const still = { ...ADAM, kind: 'sgd', rate: 0 } as const
  const result = run(plan, stageOf(plan, { optimizer: still, epochs: 1 }))
  const expected = defined(made, blocks, 0.99, [0.5, 0, 0.5, 0], order(0))
  for (const i of [0, 1, 2, 3]) {
    expect(result.epochs[0].train.task[i]).toBeCloseTo(expected.task[i], 5)
    expect(result.epochs[0].train.total[i]).toBeCloseTo(expected.total[i], 5)
  }
})

test('every epoch takes its own order, in batches, the last one with what is left', () => {
  const { problem } = make(making)
  const plan = planOf(problem, 16)
  const asked: number[] = []
  const batches: number[] = []
  run(
    plan,
    stageOf(plan, {
      epochs: 3,
      order: (epoch) => {
        asked.push(epoch)
        return order(epoch)
      },
    }),
    ({ epoch, rho }) => {
      expect(rho).toBe(0.99)
      batches.push(epoch)
    },
  )
  expect(asked).toEqual([0, 1, 2])
  expect(batches).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3])
})

test.each<[string, OptimizerSpec]>([
  ['sgd', { ...ADAM, kind: 'sgd', rate: 0.05, decay: 0.01 }],
  ['adam', { ...ADAM, rate: 0.05, decay: 0.01 }],
  ['adamw', { ...ADAM, kind: 'adamw', rate: 0.05, decay: 0.1 }],
])('%s goes on where it was: two epochs and two are four', (_, optimizer) => {
  const { problem } = make(making)
  const plan = planOf(problem, 16)
  run(plan, stageOf(plan, { optimizer, epochs: 4 }))
  const four = held(plan, 'block')

  run(plan, stageOf(plan, { optimizer, epochs: 2 }))
  const { memory } = problem.session
  const starts = plan.states.map(({ block, first, size, steps }) => ({
    block: memory.f32(block, size).slice(),
    moments: memory.f32(first, 2 * size).slice(),
    steps: { ...steps },
  }))
  run(plan, stageOf(plan, { optimizer, epochs: 2, starts, order: (epoch) => order(epoch + 2) }))
  expect(held(plan, 'block')).toEqual(four)
  // Without what the optimizer remembers it is another run.
  const bare = starts.map(({ block }) => ({ block }))
  run(plan, stageOf(plan, { optimizer, epochs: 2, starts: bare, order: (epoch) => order(epoch + 2) }))
  expect(held(plan, 'block')).not.toEqual(four)
})

test('with the moments, a checkpoint holds those of its own epoch', () => {
  const { problem } = make(making)
  const plan = planOf(problem, 16)
  const moments: Float32Array[][] = []
  const steps: { beta1t: number; beta2t: number }[][] = []
  const result = run(plan, stageOf(plan, { keepMoments: true }), ({ epoch }) => {
    const { memory } = problem.session
    moments[epoch] = plan.states.map(({ first, size }) => memory.f32(first, 2 * size).slice())
    steps[epoch] = plan.states.map((s) => ({ ...s.steps }))
  })
  result.best.forEach((best, i) => {
    expect(best.moments).toEqual(moments[result.bestEpoch[i]][i])
    expect(best.steps).toEqual(steps[result.bestEpoch[i]][i])
  })
})

test('a student that sees no validation row is taken after the last epoch, with the loss ∞', () => {
  const patterns = Array.from({ length: 30 }, (_, row) => (row < 19 ? '11' : '10'))
  const { problem } = make({ ...making, patterns })
  const plan = planOf(problem, 16)
  const result = run(plan, stageOf(plan))
  const last = held(plan, 'block')
  for (const i of [1, 2, 3]) {
    expect(result.losses[i]).toBe(Number.POSITIVE_INFINITY)
    expect(result.bestEpoch[i]).toBe(0)
    expect(result.best[i].block).toEqual(last[i])
  }
  expect(result.losses[0]).toBeLessThan(Number.POSITIVE_INFINITY)
})

test('a student that diverges is left as it began, with the loss ∞, and harms no other', () => {
  const made = make(making)
  const plan = planOf(made.problem, 16)
  const starts = blocksOf(made.problem).map((block) => ({ block }))
  // Finite, but what it says is not.
  starts[1] = { block: starts[1].block.map((v) => v * 1e20) }
  const free = { ...sharing(plan, alone(4)), starts }
  const result = run(plan, stageOf(plan, free))
  expect(result.losses[1]).toBe(Number.POSITIVE_INFINITY)
  expect(result.bestEpoch[1]).toBe(0)
  expect(result.best[1].block).toEqual(starts[1].block)
  expect(result.best[1].block).not.toBe(starts[1].block)
  const others = run(plan, stageOf(plan, { ...free, starts: blocksOf(made.problem).map((block) => ({ block })) }))
  for (const i of [0, 2, 3]) expect(result.best[i]).toEqual(others.best[i])
})

test('a later epoch that diverges does not cost the best one', () => {
  const { problem } = make(making)
  const plan = planOf(problem, 16)
  const optimizer = { ...ADAM, kind: 'sgd', rate: 1e-3 } as const
  const one = run(plan, stageOf(plan, { optimizer, epochs: 1 }))
  const exploding = runStage(plan, stageOf(plan, { optimizer, epochs: 4 }))
  let turn = exploding.next()
  for (; !turn.done; turn = exploding.next()) {
    if (turn.value.epoch === 2) for (const { block, size } of plan.states) problem.session.memory.f32(block, size).fill(1e30)
  }
  expect([...turn.value.bestEpoch]).toEqual([1, 1, 1, 1])
  expect(turn.value.best).toEqual(one.best)
})

describe('patience', () => {
  const { problem } = make(making)
  const plan = planOf(problem, 16)
  const optimizer = { ...ADAM, rate: 0.3 }
  const batches = (stage: Stage) => {
    let total = 0
    const result = run(plan, stage, (batch) => {
      total += batch.batches
    })
    return { result, total }
  }

  test('ends a stage after so many epochs in which no student improved, with each at its own best', () => {
    const whole = run(plan, stageOf(plan, { optimizer, epochs: 40 }))
    const ends = [1, 2, 3, 5].map((patience) => {
      const { epochs, losses, best, bestEpoch } = run(plan, stageOf(plan, { optimizer, epochs: 40, patience }))
      // By definition: the first epoch that is so far behind the last best of any student.
      const improved = (epoch: number, i: number) => {
        const before = whole.epochs.slice(0, epoch - 1).map(({ validation }) => validation.task[i])
        return whole.epochs[epoch - 1].validation.task[i] < Math.min(...before)
      }
      const lively = Array.from({ length: 40 }, (_, e) => specs.some((_, i) => improved(e + 1, i)))
      const end =
        lively.findIndex((_, e) => e + 1 >= patience && lively.slice(e + 1 - patience, e + 1).every((alive) => !alive)) + 1
      expect(epochs).toHaveLength(end)
      expect(epochs).toEqual(whole.epochs.slice(0, end))
      specs.forEach((_, i) => {
        expect(losses[i]).toBe(Math.min(...epochs.map(({ validation }) => validation.task[i])))
        expect(bestEpoch[i]).toBeLessThanOrEqual(end - patience)
        if (bestEpoch[i] === whole.bestEpoch[i]) expect(best[i]).toEqual(whole.best[i])
      })
      return end
    })
    expect(new Set(ends).size).toBeGreaterThan(2)
    expect(Math.max(...ends)).toBeLessThan(40)
  })

  test('of 0 never does, and none is that', () => {
    const still = { ...ADAM, kind: 'sgd', rate: 0 } as const
    for (const patience of [0, undefined]) {
      expect(run(plan, stageOf(plan, { optimizer: still, patience })).epochs).toHaveLength(6)
    }
    expect(run(plan, stageOf(plan, { optimizer: still, patience: 2 })).epochs).toHaveLength(3)
  })

  test('the batches told of add up to those of the whole stage, however early it ends', () => {
    for (const patience of [0, 1, 3]) {
      expect(batches(stageOf(plan, { optimizer, epochs: 40, patience })).total).toBe(40 * 3)
    }
  })
})

describe('outputs of kept students', () => {
  test.each([{}, { task: 'classification' }] as Partial<Making>[])('are what each says, chunk by chunk', (more) => {
    const { problem } = make({ ...making, ...more })
    const blocks = blocksOf(problem).map((block) => ({ block }))
    const rows = Int32Array.from({ length: 23 }, (_, i) => (11 * i) % 30)
    const all = cohortOutputs(planOf(problem, 64), blocks, rows)
    expect(all).toHaveLength(4 * 23 * 2)
    for (const capacity of [1, 5, 23]) expect(cohortOutputs(planOf(problem, capacity), blocks, rows)).toEqual(all)
    for (let i = 0; i < 4; i++) {
      const one = cohortOutputs(planOf(problem, 8), blocks, rows.slice(4, 5)).subarray(2 * i, 2 * i + 2)
      expect(one).toEqual(all.subarray((i * 23 + 4) * 2, (i * 23 + 5) * 2))
    }
  })
})
