import { describe, expect, test } from 'vitest'
import { ADAM, type OptimizerSpec } from '../../src/train/optimizer.ts'
import { cosPi, rateAt, type Schedule } from '../../src/train/schedule.ts'
import { runStage, type Stage } from '../../src/train/stage.ts'
import { alone, planOf } from '../../src/train/step.ts'
import { finish } from '../finish.ts'
import { blocksOf, held, make, specOf } from './cohort.ts'

describe('the cosine', () => {
  test('is less than 1e-15 from the host’s', () => {
    let worst = 0
    for (let i = 0; i <= 20_000; i++) worst = Math.max(worst, Math.abs(cosPi(i / 20_000) - Math.cos((Math.PI * i) / 20_000)))
    expect(worst).toBeLessThan(1e-15)
  })

  test('begins at 1, ends at -1, and its second half mirrors the first', () => {
    expect([cosPi(0), cosPi(1)]).toEqual([1, -1])
    for (const x of [0, 1 / 8, 1 / 4, 3 / 8]) expect(cosPi(1 - x)).toBe(-cosPi(x))
  })
})

describe('the rate', () => {
  /** The rates of every step of `epochs` epochs of `batches` steps. */
  const rates = (schedule: Schedule, epochs: number, batches: number, rate = 0.1) =>
    Array.from({ length: epochs * batches }, (_, step) =>
      rateAt(schedule, rate, 1 + Math.floor(step / batches), step, epochs * batches),
    )

  test('constant', () => {
    expect(rates({ kind: 'constant' }, 2, 3)).toEqual(Array(6).fill(0.1))
  })

  test('cosine: each from the one before, as PyTorch’s CosineAnnealingLR steps', () => {
    for (const floor of [0, 0.02]) {
      const mine = rates({ kind: 'cosine', floor }, 4, 5)
      let theirs = 0.1
      for (let step = 0; step < 20; step++) {
        expect(mine[step]).toBeCloseTo(theirs, 14)
        const [now, next] = [step, step + 1].map((s) => 1 + Math.cos((Math.PI * s) / 20))
        theirs = (next / now) * (theirs - floor) + floor
      }
      expect(theirs).toBeCloseTo(floor, 14)
    }
    expect(rates({ kind: 'cosine' }, 1, 5)).toEqual(rates({ kind: 'cosine', floor: 0 }, 1, 5))
  })

  test('step: the same within an epoch, multiplied after every so many', () => {
    expect(rates({ kind: 'step', every: 2, factor: 0.5 }, 5, 2, 1)).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
    expect(rates({ kind: 'step', every: 1, factor: 0.1 }, 3, 1, 1)).toEqual([1, 0.1, 0.1 * 0.1])
    expect(rates({ kind: 'step', every: 9, factor: 0.1 }, 3, 1, 1)).toEqual([1, 1, 1])
  })
})

describe('in a stage', () => {
  const { problem } = make({ specs: [specOf('raw raw', 2, { hidden: [4] })], features: [3, 2], rows: 15, train: 10 })
  const plan = planOf(problem, 8)
  const stageOf = (more: Partial<Stage>): Stage => ({
    rho: 0,
    objective: () => alone(plan),
    epochs: 3,
    batch: 4,
    optimizer: ADAM,
    starts: blocksOf(problem).map((block) => ({ block })),
    order: () => problem.train,
    keepMoments: false,
    ...more,
  })

  test('every step has its own rate', () => {
    // Without momentum the velocity is the gradient.
    const optimizer = { ...ADAM, kind: 'sgd', rate: 0.3, momentum: 0 } as const
    const work = runStage(plan, stageOf({ optimizer, schedule: { kind: 'cosine', floor: 0.1 } }))
    let before = blocksOf(problem)[0]
    for (let step = 0; !work.next().done; step++) {
      const rate = Math.fround(0.1 + (0.2 * (1 + Math.cos((Math.PI * step) / 9))) / 2)
      const [after, gradient] = [held(plan, 'block')[0], held(plan, 'first')[0]]
      after.forEach((v, p) => {
        expect(v).toBeCloseTo(before[p] - rate * gradient[p], 6)
      })
      before = after
    }
  })

  test.each<[string, OptimizerSpec]>([
    ['sgd', { ...ADAM, kind: 'sgd', rate: 0.05, decay: 0.1 }],
    ['adam', { ...ADAM, rate: 0.05, decay: 0.1 }],
    ['adamw', { ...ADAM, kind: 'adamw', rate: 0.05, decay: 2 }],
  ])('%s: an epoch at half the rate is an epoch of an optimizer with half the rate, its decay too', (_, optimizer) => {
    finish(runStage(plan, stageOf({ optimizer, epochs: 2, schedule: { kind: 'step', every: 1, factor: 0.5 } })))
    const scheduled = held(plan, 'block')
    finish(runStage(plan, stageOf({ optimizer, epochs: 1 })))
    const starts = plan.states.map(({ first, size, steps }, i) => ({
      block: held(plan, 'block')[i],
      moments: problem.session.memory.f32(first, 2 * size).slice(),
      steps: { ...steps },
    }))
    finish(runStage(plan, stageOf({ optimizer: { ...optimizer, rate: 0.025 }, epochs: 1, starts })))
    expect(held(plan, 'block')).toEqual(scheduled)
    finish(runStage(plan, stageOf({ optimizer, epochs: 1, starts })))
    expect(held(plan, 'block')).not.toEqual(scheduled)
  })
})
