// Every gradient that training uses, against differences of the definition in f64 (train/reference.ts).
//
// TOLERANCE is of the largest entry of a gradient: f32 sums of some dozens of products, 2⁻²⁴ each, through up to six layers; the
// differences themselves are right to 1e-9. The largest error there is, over all cases below, is 1.6e-6.

import { describe, expect, test } from 'vitest'
import type { Pattern } from '../src/fusion/availability.ts'
import { ACTIVATIONS, type Activation, type Dense, dense } from '../src/nn/dense.ts'
import { mlp, mlpLayers } from '../src/nn/mlp.ts'
import { denseGradient, denseInputGradient, throughActivation } from '../src/train/backward/dense.ts'
import { mlpGradient } from '../src/train/backward/mlp.ts'
import type { Normalizer } from '../src/train/sharing.ts'
import { numbers } from './kernels/harness.ts'
import { trainSession } from './kernels/kernels.ts'
import { blocksOf, type Made, type Making, make, masksOf, shared, specOf, stepOf } from './train/cohort.ts'
import { defined, network, sizeOf, slope } from './train/reference.ts'

const TOLERANCE = 4e-6

function close(what: string, mine: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(mine.length, what).toBe(expected.length)
  const size = Math.max(...Array.from(expected, Math.abs))
  expect(size, `${what}: a gradient of zeros says nothing`).toBeGreaterThan(0)
  const worst = Math.max(...Array.from(expected, (v, p) => Math.abs(mine[p] - v))) / size
  expect(worst, what).toBeLessThanOrEqual(TOLERANCE)
}

describe('a layer', () => {
  const [B, inputs, outputs] = [5, 7, 6]
  const random = numbers(3)
  const { kernels, memory } = trainSession()
  const parameters = random.f32(outputs * (inputs + 1))
  const x = random.f32(B * inputs)
  const pull = random.f32(B * outputs)
  const weight = memory.put(parameters)

  /** Σ pull · y: its gradient before the layer is what the layer sends back. */
  const pulled = (activation: Activation, block: ArrayLike<number>, rows: ArrayLike<number>) => {
    let sum = 0
    for (let b = 0; b < B; b++) {
      // A second, linear layer with the unit matrix, so that the first one has its activation.
      const unit = Array.from({ length: outputs * (outputs + 1) }, (_, i) =>
        i < outputs * outputs && i % (outputs + 1) === 0 ? 1 : 0,
      )
      const row = Array.from({ length: inputs }, (_, k) => rows[b * inputs + k])
      const y = network(row, [inputs, outputs, outputs], activation, [...Array.from(block), ...unit])
      y.forEach((v, d) => {
        sum += pull[b * outputs + d] * v
      })
    }
    return sum
  }

  test.each(ACTIVATIONS)('%s: weight, bias and input, in windows of wider buffers', (activation) => {
    const layer: Dense = { weight, bias: weight + 4 * inputs * outputs, inputs, outputs, activation }
    const wide = (width: number) => ({ at: memory.alloc(4 * B * (width + 3)), ld: width + 3 })
    const [X, Y, dY, dX] = [wide(inputs), wide(outputs), wide(outputs), wide(inputs)]
    const rowOf = (at: number, ld: number, b: number, width: number) => memory.f32(at + 4 * b * ld, width)
    for (let b = 0; b < B; b++) {
      rowOf(X.at, X.ld, b, inputs).set(x.subarray(b * inputs, (b + 1) * inputs))
      rowOf(dY.at, dY.ld, b, outputs).set(pull.subarray(b * outputs, (b + 1) * outputs))
    }
    dense(kernels, Y, X, layer, B)
    throughActivation(kernels, dY, Y, layer, B)
    const gradient = memory.alloc(4 * parameters.length)
    denseGradient(kernels, gradient, gradient + 4 * inputs * outputs, dY, X, layer, B)
    close(
      'block',
      memory.f32(gradient, parameters.length),
      slope((p) => pulled(activation, p, x), parameters),
    )

    const wanted = slope((rows) => pulled(activation, parameters, rows), x)
    denseInputGradient(kernels, dX, dY, layer, B, 0, inputs)
    const whole = Array.from({ length: B }, (_, b) => Array.from(rowOf(dX.at, dX.ld, b, inputs))).flat()
    close('input', whole, wanted)
    // Three inputs from the third on: the port of an encoder.
    denseInputGradient(kernels, dX, dY, layer, B, 2, 3)
    const part = Array.from({ length: B }, (_, b) => Array.from(rowOf(dX.at, dX.ld, b, 3))).flat()
    close(
      'part of the input',
      part,
      wanted.filter((_, i) => i % inputs >= 2 && i % inputs < 5),
    )
  })
})

