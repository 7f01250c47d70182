// What must be true of mutual learning whatever the numbers: METHOD, losses and algorithm. Where nothing is rounded
// differently, "the same" is the same in every bit.

import { describe, expect, test } from 'vitest'
import type { Student, StudentSpec } from '../../src/fusion/student.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import type { Problem } from '../../src/train/problem.ts'
import { mutual, type Sharing } from '../../src/train/sharing.ts'
import { planOf, trainBatch, validate } from '../../src/train/step.ts'
import { alone, begin, blocksOf, held, type Making, make, PLAIN, shared, specOf, stepOf } from './cohort.ts'
import { defined, softmax } from './reference.ts'

const FEATURES = [5, 4]
const EXTRACTORS = ['raw skip', 'skip raw', 'raw raw', 'mlp(6,3) skip', 'mlp(6,3) pca(2)']
const specs = (outputs: number) => EXTRACTORS.map((e) => specOf(e, outputs, { hidden: [7], activation: 'tanh' }))
const regression: Making = { specs: specs(2), features: FEATURES, rows: 11 }
const classification: Making = { specs: specs(3), features: FEATURES, rows: 11, task: 'classification' }
const TASKS: [string, Making][] = [
  ['regression', regression],
  ['classification', classification],
]

/** Several steps of Adam, over batches of four. */
function train(problem: Problem, blocks: readonly Float32Array[], sharing: Sharing, steps = 6) {
  const plan = planOf(problem, 4)
  begin(plan, blocks)
  const n = problem.train.length
  const losses = Array.from({ length: steps }, (_, s) => {
    const rows = Int32Array.from({ length: 4 }, (_, b) => problem.train[(4 * s + b) % n])
    return trainBatch(plan, rows, mutual(plan, sharing), { ...ADAM, rate: 0.02 }).losses
  })
  return { blocks: held(plan, 'block'), losses }
}

function near(mine: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  const size = Math.max(...Array.from(expected, Math.abs))
  expect(mine.length).toBe(expected.length)
  expect(size).toBeGreaterThan(0)
  for (let i = 0; i < mine.length; i++) expect(Math.abs(mine[i] - expected[i]) / size).toBeLessThanOrEqual(tolerance)
}

describe('a target and a teacher are one blended target', () => {
  test('regression: the gradient is (1 + ρ) times that against (y + ρ f) / (1 + ρ)', () => {
    const made = make(regression)
    const blocks = blocksOf(made.problem)
    const [rho, teacher] = [0.7, 2]
    const drawn = stepOf(made, blocks, shared(rho, 0, 0, 1, 0, 0))

    const plan = planOf(made.problem, 11)
    begin(plan, blocks)
    trainBatch(plan, made.problem.train, mutual(plan, alone(5)), { ...PLAIN, rate: 0 })
    const said = made.problem.session.memory.f32(plan.outputs + 4 * teacher * 11 * 2, 11 * 2).slice()
    const target = said.map((f, p) => (made.target[p] + rho * f) / (1 + rho))
    const blended = stepOf(make({ ...regression, target }), blocks, alone(5))
    drawn.gradients.forEach((gradient, i) => {
      if (i === teacher) return
      near(
        gradient,
        blended.gradients[i].map((g) => (1 + rho) * g),
        2e-6,
      )
    })
  })

  test('classification: of one row, (1 + ρ) (softmax z - (one-hot y + ρ p) / (1 + ρ))', () => {
    // The bias of a head of one layer has the gradient of the logits themselves.
    const linear = EXTRACTORS.map((e) => specOf(e, 3))
    const made = make({ ...classification, specs: linear, rows: 1 })
    const blocks = blocksOf(made.problem)
    const rho = 1.5
    const { gradients } = stepOf(made, blocks, shared(rho, 0, 1, 0, 0, 0))
    const plan = planOf(made.problem, 1)
    begin(plan, blocks)
    trainBatch(plan, made.problem.train, mutual(plan, alone(5)), { ...PLAIN, rate: 0 })
    const logits = Array.from({ length: 5 }, (_, i) => Array.from(made.problem.session.memory.f32(plan.outputs + 12 * i, 3)))
    const p = softmax(logits[1])
    for (const i of [0, 2, 3, 4]) {
      const expected = softmax(logits[i]).map(
        (v, k) => (1 + rho) * (v - ((k === made.target[0] ? 1 : 0) + rho * p[k]) / (1 + rho)),
      )
      near(gradients[i].slice(-3), expected, 2e-6)
    }
  })

  test('a linear student on a linear teacher comes to rest at the blended regression', () => {
    // One feature, least squares without a constant in x: y = 2x, the teacher says x/2; f = (2 + ρ/2) / (1 + ρ) x.
    const tables = new Map([
      ['0:raw', { values: Float32Array.of(-1, -0.5, 0.5, 1), width: 1 }],
      ['1:raw', { values: Float32Array.of(-1, -0.5, 0.5, 1), width: 1 }],
    ])
    const target = Float32Array.of(-2, -1, 1, 2)
    const { problem } = make({ specs: [specOf('raw skip'), specOf('skip raw')], features: [1, 1], rows: 4, tables, target })
    const plan = planOf(problem, 4)
    begin(plan, [Float32Array.of(0, 0), Float32Array.of(0.5, 0)])
    for (let step = 0; step < 300; step++) {
      trainBatch(plan, problem.train, mutual(plan, shared(3, 0, 1)), { ...PLAIN, rate: 0.1 })
      problem.session.memory.f32(plan.states[1].block, 2).set([0.5, 0])
    }
    const [slope, constant] = held(plan, 'block')[0]
    expect(slope).toBeCloseTo((2 + 3 * 0.5) / 4, 5)
    expect(constant).toBeCloseTo(0, 6)
  })
})

