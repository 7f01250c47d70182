import { describe, expect, test } from 'vitest'
import { greedy, juryOf } from '../../src/train/ensembling.ts'
import { BY_CLUSTER, screeningLosses, type TeacherSpec } from '../../src/train/mutual.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { type Grid, type GridResult, judgesOf, runGrid, type Teaching, trainAgain, WARM_STARTS } from '../../src/train/rho.ts'
import { mutual } from '../../src/train/sharing.ts'
import { type BatchDone, runStage } from '../../src/train/stage.ts'
import { alone, type Plan, planOf } from '../../src/train/step.ts'
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
    chooseRho: 'teachers',
    greedy: { best: 3, prune: 0.2, most: 30 },
    average: 'logits',
    teaching: teachingOf({}),
    order,
    ...grid,
  }
  const work = runGrid(plan, starts, whole)
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return { result: turn.value as GridResult, batches, plan, starts, grid: whole }
    batches.push(structuredClone(turn.value))
    look(plan, turn.value)
  }
}
const teachingOf = (more: Partial<Teaching>): Teaching => ({ ...BY_CLUSTER, normalizer: 'all', burnIn: 0, ...more })
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

describe('where a ρ > 0 starts from', () => {
  /** At the first batch of each ρ: losses before the step, and the steps that the optimizers have taken after it. */
  function starts(warmStart: Grid['warmStart']) {
    const seen = new Map<number, { task: Float64Array; steps: number[] }>()
    const { result } = run({ warmStart }, {}, (plan, { rho, losses }) => {
      if (!seen.has(rho)) seen.set(rho, { task: losses.task.slice(), steps: plan.states.map((s) => s.steps.beta1t) })
    })
    return { result, of: (rho: number) => seen.get(rho) as { task: Float64Array; steps: number[] } }
  }
  const FRESH = Array(5).fill(0.9)

  test.each([
    ['none', 0.99, 'first weights', 'fresh'],
    ['none', 3, 'first weights', 'fresh'],
    ['first', 0.99, 'screened', 'gone on'],
    ['first', 3, 'first weights', 'fresh'],
    ['all', 0.99, 'screened', 'gone on'],
    ['all', 3, 'screened', 'gone on'],
    ['weights', 0.99, 'screened', 'fresh'],
    ['weights', 3, 'screened', 'fresh'],
  ] as const)('%s, ρ = %d: the students %s, the optimizer %s', (warmStart, rho, students, optimizer) => {
    const { result, of } = starts(warmStart)
    const { independent } = result
    expect(independent).toMatchObject({ losses: starts('none').result.independent.losses })
    if (students === 'first weights') expect(of(rho).task).toEqual(of(0).task)
    else {
      const { problem } = make(making)
      const plan = planOf(problem, 16)
      const again = runStage(plan, {
        rho: 0,
        objective: () => alone(plan),
        epochs: 1,
        batch: 9,
        optimizer: ADAM,
        starts: independent.best.map(({ block }) => ({ block })),
        order: (epoch) => order(0, epoch),
        keepMoments: false,
      })
      expect(of(rho).task).toEqual((again.next().value as BatchDone).losses.task)
      expect(of(rho).task).not.toEqual(of(0).task)
    }
    const gone = Array.from(independent.bestEpoch, (epoch) => 0.9 ** (2 * epoch + 1))
    of(rho).steps.forEach((beta1t, i) => {
      expect(beta1t).toBeCloseTo((optimizer === 'fresh' ? FRESH : gone)[i], 12)
    })
  })

  test('at every ρ that goes on, from the same: their order in the list does not matter', () => {
    for (const warmStart of ['all', 'weights'] as const) {
      const [up, down] = [
        [0.99, 3],
        [3, 0.99],
      ].map((rho) => run({ warmStart, rho }).result.results)
      expect([down[2], down[1]]).toEqual([up[1], up[2]])
    }
  })
})

describe('burn-in', () => {
  test('the first epochs of each ρ are those of ρ = 0, the next one is not', () => {
    for (const burnIn of [1, 3]) {
      const { batches } = run({ teaching: teachingOf({ teachers: 'uniform', burnIn }) })
      const of = (rho: number) => batches.filter((b) => b.rho === rho)
      for (const rho of [0.99, 3]) {
        of(rho).forEach(({ epoch, losses }, i) => {
          const free = of(0)[i].losses
          if (epoch <= burnIn) expect(losses).toEqual(free)
          else expect(losses.total).not.toEqual(free.total)
        })
      }
    }
  })

  test('of all epochs leaves every ρ as ρ = 0, which then is chosen', () => {
    const { result } = run({ teaching: teachingOf({ burnIn: 4 }) })
    for (const { stage } of result.results)
      expect(stage).toEqual({ ...result.independent, rho: stage.rho, best: expect.anything() })
    expect(result.chosen.stage.rho).toBe(0)
  })
})

