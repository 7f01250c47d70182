import { describe, expect, test } from 'vitest'
import { BY_CLUSTER, screeningLosses } from '../../src/train/mutual.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { type Grid, type GridResult, runGrid, trainAgain, WARM_STARTS } from '../../src/train/rho.ts'
import type { BatchDone } from '../../src/train/stage.ts'
import { type Plan, planOf } from '../../src/train/step.ts'
import { finish } from '../finish.ts'
import { blocksOf, type Making, make, specOf } from './cohort.ts'

const specs = ['raw skip', 'skip mlp(5,2)', 'raw raw', 'pca(2) raw', 'skip raw'].map((e) => specOf(e, 1, { hidden: [6] }))
const making: Making = { specs, features: [5, 4], rows: 30, train: 18 }
const order = (_: number, epoch: number) => Int32Array.from({ length: 18 }, (_, i) => (7 * i + 5 * epoch) % 18)

function run(grid: Partial<Grid> = {}, more: Partial<Making> = {}, look: (plan: Plan, batch: BatchDone) => void = () => {}) {
  const { problem } = make({ ...making, ...more })
  const plan = planOf(problem, 16)
  const batches: BatchDone[] = []
  const starts = blocksOf(problem).map((block) => ({ block }))
  const whole: Grid = {
    rho: [0, 0.99, 3],
    epochs: 4,
    batch: 9,
    optimizer: { ...ADAM, rate: 0.03 },
    warmStart: 'none',
    teaching: { ...BY_CLUSTER, normalizer: 'all', burnIn: 0 },
    order,
    ...grid,
  }
  const work = runGrid(plan, starts, whole)
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return { result: turn.value as GridResult, batches, plan, starts, grid: whole }
    batches.push(turn.value)
    look(plan, turn.value)
  }
}
const rhosOf = ({ results }: GridResult) => results.map(({ stage }) => stage.rho)

test.each([
  [
    [0, 0.99, 3],
    [0, 0.99, 3],
    [0, 0.99, 3],
  ],
  [
    [3, 0, 0.99],
    [3, 0, 0.99],
    [0, 3, 0.99],
  ],
  [
    [0.99, 3],
    [0, 0.99, 3],
    [0, 0.99, 3],
  ],
  [[5], [0, 5], [0, 5]],
  [[0], [0], [0]],
])('ρ = %j gives results at %j: screening at 0 comes first, and 0 is always there', (rho, results, trained) => {
  const { result, batches } = run({ rho })
  expect(rhosOf(result)).toEqual(results)
  expect([...new Set(batches.map((b) => b.rho))]).toEqual(trained)
  expect(batches).toHaveLength(trained.length * 4 * 2)
  expect(result.results[results.indexOf(0)].stage).toBe(result.independent)
})

test('the chosen ρ is where the teachers, on average, have the smallest validation loss', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { result } = run({}, { seed })
    const { members, weights } = result.teachers
    expect(members.length).toBeGreaterThan(0)
    for (const { stage, loss } of result.results) {
      const judges = members.length > 1 ? members : Array.from(stage.losses.keys())
      const mean = judges.reduce((sum, i) => sum + stage.losses[i], 0) / judges.length
      expect(loss).toBeCloseTo(mean, 14)
    }
    expect(result.chosen.loss).toBe(Math.min(...result.results.map((r) => r.loss)))
    expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
  }
})

test('more than one ρ is chosen, over several data sets', () => {
  const chosen = [1, 2, 3, 4, 5, 6].map((seed) => run({}, { seed }).result.chosen.stage.rho)
  expect(new Set(chosen).size).toBeGreaterThan(1)
})

test('of equal losses the first ρ of the list', () => {
  // Students that do not move are as good at every ρ.
  const still = { ...ADAM, kind: 'sgd', rate: 0 } as const
  expect(run({ optimizer: still }).result.chosen.stage.rho).toBe(0)
  expect(run({ optimizer: still, rho: [3, 0.99, 0] }).result.chosen.stage.rho).toBe(3)
  expect(run({ optimizer: still, rho: [0.99, 3] }).result.chosen.stage.rho).toBe(0)
})

test('the independent cohort is the one at ρ = 0, whatever else is tried', () => {
  const only = run({ rho: [0] }).result
  const { result } = run({ rho: [0, 0.99, 3] })
  expect(result.independent).toEqual(only.independent)
  expect(result.teachers).toEqual(only.teachers)
})