describe.each(TASKS)('%s', (_, making) => {
  const made = make(making)
  const blocks = blocksOf(made.problem)

  test('ρ = 0: a cohort is its students, each trained on its own', () => {
    const together = train(made.problem, blocks, alone(5))
    making.specs.forEach((spec, i) => {
      // The same rows, whoever reads them.
      const single = make({ ...making, specs: [spec], tables: made.tables, target: made.target })
      expect(train(single.problem, [blocks[i]], alone(1)).blocks[0]).toEqual(together.blocks[i])
    })
  })

  test('at ρ = 0 it does not matter who would teach', () => {
    expect(train(made.problem, blocks, shared(0, 0.5, 0, 0.5, 0, 0))).toEqual(train(made.problem, blocks, alone(5)))
  })

  test('a lone teacher learns as at ρ = 0, the others do not', () => {
    const free = train(made.problem, blocks, alone(5))
    const taught = train(made.problem, blocks, shared(3, 0, 0, 1, 0, 0))
    expect(taught.blocks[2]).toEqual(free.blocks[2])
    // Its reported divergence from itself is what rounding leaves of zero.
    taught.losses.forEach(({ total, task }) => {
      expect(total[2]).toBeCloseTo(task[2], 6)
    })
    for (const i of [0, 1, 3, 4]) expect(taught.blocks[i]).not.toEqual(free.blocks[i])
  })

  test('who does not teach is of no consequence to anyone', () => {
    const sharing = shared(2, 0.5, 0, 0.5, 0, 0)
    const before = train(made.problem, blocks, sharing)
    const other = blocks.map((block, i) => (i === 1 ? block.map((v) => 2 * v) : block))
    const after = train(made.problem, other, sharing)
    for (const i of [0, 2, 3, 4]) expect(after.blocks[i]).toEqual(before.blocks[i])
    expect(after.blocks[1]).not.toEqual(before.blocks[1])
  })

  test('students that say the same draw each other nowhere', () => {
    const twin = make({ ...making, specs: [making.specs[2], making.specs[2]], tables: made.tables, target: made.target })
    const pair = [blocks[2], blocks[2]]
    const { losses, gradients } = stepOf(twin, pair, shared(3, 0.5, 0.5))
    expect(gradients).toEqual(stepOf(twin, pair, alone(2)).gradients)
    for (const i of [0, 1]) expect(losses.total[i]).toBeCloseTo(losses.task[i], 6)
  })

  /** Four students that all say the same, but the last: with teachers 0, 1 and 3 it is the odd one of three. */
  const same = make({ ...making, specs: Array(4).fill(making.specs[2]), tables: made.tables, target: made.target })
  const four = [blocks[2], blocks[2], blocks[2], blocks[2].map((v) => 1.5 * v)]
  const third = 1 / 3

  test('the denominator counts the student itself: a teacher is drawn to another no more than a pupil is', () => {
    const { losses } = stepOf(same, four, shared(1, third, third, 0, third))
    const apart = losses.total.map((total, i) => total - losses.task[i])
    // The pupil and the other teachers are a third of D away; the odd one, where D is symmetric, is two thirds.
    expect(apart[0]).toBeGreaterThan(0)
    expect(apart[0]).toBeCloseTo(apart[2], 6)
    if (making.task !== 'classification') expect(apart[3] / apart[0]).toBeCloseTo(2, 4)
  })

  test('normalised by the others, a lone teacher hears nothing and the others all of it', () => {
    const sharing = { ...shared(3, 0, 0, 1, 0, 0), normalizer: 'others' } as const
    const [free, all, others] = [alone(5), shared(3, 0, 0, 1, 0, 0), sharing].map((how) => stepOf(made, blocks, how))
    expect(others.gradients[2]).toEqual(free.gradients[2])
    expect(others.losses.total[2]).toBe(free.losses.total[2])
    for (const i of [0, 1, 3, 4]) {
      expect(others.gradients[i]).toEqual(all.gradients[i])
      expect(others.losses.total[i]).toBe(all.losses.total[i])
    }
  })

  test('normalised by the others, teachers hear as much as pupils do', () => {
    const { losses } = stepOf(same, four, { ...shared(1, third, third, 0, third), normalizer: 'others' })
    const apart = losses.total.map((total, i) => total - losses.task[i])
    // D is the odd one's distance: the pupil hears it of one in three, the other teachers of one in two, the odd one of both.
    expect(apart[0] / apart[2]).toBeCloseTo(3 / 2, 4)
    expect(apart[1]).toBeCloseTo(apart[0], 6)
    if (making.task !== 'classification') expect(apart[3] / apart[2]).toBeCloseTo(3, 4)
  })

  test.each([0.99, 3])('normalised by the others, at ρ = %d, (total - task) / ρ is the mean over the other teachers', (rho) => {
    for (const teachers of [
      [1, 0, 0, 0, 0],
      [0, 0.5, 0, 0.5, 0],
      [0.2, 0.2, 0.2, 0.2, 0.2],
      [0.5, 0, 3, 0, 0.25],
    ]) {
      const { losses } = stepOf(made, blocks, { ...shared(rho, ...teachers), normalizer: 'others' })
      const expected = defined(made, blocks, rho, teachers, made.problem.train, { normalizer: 'others' })
      losses.total.forEach((total, i) => {
        expect((total - losses.task[i]) / rho).toBeCloseTo((expected.total[i] - expected.task[i]) / rho, 5)
      })
    }
  })

  test.each([0.99, 3, 1000])(
    'ρ = %d: (total - task) / ρ is the mean divergence from each teacher, itself in the denominator',
    (rho) => {
      for (const teachers of [
        [1, 0, 0, 0, 0],
        [0, 0.5, 0, 0.5, 0],
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.5, 0, 3, 0, 0.25],
      ]) {
        const { losses } = stepOf(made, blocks, shared(rho, ...teachers))
        const expected = defined(made, blocks, rho, teachers)
        losses.total.forEach((total, i) => {
          const divergence = (expected.total[i] - expected.task[i]) / rho
          expect((total - losses.task[i]) / rho).toBeCloseTo(divergence, 5)
          expect(losses.task[i]).toBeCloseTo(expected.task[i], 5)
        })
      }
    },
  )

  test('validation in chunks is the mean over all rows', () => {
    const teachers = [0.5, 0, 0, 0.5, 0]
    const rows = Int32Array.from({ length: 11 }, (_, row) => row)
    const expected = defined(made, blocks, 2, teachers, rows)
    for (const capacity of [1, 4, 11, 64]) {
      const plan = planOf(made.problem, capacity)
      begin(plan, blocks)
      const losses = validate(plan, rows, mutual(plan, shared(2, ...teachers)))
      losses.task.forEach((task, i) => {
        expect(task).toBeCloseTo(expected.task[i], 5)
        expect(losses.total[i]).toBeCloseTo(expected.total[i], 5)
      })
    }
  })

  test('the order of the students does not matter, of two teachers not in a bit', () => {
    const order = [3, 0, 4, 2, 1]
    const other = make({ ...making, specs: order.map((i) => making.specs[i]), tables: made.tables, target: made.target })
    for (const teachers of [
      [0, 0, 0, 0, 0],
      [0.5, 0, 0, 0.5, 0],
    ]) {
      const before = train(made.problem, blocks, shared(0.99, ...teachers))
      const turned = order.map((i) => blocks[i])
      const after = train(other.problem, turned, shared(0.99, ...order.map((i) => teachers[i])))
      expect(after.blocks).toEqual(order.map((i) => before.blocks[i]))
      after.losses.forEach(({ task, total }, s) => {
        expect([...task]).toEqual(order.map((i) => before.losses[s].task[i]))
        expect([...total]).toEqual(order.map((i) => before.losses[s].total[i]))
      })
    }
    // Five are added up in another order: rounded once or twice otherwise.
    const all = Array(5).fill(0.2)
    const before = stepOf(made, blocks, shared(3, ...all))
    const turned = order.map((i) => blocks[i])
    const after = stepOf(other, turned, shared(3, ...all))
    order.forEach((i, k) => {
      near(after.gradients[k], before.gradients[i], 2e-6)
    })
  })

  test('the order of the modalities does not matter', () => {
    const turn = (spec: StudentSpec): StudentSpec => ({ ...spec, extractors: [...spec.extractors].reverse() })
    const renamed = (name: string) => `${1 - Number(name[0])}${name.slice(1)}`
    const tables = new Map([...made.tables].map(([name, table]) => [renamed(name), table]))
    const other = make({
      ...making,
      specs: making.specs.map(turn),
      features: [...FEATURES].reverse(),
      tables,
      target: made.target,
    })
    const turned = blocks.map((block, i) => relabel(made.problem.students[i], other.problem.students[i], block))
    const sharing = shared(0.99, 0.5, 0, 0, 0.5, 0)
    const before = stepOf(made, blocks, sharing)
    const after = stepOf(other, turned, sharing)
    after.gradients.forEach((gradient, i) => {
      near(gradient, relabel(made.problem.students[i], other.problem.students[i], before.gradients[i]), 2e-6)
      expect(after.losses.total[i]).toBeCloseTo(before.losses.total[i], 5)
    })
  })
})