describe('who teaches, by policy', () => {
  const policy = (teachers: TeacherSpec['teachers'], more: Partial<Teaching> = {}) =>
    run({ teaching: teachingOf({ teachers, ...more }) }).result
  const inverse = (losses: Float64Array) => {
    const sum = losses.reduce((total, loss) => total + 1 / loss, 0)
    return losses.map((loss) => 1 / loss / sum)
  }

  test('adaptive: by the losses of screening in the first epoch, then by those of the epoch before', () => {
    const { results, teachers, independent } = policy('adaptive')
    const { problem } = make(making)
    const plan = planOf(problem, 16)
    const mine = finish(
      runStage(plan, {
        rho: 3,
        objective: (_, last) =>
          mutual(plan, { rho: 3, teachers: Float32Array.from(inverse(last ? last.task : independent.losses)) }),
        epochs: 4,
        batch: 9,
        optimizer: { ...ADAM, rate: 0.03 },
        starts: blocksOf(problem).map((block) => ({ block })),
        order: (epoch) => order(3, epoch),
        keepMoments: false,
      }),
    )
    results[2].stage.epochs.forEach(({ validation, train }, e) => {
      for (const i of specs.keys()) {
        expect(validation.total[i]).toBeCloseTo(mine.epochs[e].validation.total[i], 5)
        expect(train.total[i]).toBeCloseTo(mine.epochs[e].train.total[i], 5)
      }
    })
    inverse(independent.losses).forEach((w, i) => {
      expect(teachers.weights[i]).toBeCloseTo(w, 7)
    })
  })

  test('inverse-loss keeps the weights of screening: the first epoch is that of adaptive, the next is not', () => {
    const [fixed, adaptive] = (['inverse-loss', 'adaptive'] as const).map((teachers) => policy(teachers))
    expect(fixed.teachers).toEqual(adaptive.teachers)
    const [first, second] = [0, 1].map((e) => [fixed, adaptive].map(({ results }) => results[2].stage.epochs[e].train.total))
    expect(first[0]).toEqual(first[1])
    expect(second[0]).not.toEqual(second[1])
  })

  test('the judges of a ρ are the teachers, where there are several and they are the best', () => {
    const everyone = [0, 1, 2, 3, 4]
    for (const teachers of ['uniform', 'inverse-loss', 'adaptive'] as const) {
      const result = policy(teachers)
      expect(judgesOf(result.independent, result.teachers, teachingOf({ teachers }))).toEqual(everyone)
    }
    for (const [teachers, members] of [
      ['cluster', [1, 3]],
      ['worst-cluster', everyone],
      ['best', everyone],
    ] as const) {
      const chosen = { members: teachers === 'best' ? [1] : [1, 3], weights: new Float32Array(5), k: 2 }
      expect(judgesOf(policy(teachers).independent, chosen, teachingOf({ teachers }))).toEqual(members)
    }
  })

  test('worst-cluster: the teachers are those that are worst at ρ = 0', () => {
    const { teachers, independent } = policy('worst-cluster', { clusters: 2 })
    const rest = [0, 1, 2, 3, 4].filter((i) => !teachers.members.includes(i))
    expect(rest.length).toBeGreaterThan(0)
    const losses = (members: readonly number[]) => members.map((i) => independent.losses[i])
    expect(Math.min(...losses(teachers.members))).toBeGreaterThan(Math.max(...losses(rest)))
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

describe('ρ by the ensemble', () => {
  test('each ρ has the loss of the greedy ensemble on the validation rows, and the smallest is chosen', () => {
    const { result, plan } = run({ chooseRho: 'ensemble' })
    const { session, validation, target } = plan.problem
    for (const { stage, loss } of result.results) {
      const outputs = cohortOutputs(plan, stage.best, validation)
      const y = session.memory.f32(target.at, 30).slice(18)
      const jury = juryOf(session, { outputs, students: stage.losses.length, target: y, width: 1 })
      expect(loss).toBe(greedy(jury, { best: 3, prune: 0.2, most: 30 }).trace.at(-1))
      jury.close()
    }
    const losses = result.results.map((r) => r.loss)
    expect(result.chosen.loss).toBe(Math.min(...losses))
    expect(new Set(losses).size).toBe(losses.length)
  })

  test.each([[[0, 1000]], [[1000, 0]]])('a ρ at which all students diverge is not chosen: %j', (rho) => {
    const wild = { ...ADAM, kind: 'sgd', rate: 0.02 } as const
    const grid = { chooseRho: 'ensemble', rho, epochs: 40, batch: 1, optimizer: wild } as const
    const { result } = run({ ...grid, teaching: teachingOf({ teachers: 'uniform' }) })
    const lost = result.results.find(({ stage }) => stage.rho === 1000)
    expect(lost?.stage.losses.some(Number.isFinite)).toBe(false)
    expect(result.chosen.stage.rho).toBe(0)
  })

  test('where fewer than ten validation rows are seen by all, the teachers decide', () => {
    const patterns = Array.from({ length: 30 }, (_, i) => (i < 18 || i % 2 ? '11' : '10'))
    const by = (chooseRho: Grid['chooseRho']) => run({ chooseRho }, { patterns }).result.results.map((r) => r.loss)
    expect(by('ensemble')).toEqual(by('teachers'))
    expect(run({ chooseRho: 'ensemble' }).result.results.map((r) => r.loss)).not.toEqual(
      run({ chooseRho: 'teachers' }).result.results.map((r) => r.loss),
    )
  })
})