describe('each ρ starts from the same first weights, in the same order', () => {
  const first = (batches: BatchDone[], rho: number) => batches.find((b) => b.rho === rho) as BatchDone

  test('cold: the losses before the first step are equal', () => {
    const { batches, result } = run()
    for (const rho of [0.99, 3]) expect(first(batches, rho).losses.task).toEqual(first(batches, 0).losses.task)
    // The results of each are those of a grid with it alone.
    expect(run({ rho: [0, 3] }).result.results[1]).toEqual(result.results[2])
  })

  test('warm: the first ρ > 0 goes on from the screened students and their optimizer, the next starts over', () => {
    const start: { steps: number[]; blocks: Float32Array[] }[] = []
    const seen = new Set<number>()
    const { batches, result } = run({ warmStart: 'first', rho: [3, 0.99] }, {}, (plan, { rho }) => {
      if (seen.has(rho)) return
      seen.add(rho)
      const { memory } = plan.problem.session
      const blocks = plan.states.map(({ block, size }) => memory.f32(block, size).slice())
      start.push({ steps: plan.states.map((s) => s.steps.beta1t), blocks })
    })
    const { independent } = result
    expect(rhosOf(result)).toEqual([0, 3, 0.99])
    expect(first(batches, 3).losses.task).not.toEqual(first(batches, 0).losses.task)
    expect(first(batches, 0.99).losses.task).toEqual(first(batches, 0).losses.task)
    // After one step, Adam has taken one more than it had at the checkpoint: two batches an epoch.
    independent.bestEpoch.forEach((epoch, i) => {
      expect(start[1].steps[i]).toBeCloseTo(0.9 ** (2 * epoch + 1), 12)
      expect(start[2].steps[i]).toBeCloseTo(0.9, 12)
      const furthest = Math.max(...independent.best[i].block.map((v, p) => Math.abs(v - start[1].blocks[i][p])))
      expect(furthest).toBeLessThan(0.1)
    })
    expect(run({ rho: [0.99] }).result.results[1]).toEqual(result.results[2])
    // ρ = 0 itself is not touched by what goes on from it.
    independent.best.forEach(({ steps }, i) => {
      expect(steps?.beta1t).toBeCloseTo(0.9 ** (2 * independent.bestEpoch[i]), 12)
    })
    expect(independent.losses).toEqual(run({ rho: [0] }).result.independent.losses)
  })
})

test('no student with a finite loss: the run ends with what to do', () => {
  const optimizer = { ...ADAM, kind: 'sgd', rate: 1e6 } as const
  expect(() => run({ optimizer })).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      message: 'no student reached a finite validation loss: lower the learning rate, or check the target for extreme values',
    }),
  )
})

test('a student that no validation row can judge never teaches, and the choice goes on without it', () => {
  const patterns = Array.from({ length: 30 }, (_, row) => (row < 18 ? '11' : '01'))
  const { result } = run({}, { patterns })
  for (const i of [0, 2, 3]) expect(result.teachers.weights[i]).toBe(0)
  expect(result.results.every(({ loss }) => Number.isFinite(loss))).toBe(true)
})

test('a lone teacher learns nothing from sharing, so all students judge the ρ', () => {
  const { result } = run({}, { specs: specs.slice(0, 3), seed: 4 })
  expect(result.teachers.members).toHaveLength(1)
  const [teacher] = result.teachers.members
  const own = result.results.map(({ stage }) => stage.losses[teacher])
  expect(new Set(own).size).toBe(1)
  for (const { stage, loss } of result.results) {
    expect(loss).toBeCloseTo(stage.losses.reduce((a, b) => a + b) / stage.losses.length, 12)
  }
  expect(new Set(result.results.map(({ loss }) => loss)).size).toBe(3)
})

describe('students are screened on rows that all of them see', () => {
  // Modality 1 is there for the first validation rows only.
  const patterns = (shared: number) => Array.from({ length: 60 }, (_, row) => (row < 18 + shared ? '11' : '10'))
  const more = (shared: number) => ({ rows: 60, patterns: patterns(shared), specs: [specOf('raw skip'), specOf('raw raw')] })

  test('where those are enough', () => {
    const { result, plan } = run({ rho: [0] }, more(12))
    const losses = screeningLosses(plan, result.independent)
    expect(losses[1]).toBeCloseTo(result.independent.losses[1], 12)
    expect(losses[0]).not.toBe(result.independent.losses[0])
    const common = plan.problem.validation.subarray(0, 12)
    const outputs = cohortOutputs(plan, result.independent.best, common)
    const wanted = plan.problem.session.memory.f32(plan.problem.target.at, 60)
    const squares = Array.from(common, (row, b) => (outputs[b] - wanted[row]) ** 2)
    expect(losses[0]).toBeCloseTo(squares.reduce((a, b) => a + b) / 12, 6)
  })

  test('and each on its own rows where they are fewer than ten, or all the same', () => {
    for (const shared of [9, 42]) {
      const { result, plan } = run({ rho: [0] }, more(shared))
      expect(screeningLosses(plan, result.independent)).toEqual(result.independent.losses)
    }
  })
})

test.each(WARM_STARTS)('warm start %s: any ρ of a grid can be trained again alone, to the same bits', (warmStart) => {
  const { result, plan, starts, grid } = run({ warmStart })
  for (const { stage } of result.results) {
    const again = finish(trainAgain(plan, starts, grid, stage.rho, result.teachers))
    expect(again.losses).toEqual(stage.losses)
    expect(again.best.map((s) => s.block)).toEqual(stage.best.map((s) => s.block))
  }
})

test.each(WARM_STARTS)('warm start %s: trained again without some rows, nothing is left of those', (warmStart) => {
  const blocks = [0, 1].map((shift) => {
    // The rows left out have other numbers the second time.
    const { problem } = make(making)
    const { memory } = problem.session
    for (const { at, width } of problem.sources.values()) {
      const values = memory.f32(at, 30 * width)
      for (let row = 0; row < 18; row += 3) for (let d = 0; d < width; d++) values[row * width + d] += 4 * shift
    }
    const plan = planOf(problem, 16)
    const starts = blocksOf(problem).map((block) => ({ block }))
    const { grid, result } = run({ warmStart })
    const part = { ...grid, order: (rho: number, epoch: number) => grid.order(rho, epoch).filter((row) => row % 3 !== 0) }
    return finish(trainAgain(plan, starts, part, 0.99, result.teachers)).best.map((s) => s.block)
  })
  expect(blocks[1]).toEqual(blocks[0])
})
