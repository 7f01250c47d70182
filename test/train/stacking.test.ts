import { describe, expect, test } from 'vitest'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { metaLearner, sideBySide } from '../../src/fusion/stacking.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import type { Judged } from '../../src/train/ensembling.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import {
  fitMeta,
  foldsOf,
  outOfFold,
  STACKING_ROWS,
  type StackingSpec,
  stackOutputs,
  trainMeta,
} from '../../src/train/stacking.ts'
import { planOf } from '../../src/train/step.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { finish } from '../finish.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { module, SOME, SPLITS, study, train } from '../recipe/studies.ts'
import { blocksOf, make, specOf } from './cohort.ts'
import { combineOutputs } from './combine.ts'

const session = trainSession()
const random = randomFrom(session, 4)
const SPEC = { epochs: 20, rate: 0.01, decay: 0, folds: 4, batch: 16 }

/** Three students of whom no average is right: the truth is the first minus the second, the third knows nothing. */
function crossed(rows: number, seed: number, task: 'regression' | 'classification' = 'regression'): Judged {
  const n = numbers(seed)
  if (task === 'regression') {
    const outputs = n.f32(3 * rows, -1, 1)
    return {
      outputs,
      students: 3,
      target: Float32Array.from({ length: rows }, (_, b) => outputs[b] - outputs[rows + b]),
      width: 1,
    }
  }
  // Of two classes: where the first student is sure of one, it is the other.
  const target = n.i32(rows, 2)
  const outputs = n.f32(3 * rows * 2, -1, 1)
  for (let b = 0; b < rows; b++) outputs[2 * b + 1 - target[b]] += 2
  return { outputs, students: 3, target, width: 2 }
}
const mse = (values: Float32Array, { target }: Judged) =>
  values.reduce((sum, v, i) => sum + (v - target[i]) ** 2, 0) / values.length

test('what a meta learner reads: students side by side, 0 where one is silent', () => {
  const outputs = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  expect([...sideBySide(outputs, [0, 2], 3, 2)]).toEqual([1, 2, 0, 0, 5, 6, 3, 4, 0, 0, 7, 8])
})

test('folds are as equal as can be, and every row has one', () => {
  for (const [n, k] of [
    [10, 3],
    [9, 3],
    [4, 5],
    [1, 2],
  ]) {
    const sizes = Array.from({ length: k }, (_, fold) => foldsOf(n, k, random).filter((f) => f === fold).length)
    expect(sizes.reduce((a, b) => a + b)).toBe(n)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  }
})

test('a group is in one fold, and the folds have as many groups as can be', () => {
  const groups = Array.from({ length: 30 }, (_, row) => `p${(7 * row) % 10}`)
  const fold = foldsOf(30, 3, random, groups)
  const foldsIn = new Map(groups.map((name) => [name, new Set(fold.filter((_, row) => groups[row] === name))]))
  expect([...foldsIn.values()].map((set) => set.size)).toEqual(Array(10).fill(1))
  const counts = [0, 1, 2].map((k) => [...foldsIn.values()].filter((set) => set.has(k)).length)
  expect(counts.sort()).toEqual([3, 3, 4])
})