describe('a network', () => {
  const random = numbers(4)

  test.each([
    ['one layer', 6, [5, 3]],
    ['two layers', 6, [5, 9, 2]],
    ['three layers, narrow after wide', 6, [3, 17, 4, 1]],
    ['five layers', 6, [4, 6, 5, 7, 3, 2]],
    ['four layers, on more rows than are multiplied at once', 70, [2, 4, 3, 5, 2]],
  ])('%s: every parameter and the input', (_, B, widths) => {
    for (const activation of ACTIVATIONS) {
      const { kernels, memory } = trainSession()
      const spec = { widths, activation }
      const size = sizeOf(widths)
      const [inputs, outputs] = [widths[0], widths[widths.length - 1]]
      const [parameters, x, pull] = [random.f32(size), random.f32(B * inputs), random.f32(B * outputs)]
      const window = (width: number) => ({ at: memory.alloc(4 * B * width), ld: width })
      const layers = mlpLayers(spec, memory.put(parameters))
      const hidden = widths.slice(1, -1).map(window)
      const X = { at: memory.put(x), ld: inputs }
      const dY = { at: memory.put(pull), ld: outputs }
      mlp(kernels, window(outputs), X, layers, hidden, B)
      const gradient = memory.alloc(4 * size)
      const widest = 4 * B * Math.max(...widths)
      const turns = [memory.alloc(widest), memory.alloc(widest)]
      const below = hidden.map(({ ld }, l) => ({ at: turns[l % 2], ld }))
      const d = mlpGradient(kernels, gradient, dY, X, layers, hidden, below, B)
      const dX = window(inputs)
      denseInputGradient(kernels, dX, d, layers[0], B, 0, inputs)

      const pulled = (block: ArrayLike<number>, rows: ArrayLike<number>) => {
        const pullOf = (b: number) => {
          const row = Array.from({ length: inputs }, (_, k) => rows[b * inputs + k])
          return network(row, widths, activation, block).reduce((sum, v, o) => sum + pull[b * outputs + o] * v, 0)
        }
        return Array.from({ length: B }, (_, b) => pullOf(b)).reduce((a, b) => a + b)
      }
      close(
        `${activation} block`,
        memory.f32(gradient, size),
        slope((p) => pulled(p, x), parameters),
      )
      close(
        `${activation} input`,
        memory.f32(dX.at, B * inputs),
        slope((rows) => pulled(parameters, rows), x),
      )
    }
  })
})

/** Teachers' weights of the whole cohort of KINDS, 0 for those not given. */
const everyone = (weights: readonly number[]): number[] => Object.values(KINDS).map((_, i) => weights[i] ?? 0)

/**
 * Every student's losses and every entry of its gradient, with the masks that were drawn where the cohort has dropout.
 * @param given the teachers' weights, 0 for those left out
 */
function check(made: Made, rho: number, given: readonly number[], rows?: Int32Array, normalizer?: Normalizer): void {
  const teachers = everyone(given)
  const blocks = blocksOf(made.problem)
  const mine = stepOf(made, blocks, { ...shared(rho, ...teachers), normalizer }, rows)
  const masks = made.problem.dropout && masksOf(mine.plan)
  const expected = defined(made, blocks, rho, teachers, rows, { normalizer, masks })
  expected.gradients.forEach((gradient, i) => {
    const { spec } = made.problem.students[i]
    if (mine.seen[i] === 0) {
      expect(mine.losses.task[i]).toBe(0)
      expect(mine.gradients[i].every((v) => v === 0)).toBe(true)
      return
    }
    expect(mine.losses.task[i] / expected.task[i]).toBeCloseTo(1, 5)
    expect(mine.losses.total[i] / expected.total[i]).toBeCloseTo(1, 5)
    close(`student ${i}, ${JSON.stringify(spec)}`, mine.gradients[i], gradient)
  })
}

