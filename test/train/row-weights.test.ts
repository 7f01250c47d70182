import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/index.ts'
import { ensemblesFor } from '../../src/train/model.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { type ClassWeights, weightsByClass } from '../../src/train/row-weights.ts'
import { groupOf } from '../../src/train/setting.ts'
import { mutual } from '../../src/train/sharing.ts'
import { planOf, validate } from '../../src/train/step.ts'
import { finish } from '../finish.ts'
import { SOME, study, train } from '../recipe/studies.ts'
import { alone, begin, blocksOf, type Making, make, shared, specOf, stepOf } from './cohort.ts'
import { defined, softmax } from './reference.ts'
import { settle } from './settle.ts'

describe('what rows count by their class', () => {
  const target = {
    task: 'classification' as const,
    classes: ['a', 'b', 'c', 'd'],
    labels: Int32Array.of(0, 0, 0, 1, 1, 2, 3, 0),
  }
  const rows = Int32Array.of(0, 1, 2, 3, 4, 5)
  const of = (asked: ClassWeights) => {
    const weights = weightsByClass(target, rows, asked)
    return weights && Array.from(weights)
  }

  test('balanced: n / (classes · rows of the class), so each class of the training rows weighs the same together', () => {
    expect(of('balanced')).toEqual([2 / 3, 2 / 3, 2 / 3, 1, 1, 2, 1, 2 / 3])
  })

  test('by name, and 1 where no name is given', () => {
    expect(of({ b: 3, d: 0.5 })).toEqual([1, 1, 1, 3, 3, 1, 0.5, 1])
  })

  test('none, and of a regression nothing', () => {
    expect(of('none')).toBeUndefined()
    const values = { task: 'regression' as const, outputs: ['y'], values: new Float64Array(8) }
    expect(weightsByClass(values, rows, 'none')).toBeUndefined()
  })

  test('a class may have a name that objects know', () => {
    const odd = { ...target, classes: ['constructor', 'toString', '__proto__', 'x'] }
    expect(Array.from(weightsByClass(odd, rows, { x: 7 }) ?? [])).toEqual([1, 1, 1, 1, 1, 1, 7, 1])
  })
})

describe('losses of rows that count differently', () => {
  const specs = ['raw skip', 'skip raw', 'raw raw'].map((e) => specOf(e, 3, { hidden: [6], activation: 'tanh' }))
  const patterns = ['11', '10', '11', '01', '11', '10', '01', '11', '11']
  const making: Making = { specs, features: [4, 3], rows: 9, task: 'classification', patterns }
  const weights = Float64Array.of(2, 1, 1, 3, 1, 2, 1, 1, 2)
  const made = make({ ...making, weights })
  const blocks = blocksOf(made.problem)
  const plain = make({ ...making, tables: made.tables, target: made.target })
  const twice = Int32Array.from(Array.from(made.problem.train).flatMap((row) => Array<number>(weights[row]).fill(row)))

  test('a row of weight two is a row that stands twice', () => {
    const weighed = stepOf(made, blocks, alone(3))
    const repeated = stepOf(plain, blocks, alone(3), twice)
    for (const i of [0, 1, 2]) {
      expect(weighed.losses.task[i]).toBeCloseTo(repeated.losses.task[i], 6)
      weighed.gradients[i].forEach((g, p) => {
        expect(g).toBeCloseTo(repeated.gradients[i][p], 6)
      })
    }
  })

  test('but for the divergence, where every row is one', () => {
    const sharing = shared(2, 0.5, 0, 0.5)
    const [weighed, even] = [made, plain].map((of) => stepOf(of, blocks, sharing).losses)
    for (const i of [0, 1, 2]) {
      expect(weighed.total[i] - weighed.task[i]).toBeCloseTo(even.total[i] - even.task[i], 6)
      expect(weighed.task[i]).not.toBeCloseTo(even.task[i], 4)
    }
  })

  test('only the proportions of the weights matter', () => {
    const four = make({ ...making, tables: made.tables, target: made.target, weights: weights.map((w) => 4 * w) })
    const sharing = shared(2, 0.5, 0, 0.5)
    expect(stepOf(four, blocks, sharing).gradients).toEqual(stepOf(made, blocks, sharing).gradients)
    const ones = make({ ...making, tables: made.tables, target: made.target, weights: new Float64Array(9).fill(1) })
    expect(stepOf(ones, blocks, sharing).gradients).toEqual(stepOf(plain, blocks, sharing).gradients)
  })

  test('validation in chunks is the weighted mean over all rows', () => {
    const rows = Int32Array.from({ length: 9 }, (_, row) => row)
    const expected = defined(made, blocks, 2, [0.5, 0, 0.5], rows)
    for (const capacity of [1, 4, 64]) {
      const plan = planOf(made.problem, capacity)
      begin(plan, blocks)
      const { task, total } = validate(plan, rows, mutual(plan, shared(2, 0.5, 0, 0.5)))
      for (const i of [0, 1, 2]) {
        expect(task[i]).toBeCloseTo(expected.task[i], 5)
        expect(total[i]).toBeCloseTo(expected.total[i], 5)
      }
    }
  })
})