describe('a meta learner', () => {
  test('learns what no average can say', () => {
    const [fit, choose, test] = [crossed(200, 1), crossed(60, 2), crossed(60, 3)]
    for (const rows of [{ fit, choose }, { fit }]) {
      const stacked = stackOutputs(session, { ...rows, test: test.outputs }, { ...SPEC, epochs: 60 }, random)
      const spec = {
        rules: ['greedy', 'weighted-average'],
        average: 'logits',
        greedy: { best: 1, prune: 0, most: 3 },
        bagging: { share: 1 },
      } as const
      const averages = combineOutputs(session, { validation: fit, test: test.outputs }, spec, random)
      for (const values of averages.values()) expect(mse(stacked, test)).toBeLessThan(0.1 * mse(values, test))
    }
  })

  test('of classes says probabilities, and learns that a student is wrong', () => {
    const [fit, test] = [crossed(200, 5, 'classification'), crossed(60, 6, 'classification')]
    const p = stackOutputs(session, { fit, test: test.outputs }, { ...SPEC, epochs: 40 }, random)
    const right = Array.from(test.target, (label, b) => p[2 * b + label] > 0.5).filter(Boolean).length
    expect(right).toBeGreaterThan(54)
    for (let b = 0; b < 60; b++) expect(p[2 * b] + p[2 * b + 1]).toBeCloseTo(1, 5)
  })

  test('is of the epoch with the smallest loss on the rows that choose', () => {
    const [fit, choose] = [crossed(40, 7), crossed(30, 8)]
    const start = numbers(9).f32(metaLearner(3, 1).layout.size)
    const both: Judged = {
      outputs: Float32Array.from(
        [0, 1, 2].flatMap((i) => [...fit.outputs.subarray(40 * i, 40 * i + 40), ...choose.outputs.subarray(30 * i, 30 * i + 30)]),
      ),
      students: 3,
      target: Float32Array.from([...fit.target, ...choose.target]),
      width: 1,
    }
    const course = { ...SPEC, rate: 0.2, start, order: () => Int32Array.from({ length: 40 }, (_, row) => row) }
    const held = Int32Array.from({ length: 30 }, (_, i) => 40 + i)
    const { epochs, losses, bestEpoch, best } = finish(trainMeta(session, both, held, course))
    const all = epochs.map((e) => e.validation.task[0])
    expect(losses[0]).toBe(Math.min(...all))
    expect(bestEpoch[0]).toBe(1 + all.indexOf(losses[0]))
    expect(bestEpoch[0]).toBeLessThan(SPEC.epochs)
    // What is kept is what stands there when training ends at that epoch, and rows that choose are not learned from.
    const again = finish(trainMeta(session, both, new Int32Array(), { ...course, epochs: bestEpoch[0] }))
    expect(again.best[0].block).toEqual(best[0].block)
  })

  test('is not fitted on the rows that choose: their students’ outputs may be anything', () => {
    // One epoch leaves nothing to choose.
    const [fit, choose] = [crossed(40, 10), crossed(30, 11)]
    const one = { ...SPEC, epochs: 1 }
    const block = (c: Judged) => finish(fitMeta(session, { fit, choose: c }, one, random)).block
    expect(block({ ...choose, outputs: choose.outputs.map((v) => 5 - v) })).toEqual(block(choose))
  })

  test('without such rows takes the number of epochs that is best in cross-validation, on all rows', () => {
    const fit = crossed(45, 12)
    // Noise instead of a truth: the sooner it stops, the better.
    const noise = { ...fit, target: numbers(13).f32(45, -1, 1) }
    const steep = { ...SPEC, rate: 0.1, epochs: 15 }
    const stream = randomFrom(session, 8)
    const mine = finish(fitMeta(session, { fit: noise }, steep, stream))
    const start = stream.fork('weights')
    const orders = stream.fork('order')
    const order = (e: number) => orders.fork(`epoch ${e}`).permutation(45)
    const fold = foldsOf(45, 4, stream.fork('folds'))
    const losses = new Float64Array(15)
    const bound = 1 / Math.sqrt(3)
    const head = start.fork('head meta')
    const first = Float32Array.from([...head.uniform(12, -bound, bound), ...head.uniform(4, -bound, bound)])
    for (let k = 0; k < 4; k++) {
      const left = Int32Array.from(fold.keys()).filter((row) => fold[row] === k)
      const { epochs } = finish(
        trainMeta(session, noise, left, { ...steep, start: first, order: (e) => order(e).filter((row) => fold[row] !== k) }),
      )
      epochs.forEach((e, i) => {
        losses[i] += (e.validation.task[0] * left.length) / 45
      })
    }
    const best = 1 + losses.indexOf(Math.min(...losses))
    expect(best).toBeLessThan(15)
    const all = finish(trainMeta(session, noise, new Int32Array(), { ...steep, epochs: best, start: first, order }))
    expect(mine).toEqual({ block: all.best[0].block, diverged: false })
  })

  test('counts rows by their weight: one that counts twice is one that is there twice', () => {
    const given = crossed(12, 17, 'classification')
    const both = (values: Float32Array, from: number) => [...values.subarray(from, from + 24), ...values.subarray(from, from + 2)]
    const twice: Judged = {
      ...given,
      outputs: Float32Array.from([0, 24, 48].flatMap((from) => both(given.outputs, from))),
      target: Int32Array.from([...given.target, given.target[0]]),
    }
    const weights = Float64Array.from({ length: 12 }, (_, b) => (b === 0 ? 2 : 1))
    const choose = crossed(9, 18, 'classification')
    const course = { ...SPEC, epochs: 3, batch: 16 }
    const of = (fit: Judged, by: Judged = choose) => finish(fitMeta(session, { fit, choose: by }, course, random)).block
    const weighted = of({ ...given, weights }, { ...choose, weights: new Float64Array(9).fill(1) })
    // Batches of all rows: their order matters to the last bits alone.
    of(twice).forEach((v, k) => {
      expect(weighted[k]).toBeCloseTo(v, 4)
    })
    expect(Math.max(...of(given).map((v, k) => Math.abs(v - weighted[k])))).toBeGreaterThan(1e-3)
  })

  test.each([1, 2, 3])('of %d rows is still a network of finite numbers', (rows) => {
    expect(finish(fitMeta(session, { fit: crossed(rows, 14) }, SPEC, random)).block.every(Number.isFinite)).toBe(true)
  })

  test('says that it diverged, with and without rows that choose', () => {
    const [fit, choose] = [crossed(30, 19), crossed(9, 20)]
    const wild = { ...fit, outputs: fit.outputs.map((v) => 1e30 * v) }
    for (const rows of [{ fit: wild }, { fit: wild, choose: { ...choose, outputs: choose.outputs.map((v) => 1e30 * v) } }]) {
      const { block, diverged } = finish(fitMeta(session, rows, SPEC, random))
      expect(diverged).toBe(true)
      expect(block.every(Number.isFinite)).toBe(true)
    }
    for (const rows of [{ fit }, { fit, choose }]) expect(finish(fitMeta(session, rows, SPEC, random)).diverged).toBe(false)
  })

  test('takes nothing of the session', () => {
    const before = session.memory.mark()
    finish(fitMeta(session, { fit: crossed(30, 15) }, SPEC, random))
    stackOutputs(session, { fit: crossed(30, 15), test: crossed(9, 16).outputs }, SPEC, random)
    expect(session.memory.mark()).toBe(before)
  })
})