/** A cohort of every kind of student on modalities of 5, 4 and 3 features. */
const KINDS = {
  'raw features of one modality': 'skip raw skip',
  'raw features of all': 'raw raw raw',
  'a network on one modality': 'skip mlp(6,3) skip',
  'a network of one layer': 'mlp(2) skip skip',
  'networks on two modalities': 'mlp(7,3) skip mlp(4,5,2)',
  'a PCA': 'pca(3) skip skip',
  'raw, PCA and a network': 'raw pca(2) mlp(4,2)',
  'networks around raw features': 'mlp(3) raw mlp(5,4)',
  'cuts of two networks, and raw features': 'sliced(6,3) raw sliced(4)',
  'a cut, a frozen one and a network': 'sliced(5) frozen-sliced(3) mlp(4,2)',
}
const FEATURES = [5, 4, 3]
const kinds = (outputs: number, activation: Activation, hidden = [6, 5]) =>
  Object.values(KINDS).map((extractors) => specOf(extractors, outputs, { hidden, activation }))

/** Tasks with as many outputs. */
const TASKS: [string, Pick<Making, 'task'>, number][] = [
  ['squared error of one output', {}, 1],
  ['squared error of three outputs', {}, 3],
  ['cross-entropy of two classes', { task: 'classification' }, 2],
  ['cross-entropy of five classes', { task: 'classification' }, 5],
]