describe('label smoothing', () => {
  test('is no part of what students are judged by', () => {
    const making: Making = { specs: [specOf('raw', 3, { hidden: [4] })], features: [5], rows: 9, task: 'classification' }
    const [made, plain] = [make({ ...making, smoothing: 0.3 }), make(making)]
    const blocks = blocksOf(made.problem)
    const [smooth, hard] = [made, plain].map((of) => stepOf(of, blocks, alone(1)))
    expect(smooth.losses.task).toEqual(hard.losses.task)
    expect(smooth.losses.total).not.toEqual(hard.losses.total)
    expect(hard.losses.total).toEqual(hard.losses.task)
    expect(smooth.gradients).not.toEqual(hard.gradients)
  })
})

describe('as settings', () => {
  const given = study({ present: SOME, task: 'classification' })
  const learned = ({ students, ensembles, provenance }: Model) => ({ students, ensembles, losses: provenance.rhoLosses })
  const modelOf = (config: object) => learned(train(given, { baselines: false, ...config }).model)
  const even = modelOf({})

  test('classes that count the same are as none that count, down to the ensembles', () => {
    expect(modelOf({ classWeights: { low: 2, middle: 2, high: 2 } })).toEqual(even)
  })

  test('classes that do not are another cohort, judged by other losses', () => {
    const other = modelOf({ classWeights: { low: 5 } })
    other.students.forEach(({ block, loss }, i) => {
      expect(block).not.toEqual(even.students[i].block)
      expect(loss).not.toBe(even.students[i].loss)
    })
  })

  test('ensembles are weighed by the losses of rows that count by their class', () => {
    const setting = settle(study({ task: 'classification' }), { classWeights: { low: 9 } })
    const specs = ['raw skip skip', 'skip raw raw', 'raw raw raw'].map((e) => specOf(e, 3, { hidden: [8] }))
    const group = groupOf(setting, specs)
    const stage = { rho: 0, best: group.starts, losses: Float64Array.of(1, 1, 1), bestEpoch: Int32Array.of(1, 1, 1), epochs: [] }
    const { weights } = finish(ensemblesFor(setting, group, stage, setting.resolved.ensembles)).ensembles
    const rows = setting.splits.validation
    const outputs = cohortOutputs(group.plan, group.starts, rows)
    const inverse = specs.map((_, i) => {
      const losses = Array.from(rows, (row, b) => {
        const at = 3 * (i * rows.length + b)
        const label = setting.wanted[row]
        const weight = label === 0 ? 9 : 1
        return [weight, -weight * Math.log(softmax([...outputs.subarray(at, at + 3)])[label])]
      })
      const sum = (k: number) => losses.reduce((total, of) => total + of[k], 0)
      return sum(0) / sum(1)
    })
    const all = inverse.reduce((a, b) => a + b)
    weights['weighted-average']?.[0].forEach((w, i) => {
      expect(w).toBeCloseTo(inverse[i] / all, 6)
    })
  })

  test('smoothed labels keep the students from being sure', () => {
    const smooth = modelOf({ labelSmoothing: 0.5, rho: [0], epochs: 40 })
    const sure = modelOf({ rho: [0], epochs: 40 })
    const size = ({ students }: typeof even) => students.reduce((sum, s) => sum + s.block.reduce((t, v) => t + v * v, 0), 0)
    expect(size(smooth)).toBeLessThan(size(sure))
  })
})