test('out of fold: every row by students that were trained on all rows but those of its fold', () => {
  const { problem } = make({ specs: ['raw skip', 'mlp(3) raw'].map((e) => specOf(e, 2)), features: [4, 3], rows: 20, train: 15 })
  const plan = planOf(problem, 8)
  const rows = Int32Array.of(14, 3, 7, 0, 9, 11)
  const fold = Int32Array.of(1, 0, 2, 1, 0, 2)
  const trained: { left: Int32Array; best: { block: Float32Array }[] }[] = []
  function* train(left: Int32Array): Generator<never, Float32Array> {
    const best = blocksOf(problem, 30 + trained.length).map((block) => ({ block }))
    trained.push({ left, best })
    return cohortOutputs(plan, best, left)
  }
  const all = finish(outOfFold(plan, rows, fold, (folds) => folds.map(train)))
  expect(trained).toHaveLength(3)
  rows.forEach((row, b) => {
    const without = trained.filter(({ left }) => left.includes(row))
    expect(without).toHaveLength(1)
    expect(without[0].left).toEqual(rows.filter((_, other) => fold[other] === fold[b]))
    const said = cohortOutputs(plan, without[0].best, Int32Array.of(row))
    for (const i of [0, 1]) {
      const at = (i * rows.length + b) * 2
      expect(all.slice(at, at + 2)).toEqual(said.slice(2 * i, 2 * i + 2))
    }
  })
})