describe.each(TASKS)('%s', (_, task, outputs) => {
  describe.each(ACTIVATIONS)('%s', (activation) => {
    test.each(Object.entries(KINDS))('%s', (_, extractors) => {
      const specs = [specOf(extractors, outputs, { hidden: [6, 5], activation })]
      check(make({ ...task, specs, features: FEATURES, rows: 7, seed: 11 }), 0, [0])
    })
  })

  test('a head without hidden layers', () => {
    check(make({ ...task, specs: kinds(outputs, 'relu', []), features: FEATURES, rows: 7 }), 0, [])
  })

  test('a batch of one row', () => {
    check(make({ ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 1 }), 1, [0, 0.5, 0, 0.5, 0, 0, 0, 0])
  })

  test('a row that stands twice in a batch counts twice', () => {
    const made = make({ ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 5 })
    check(made, 2, [0, 0.5, 0, 0.5, 0, 0, 0, 0], Int32Array.of(3, 1, 3, 4))
  })

  test.each([
    ['two teachers', [0, 0.5, 0, 0, 0.5, 0, 0, 0]],
    ['three teachers of different weight', [0.1, 0, 0, 0.7, 0, 0, 0.2, 0]],
    ['everyone', new Array(10).fill(0.1)],
    ['one teacher', [0, 0, 0, 0, 0, 1, 0, 0]],
    ['students of cuts', [0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5]],
    ['teachers whose weights do not sum to 1', [3, 0, 0, 1, 0, 0, 0, 0]],
  ])('drawn to %s', (_, teachers) => {
    const made = make({ ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 7, seed: 5 })
    check(made, 3, teachers)
  })

  test('drawn to teachers, normalised by the others of them', () => {
    const made = make({ ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 7, seed: 5 })
    for (const teachers of [[0, 0.5, 0, 0, 0.5, 0, 0, 0], [0.1, 0, 0, 0.7, 0, 0, 0.2, 0], new Array(8).fill(0.125)]) {
      check(made, 3, teachers, undefined, 'others')
    }
  })

  test.each(ACTIVATIONS)('%s with dropout, of heads and encoders', (activation) => {
    const made = make({ ...task, specs: kinds(outputs, activation), features: FEATURES, rows: 7, seed: 11, dropout: 0.4 })
    check(made, 0.99, [0, 0.5, 0, 0, 0.5, 0, 0, 0])
  })

  test('rows of different weight: the task goes by the weights, the divergence does not', () => {
    const weights = Float64Array.of(0.3, 2, 1, 0.7, 5, 1.1, 0.2)
    const made = make({ ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 7, seed: 5, weights })
    check(made, 0.99, [0, 0.5, 0, 0, 0.5, 0, 0, 0])
  })

  describe('with modalities missing', () => {
    const patterns: Pattern[] = ['111', '011', '110', '100', '001', '111', '010', '101', '000']
    const missing = { ...task, specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 9, patterns, seed: 6 }

    test('with rows of different weight, dropout, and the normaliser of the others, all at once', () => {
      const weights = Float64Array.of(0.3, 2, 1, 0.7, 5, 1.1, 0.2, 3, 4)
      const made = make({ ...missing, weights, dropout: 0.3 })
      for (const teachers of [[0, 0.5, 0, 0, 0.5, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0, 0], new Array(8).fill(0.125)]) {
        check(made, 0.99, teachers, undefined, 'others')
      }
      check(made, 3, [0, 0, 0, 0, 0, 1, 0, 0], Int32Array.of(1, 4, 6, 8), 'others')
    })

    test('each student learns from the rows it sees, of those teachers that see them', () => {
      const made = make(missing)
      for (const teachers of [[0, 0.5, 0, 0, 0.5, 0, 0, 0], [0.25, 0, 0.5, 0.25, 0, 0, 0, 0], new Array(10).fill(0.1)]) {
        check(made, 0.99, teachers)
      }
    })

    test('in rows where no teacher speaks there is no divergence', () => {
      // Student 5 needs the first modality alone, and teaches alone: rows without it have no teacher.
      const made = make(missing)
      check(made, 3, [0, 0, 0, 0, 0, 1, 0, 0])
      check(made, 3, [0, 0, 0, 0, 0, 1, 0, 0], Int32Array.of(1, 4, 6, 8))
    })

    test('a student that fills learns from every row with any of its modalities', () => {
      const filled = missing.specs.map((spec, i) => (i % 2 ? { ...spec, fills: true } : spec))
      check(make({ ...missing, specs: filled }), 0.99, [0, 0.5, 0, 0.5, 0, 0, 0, 0])
    })

    test('what is in a row that a student cannot see never reaches its gradient', () => {
      const made = make(missing)
      const blocks = blocksOf(made.problem)
      const sharing = shared(0.99, ...everyone([0, 0.5, 0, 0, 0.5]))
      const before = stepOf(made, blocks, sharing)
      // Other numbers in every modality of every row that lacks it.
      const tables = new Map(
        [...made.tables].map(([name, { values, width }]) => {
          const m = Number(name[0])
          return [name, { width, values: values.map((v, i) => (patterns[Math.floor(i / width)][m] === '1' ? v : 900 - v)) }]
        }),
      )
      const after = stepOf(make({ ...missing, tables, target: made.target }), blocks, sharing)
      expect(after.gradients).toEqual(before.gradients)
      expect(after.losses).toEqual(before.losses)
    })

    test('nor does the target of such a row', () => {
      const made = make(missing)
      const blocks = blocksOf(made.problem)
      const sharing = shared(0.99, ...everyone([0, 0.5, 0, 0, 0.5]))
      const before = stepOf(made, blocks, sharing)
      const blind = 1
      const per = made.target.length / 9
      const target = made.target.slice()
      made.problem.sees[blind].forEach((sees, row) => {
        if (sees) return
        for (let d = 0; d < per; d++) target[row * per + d] = task.task ? (target[row] + 1) % outputs : 50
      })
      const after = stepOf(make({ ...missing, target }), blocks, sharing)
      expect(after.gradients[blind]).toEqual(before.gradients[blind])
      expect(after.losses.total[blind]).toBe(before.losses.total[blind])
      expect(after.gradients[3]).not.toEqual(before.gradients[3])
    })
  })
})

describe.each([2, 5])('label smoothing over %d classes', (outputs) => {
  const making: Making = { task: 'classification', specs: kinds(outputs, 'tanh'), features: FEATURES, rows: 9, seed: 7 }
  const patterns: Pattern[] = ['111', '011', '110', '100', '001', '111', '010', '101', '000']

  test.each([0.05, 0.5, 0.99])('ε = %d', (smoothing) => {
    check(make({ ...making, smoothing }), 0, new Array(8).fill(0))
  })

  test('with teachers, rows of different weight and modalities missing', () => {
    const weights = Float64Array.of(0.3, 2, 1, 0.7, 5, 1.1, 0.2, 3, 4)
    check(make({ ...making, smoothing: 0.2, weights, patterns }), 0.99, [0.25, 0, 0.5, 0.25, 0, 0, 0, 0])
  })
})