/** A block of a student on two modalities as one of the same student on the modalities in reverse. */
function relabel(from: Student, to: Student, block: Float32Array): Float32Array {
  const out = new Float32Array(block.length)
  for (const { name, shape, offset, size } of to.layout.tensors) {
    const theirs = name.replace(/^encoder\.(\d)/, (_, m) => `encoder.${1 - Number(m)}`)
    const tensor = from.layout.tensors.find((t) => t.name === theirs)
    if (!tensor) throw new Error(`no tensor ${theirs}`)
    const values = block.subarray(tensor.offset, tensor.offset + size)
    if (name !== 'head.0.weight') {
      out.set(values, offset)
      continue
    }
    const [rows, width] = shape
    for (const port of to.ports) {
      const old = from.ports.find((p) => p.modality === 1 - port.modality)
      if (!old) throw new Error('no such port')
      for (let r = 0; r < rows; r++) {
        const part = values.subarray(r * width + old.offset, r * width + old.offset + old.width)
        out.set(part, offset + r * width + port.offset)
      }
    }
  }
  return out
}

describe('with modalities missing', () => {
  const patterns = ['11', '10', '01', '11', '10', '10', '01', '00', '11', '10', '10']
  const task: Making = { ...regression, patterns }

  test('a row that a student cannot see might as well not be in the batch', () => {
    const made = make(task)
    const blocks = blocksOf(made.problem)
    const whole = stepOf(made, blocks, alone(5), Int32Array.of(1, 2, 5, 0, 6, 7, 8))
    const part = stepOf(made, blocks, alone(5), Int32Array.of(2, 0, 6, 8))
    // Those are the rows of the second modality; the sums have the same terms in the same order, and zeros between.
    expect(whole.seen[1]).toBe(4)
    expect(whole.gradients[1]).toEqual(part.gradients[1])
    expect(whole.losses.task[1]).toBe(part.losses.task[1])
  })

  test('a student that sees no row of a batch is not moved, nor is its momentum, whatever the optimizer', () => {
    const { problem } = make(task)
    for (const kind of ['sgd', 'adam', 'adamw'] as const) {
      const plan = planOf(problem, 4)
      begin(plan, blocksOf(problem))
      const step = (...rows: number[]) =>
        trainBatch(plan, Int32Array.from(rows), mutual(plan, shared(0.99, 0.5, 0, 0.5, 0, 0)), { ...ADAM, kind, decay: 0.1 })
      step(0, 3, 8, 1)
      const before = (['block', 'first', 'second'] as const).map((what) => held(plan, what)[1])
      const steps = { ...plan.states[1].steps }
      expect(before[1].some((v) => v !== 0)).toBe(true)
      expect(step(1, 4, 5, 9).seen.map(({ rows }) => rows)).toEqual([4, 0, 0, 4, 0])
      expect((['block', 'first', 'second'] as const).map((what) => held(plan, what)[1])).toEqual(before)
      expect(plan.states[1].steps).toEqual(steps)
      step(2, 6, 0, 7)
      expect(held(plan, 'block')[1]).not.toEqual(before[0])
    }
  })

  test('a batch that nobody sees moves nobody', () => {
    const { problem } = make(task)
    const plan = planOf(problem, 4)
    const blocks = blocksOf(problem)
    begin(plan, blocks)
    const { losses, seen } = trainBatch(plan, Int32Array.of(7), mutual(plan, shared(0.99, 0.5, 0, 0.5, 0, 0)), ADAM)
    expect(seen.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0])
    expect([...losses.total]).toEqual([0, 0, 0, 0, 0])
    expect(held(plan, 'block')).toEqual(blocks)
  })

  test('a student that sees no validation row has the loss ∞, the others the mean over theirs', () => {
    const made = make({ ...task, train: 5 })
    const blocks = blocksOf(made.problem)
    const plan = planOf(made.problem, 2)
    begin(plan, blocks)
    const rows = Int32Array.of(4, 5, 9, 7, 10)
    const { task: losses, total } = validate(plan, rows, mutual(plan, shared(0.99, 0.5, 0, 0.5, 0, 0)))
    expect([losses[1], losses[2], total[1], total[2]]).toEqual(Array(4).fill(Number.POSITIVE_INFINITY))
    const expected = defined(made, blocks, 0.99, [0.5, 0, 0.5, 0, 0], rows)
    for (const i of [0, 3]) {
      expect(losses[i]).toBeCloseTo(expected.task[i], 5)
      expect(total[i]).toBeCloseTo(expected.total[i], 5)
    }
  })

  test('normalised by the others, a teacher in a row that no other teacher sees hears nothing there', () => {
    const made = make(task)
    const blocks = blocksOf(made.problem)
    // Student 0 sees the first modality, 1 the second, and both teach: row 1 has the first alone, row 0 has both.
    const sharing = { ...shared(2, 0.5, 0.5, 0, 0, 0), normalizer: 'others' } as const
    const lonely = stepOf(made, blocks, sharing, Int32Array.of(1))
    expect(lonely.losses.total[0]).toBe(lonely.losses.task[0])
    expect(lonely.losses.total[3]).toBeGreaterThan(lonely.losses.task[3])
    for (const rows of [Int32Array.of(0), Int32Array.of(0, 1, 3, 5)]) {
      const { losses } = stepOf(made, blocks, sharing, rows)
      const expected = defined(made, blocks, 2, [0.5, 0.5, 0, 0, 0], rows, { normalizer: 'others' })
      for (const i of [0, 1, 2, 3, 4]) expect(losses.total[i]).toBeCloseTo(expected.total[i], 5)
      expect(losses.total[0]).toBeGreaterThan(losses.task[0])
    }
  })
})