describe.each(['regression', 'classification'] as const)('stacking in a training: %s', (task) => {
  const given = study({ present: SOME, task, outputs: task === 'regression' ? 2 : 1 })
  const config = (rows: StackingSpec['rows']) => ({
    baselines: false,
    ensembles: ['greedy', 'stacking'] as const,
    stacking: { rows, epochs: 8, folds: 3 },
  })
  const models = new Map(STACKING_ROWS.map((rows) => [rows, train(given, config(rows)).model]))

  test('is another network for other rows, of the same students', () => {
    const of = (rows: StackingSpec['rows']) => models.get(rows)!
    for (const [a, b] of [
      ['train', 'validation'],
      ['train', 'out-of-fold'],
      ['validation', 'out-of-fold'],
    ] as const) {
      expect(of(a).students).toEqual(of(b).students)
      expect(of(a).ensembles.stacking).not.toEqual(of(b).ensembles.stacking)
    }
  })

  test.each(STACKING_ROWS)(
    '%s: the same model again, of finite numbers, that says something for every row that has anything',
    (rows) => {
      const model = models.get(rows)!
      const { stacking } = train(given, config(rows)).model.ensembles
      expect(stacking).toEqual(model.ensembles.stacking)
      expect(stacking!.every(Number.isFinite)).toBe(true)
      const { values, outputs } = createPredictor(openTrainSession(module), model, 'stacking').predict(given.data)
      given.data.ids.forEach((_, row) => {
        const some = given.data.modalities.some((m) => m.present[row] === 1)
        expect(values.subarray(row * outputs.length, (row + 1) * outputs.length).every(Number.isFinite)).toBe(some)
      })
    },
  )

  test('is the same whatever other rules are built', () => {
    const bare = train(given, { ...config('validation'), ensembles: ['stacking'] }).model
    expect(bare.ensembles.stacking).toEqual(models.get('validation')!.ensembles.stacking)
  })

  test.each(['validation', 'out-of-fold'] as const)('%s: the folds keep the groups of the data whole', (rows) => {
    // Five subjects in each part.
    const groups = given.data.ids.map((_, row) => `${row % 10 < 6 ? 'a' : row % 10 < 8 ? 'b' : 'c'}${Math.floor(row / 30)}`)
    const steep = { ...config(rows), stacking: { rows, epochs: 40, folds: 3, rate: 0.1 } }
    const stacked = (own?: readonly string[]) =>
      train({ data: { ...given.data, groups: own }, splits: SPLITS }, steep).model.ensembles.stacking
    expect(stacked(given.data.ids)).toEqual(stacked())
    expect(stacked(groups)).not.toEqual(stacked())
  })

  test('the test rows have no part in it', () => {
    const blind = train({ data: given.data, splits: { ...SPLITS, test: new Int32Array() } }, config('out-of-fold')).model
    expect(blind.ensembles.stacking).toEqual(models.get('out-of-fold')!.ensembles.stacking)
  })
})

test('a model whose meta learner diverged says so, and one whose did not does not', () => {
  const notes = (config: TrainConfig) =>
    train(study(), { ensembles: ['stacking', 'greedy'], rho: [0], baselines: false, ...config }).model.provenance.notes
  // One step of this rate makes of every student a network of huge numbers.
  const huge = { head: [8, 8, 8], batch: 90, epochs: 1, optimizer: { rate: 1e6 } }
  expect(notes(huge)).toContain('the meta learner of stacking diverged: lower stacking.rate, or go by another ensemble')
  expect(notes({})).toEqual([])
})
