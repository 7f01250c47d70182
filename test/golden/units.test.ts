// Single steps of the authors' method against PyTorch and scikit-learn: units.json names the versions. Everything in it that
// this library has a counterpart for; its README states what float32 against float64 of the same code differs by.

import { describe, expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import { applyPreparation, fitPreparation, ignoredColumns } from '../../src/data/prepare.ts'
import { inverseLoss, weightsByLoss } from '../../src/fusion/ensemble.ts'
import { project } from '../../src/fusion/projection.ts'
import { cluster, partition, silhouette } from '../../src/train/cluster.ts'
import { greedy, juryOf } from '../../src/train/ensembling.ts'
import { BY_CLUSTER, chooseTeachers } from '../../src/train/mutual.ts'
import { ADAM, optimize } from '../../src/train/optimizer.ts'
import { fitPca, pcaLayer } from '../../src/train/pca.ts'
import { mutual } from '../../src/train/sharing.ts'
import { planOf, validate } from '../../src/train/step.ts'
import { finish } from '../finish.ts'
import { trainSession } from '../kernels/kernels.ts'
import { alone, begin, make, shared, specOf, stepOf } from '../train/cohort.ts'
import { average, close, GREEDY, recording, score } from './case.ts'

interface Loss {
  readonly value: number
  readonly weights: number[]
  readonly rho: number
}

interface Units {
  readonly kmeans: {
    readonly losses: number[]
    readonly detail: {
      readonly exact: { k: number; silhouette: Record<string, number>; best_cluster: number[]; worst_cluster: number[] }
    }
  }[]
  readonly kmeans_edge: Record<'two_models' | 'identical', { readonly error: string }> &
    Record<'fixed_k1' | 'fixed_k2', readonly [weights: number[], k: number, cluster: number[]]>
  readonly silhouette_fixed_labels: { readonly x: number[]; readonly labels: number[]; readonly score: number }
  readonly weights_by_task_loss: { readonly losses: number[]; readonly scale: number; readonly weights: number[] }[]
  readonly losses: Record<string, Loss>
  readonly adam: Record<
    'wd0' | 'wd0.01',
    { lr: number; betas: [number, number]; eps: number; weight_decay: number; steps: number }
  >
  readonly mlp: { readonly loss: number; readonly layout: { name: string; shape: number[]; offset: number }[] }
  readonly greedy: {
    readonly classification: boolean
    readonly models: number
    readonly losses: number[]
    readonly ens_idxs: number[]
    readonly test_on_same_data: Record<'simple_average' | 'weighted_average' | 'greedy_ensemble' | 'best_single', number>
  }[]
}

const { json, tensor: stored } = recording('units')
const units: Units = json
const f32 = (name: string) => Float32Array.from(stored(name).values)
const i32 = (name: string) => Int32Array.from(stored(name).values)

describe('teachers', () => {
  const session = trainSession()
  const members = (labels: Int32Array, label: number) => Array.from(labels.keys()).filter((i) => labels[i] === label)

  test('all forty cohorts: clusters, their silhouettes, and who teaches', () => {
    expect(units.kmeans).toHaveLength(40)
    for (const { losses, detail } of units.kmeans) {
      const values = Float64Array.from(losses)
      const found = cluster(session, values)
      const { exact } = detail
      expect(found.k).toBe(exact.k)
      expect(found.silhouette).toBeCloseTo(exact.silhouette[exact.k], 9)
      expect(members(found.labels, 0)).toEqual(exact.best_cluster)
      expect(members(found.labels, found.k - 1)).toEqual(exact.worst_cluster)
      for (const [k, score] of Object.entries(exact.silhouette)) {
        expect(silhouette(values, partition(session, values, Number(k)), Number(k))).toBeCloseTo(score, 9)
      }
      const teachers = chooseTeachers(session, values)
      expect(teachers.members).toEqual(exact.best_cluster)
      expect([...teachers.weights]).toEqual(
        losses.map((_, i) => (exact.best_cluster.includes(i) ? Math.fround(1 / exact.best_cluster.length) : 0)),
      )
    }
  })

  test('where the reference fails to cluster, it goes on with equal weights, and so do we', () => {
    expect(units.kmeans_edge.two_models.error).toContain('int()')
    expect([...chooseTeachers(session, Float64Array.of(1, 2)).weights]).toEqual([0.5, 0.5])
    expect(units.kmeans_edge.identical.error).toContain('Number of labels is 1')
    expect([...chooseTeachers(session, Float64Array.of(3, 3, 3, 3)).weights]).toEqual([0.25, 0.25, 0.25, 0.25])
  })

  test('of a given number of clusters', () => {
    // The recording has who teaches, not by which losses: these have the partition that it tells of.
    for (const [name, losses] of [
      ['fixed_k1', [1, 2, 9]],
      ['fixed_k2', [0.1, 0.12, 0.11, 0.13, 5]],
    ] as const) {
      const [weights, k, members] = units.kmeans_edge[name]
      const teachers = chooseTeachers(session, Float64Array.from(losses), { ...BY_CLUSTER, clusters: k })
      expect(teachers).toEqual({ weights: Float32Array.from(weights), k, members })
    }
  })

  test('the silhouette of labels that nobody would choose, one of them alone', () => {
    const { x, labels, score } = units.silhouette_fixed_labels
    expect(silhouette(Float64Array.from(x), Int32Array.from(labels), 4)).toBeCloseTo(score, 12)
  })
})

test('weights by task loss, of every power', () => {
  const ULP = 1.2e-7 // relative
  const plain = units.weights_by_task_loss.filter(({ scale }) => scale === 1)
  expect(plain).toHaveLength(3)
  for (const { losses, weights } of plain) close(inverseLoss(losses, [...losses.keys()]), weights, ULP, 'weights', true)
  expect(new Set(units.weights_by_task_loss.map(({ scale }) => scale))).toEqual(new Set([0.5, 1, 2]))
  for (const { losses, scale, weights } of units.weights_by_task_loss) {
    const spec = { ...BY_CLUSTER, teachers: 'inverse-loss', scale } as const
    close(chooseTeachers(trainSession(), Float64Array.from(losses), spec).weights, weights, ULP, `scale ${scale}`, true)
  }
})

describe('losses', () => {
  /**
   * Students that say what they are given: one modality each, a head of the unit matrix. A batch of one row has the gradient of
   * its outputs in the bias; of the mean over all rows it is the rows'th part.
   */
  function saying(outputs: readonly Float32Array[], D: number, target: Float32Array | Int32Array) {
    const M = outputs.length
    const rows = outputs[0].length / D
    const tables = new Map(outputs.map((values, m) => [`${m}:raw`, { values: Float32Array.from(values), width: D }]))
    const specs = outputs.map((_, i) => specOf(outputs.map((_, m) => (m === i ? 'raw' : 'skip')).join(' '), D))
    const task = target instanceof Int32Array ? 'classification' : 'regression'
    const made = make({ specs, features: Array(M).fill(D), rows, task, tables, target: target.slice() })
    const unit = Float32Array.from({ length: D * (D + 1) }, (_, i) => (i < D * D && i % (D + 1) === 0 ? 1 : 0))
    const blocks = Array.from({ length: M }, () => unit)
    return (i: number, sharing = alone(M)) => {
      const { losses } = stepOf(made, blocks, sharing)
      const gradient = Array.from({ length: rows }, (_, row) =>
        Array.from(stepOf(made, blocks, sharing, Int32Array.of(row)).gradients[i].slice(-D), (v) => v / rows),
      )
      return { task: losses.task[i], total: losses.total[i], gradient: gradient.flat() }
    }
  }
  const [p, q, labels] = [f32('loss/logits_p'), f32('loss/logits_q'), i32('loss/labels')]

  /** Values of size 1 to 4 and gradients of size 0.1, each a few dozen f32 operations. */
  const [VALUE, GRADIENT] = [1e-6, 2e-7]
  const held = (name: string, value: number, gradient: ArrayLike<number>) => {
    close([value], [units.losses[name].value], VALUE, name)
    close(gradient, f32(`${name}/grad`), GRADIENT, `${name}/grad`)
  }

  test('cross-entropy', () => {
    const { task, gradient } = saying([p], 5, labels)(0)
    held('cross_entropy', task, gradient)
  })

  test('cross-entropy of logits whose exponentials are beyond f32', () => {
    const { task, gradient } = saying([f32('loss/big_logits')], 3, Int32Array.of(0, 1, 1))(0)
    held('cross_entropy_big_logits', task, gradient)
  })

  test('mean squared error', () => {
    const { task, gradient } = saying([f32('loss/out_p')], 1, f32('loss/out_q'))(0)
    held('mse', task, gradient)
  })

  test('KL(teacher ‖ student)', () => {
    const of = saying([p, q], 5, labels)
    const [free, drawn] = [of(0), of(0, shared(1, 0, 1))]
    const gradient = drawn.gradient.map((v, i) => v - free.gradient[i])
    held('kl_divergence', drawn.total - drawn.task, gradient)
  })

  test.each([0, 1, 2])('student %d of a cohort of three, two of them teachers', (i) => {
    const parts = (name: string, D: number) => Array.from({ length: 3 }, (_, m) => f32(name).slice(m * 7 * D, (m + 1) * 7 * D))
    const mse = units.losses[`cohort_mse_student${i}`]
    const regression = saying(parts('loss/cohort_outputs', 1), 1, f32('loss/cohort_target'))
    const r = regression(i, shared(mse.rho, ...mse.weights))
    close([r.total], [mse.value], VALUE, 'value')
    close(r.gradient, f32(`cohort_mse_student${i}/grad`), 1e-6, 'gradient')
    const kl = units.losses[`cohort_kl_student${i}`]
    const classification = saying(parts('loss/cohort_logits', 5), 5, labels)
    const c = classification(i, shared(kl.rho, ...kl.weights))
    held(`cohort_kl_student${i}`, c.total, c.gradient)
  })

  test('softmax and its logarithm', () => {
    const { kernels, memory } = trainSession()
    const out = memory.alloc(4 * p.length)
    const z = memory.put(p)
    kernels.softmax(out, z, 7, 5)
    close(memory.f32(out, p.length), f32('loss/softmax_p'), 1e-7, 'softmax')
    const weight = memory.put(Float32Array.of(1))
    const logs = Array.from(p, (_, i) => {
      const label = memory.put(Int32Array.of(i % 5))
      return -kernels.crossEntropyLabels(z + 20 * Math.floor(i / 5), label, weight, 1, 5)
    })
    close(logs, f32('loss/log_softmax_p'), 1e-6, 'log softmax')
  })
})

test.each(['wd0', 'wd0.01'] as const)('Adam, %s: parameters and moments after each of twelve steps', (name) => {
  const { lr, betas, eps, weight_decay, steps } = units.adam[name]
  const { kernels, memory } = trainSession()
  const size = 9
  const block = memory.put(f32('adam/p0'))
  const [first, second] = [memory.put(new Float32Array(size)), memory.put(new Float32Array(size))]
  const state = { block, first, second, size, steps: { beta1t: 1, beta2t: 1 } }
  const spec = { ...ADAM, rate: lr, beta1: betas[0], beta2: betas[1], epsilon: eps, decay: weight_decay }
  const gradients = f32('adam/grads')
  for (let step = 0; step < steps; step++) {
    const part = (array: Float32Array) => array.slice(step * size, (step + 1) * size)
    const mark = memory.mark()
    optimize(kernels, spec, state, memory.put(part(gradients)))
    memory.release(mark)
    close(memory.f32(block, size), part(f32(`adam/${name}/params`)), 3e-7, `step ${step}`)
    // One unit in the last place of numbers up to 2: PyTorch multiplies and adds in one rounding.
    close(memory.f32(first, size), part(f32(`adam/${name}/exp_avg`)), 1.2e-7, `first moment ${step}`)
    close(memory.f32(second, size), part(f32(`adam/${name}/exp_avg_sq`)), 1.2e-7, `second moment ${step}`)
  }
})

test.each(['full', 'covariance_eigh', 'wide'])(
  'PCA, %s: components, their signs, variances, scores of old and new rows',
  (name) => {
    const of = (what: string) => f32(`pca/${name}/${what}`)
    const [n, d] = stored(`pca/${name}/X`).shape
    const [k] = stored(`pca/${name}/components`).shape
    const session = trainSession()
    const source = { at: session.memory.put(of('X')), width: d }
    const every = Int32Array.from({ length: n }, (_, i) => i)
    const pca = finish(fitPca(session, source, every, k))
    close(pca.components, of('components'), 1e-5, 'components')
    close(pca.mean, of('mean'), 1e-6, 'mean')
    const theirs = of('explained_variance')
    close(
      Array.from(pca.variance, (v, c) => v / theirs[c]),
      new Float32Array(k).fill(1),
      1e-5,
      'variance',
    )
    const layer = pcaLayer(pca, 0, `pca(${k})`, false)
    close(session.memory.f32(project(session, source, layer, n).at, n * k), of('transformed'), 5e-5, 'scores')
    const rows = stored(`pca/${name}/X_new`).shape[0]
    const fresh = { at: session.memory.put(of('X_new')), width: d }
    close(session.memory.f32(project(session, fresh, layer, rows).at, rows * k), of('transformed_new'), 5e-5, 'new scores')
  },
)

test('standardising: population deviation; the constant column, of which theirs makes 0, is left out', () => {
  const X = f32('scaler/X')
  const [rows, columns] = stored('scaler/X').shape
  const view = modality('m', X, columns)
  const preparation = fitPreparation(
    view,
    Array.from({ length: rows }, (_, i) => i),
  )
  const numbers = preparation.columns.filter((c) => c.kind === 'number')
  const constant = 3
  const varying = (table: Float32Array) => table.filter((_, i) => i % columns !== constant)
  expect(ignoredColumns(preparation, view)).toEqual([String(constant)])
  expect(f32('scaler/scale')[constant]).toBe(1)
  // One mean is 99, which has its next number in f32 at 8e-6.
  close(
    numbers.map((c) => c.mean),
    varying(f32('scaler/mean')),
    4e-6,
    'mean',
  )
  close(
    numbers.map((c) => c.scale),
    varying(f32('scaler/scale')),
    1e-6,
    'scale',
  )
  close(applyPreparation(preparation, view), varying(f32('scaler/out')), 1e-6, 'out')
})

test('a network of three layers: outputs, cross-entropy and every gradient', () => {
  const made = make({
    specs: [specOf('raw', 3, { hidden: [5, 4] })],
    features: [6],
    rows: 8,
    task: 'classification',
    tables: new Map([['0:raw', { values: f32('mlp/x'), width: 6 }]]),
    target: i32('mlp/labels'),
  })
  const blocks = [f32('mlp/params')]
  const { layout } = made.problem.students[0]
  expect(layout.tensors.map(({ name, shape, offset }) => ({ name: name.replace('head', 'model'), shape, offset }))).toEqual(
    // PyTorch counts the activations between as layers too.
    units.mlp.layout.map((t) => ({ ...t, name: t.name.replace(/\d+/, (l) => String(Number(l) / 2)) })),
  )
  const { losses, gradients } = stepOf(made, blocks, alone(1))
  close(losses.task, [units.mlp.loss], 1e-6, 'loss')
  close(gradients[0], f32('mlp/grad'), 2e-7, 'gradient')
  const plan = planOf(made.problem, 8)
  begin(plan, blocks)
  validate(plan, made.problem.train, mutual(plan, alone(1)))
  close(made.problem.session.memory.f32(plan.outputs, 24), f32('mlp/out'), 1e-6, 'outputs')
})

test.each(units.greedy.map((recorded, i) => ({ i, ...recorded })))(
  'greedy selection $i, of $models students: members, losses, and the averages beside it',
  ({ i, classification, models, losses, ens_idxs, test_on_same_data }) => {
    const [, , width] = stored(`greedy/${i}/outputs`).shape
    const target = classification ? i32(`greedy/${i}/target`) : f32(`greedy/${i}/target`)
    const outputs = f32(`greedy/${i}/outputs`)
    const jury = juryOf(trainSession(), { outputs, students: models, target, width })
    close(
      Array.from(jury.losses, (v, m) => v / losses[m]),
      new Float64Array(models).fill(1),
      1e-6,
      'losses',
    )
    const chosen = greedy(jury, GREEDY)
    expect(chosen.members).toEqual(ens_idxs)

    const everyone = Array.from({ length: models }, (_, m) => m)
    for (const [rule, weights] of [
      ['greedy_ensemble', chosen.weights],
      ['simple_average', weightsByLoss('simple-average', jury.losses, everyone, 3)],
      ['weighted_average', weightsByLoss('weighted-average', jury.losses, everyone, 3)],
      ['best_single', weightsByLoss('best-single', jury.losses, everyone, 3)],
    ] as const) {
      close([score(average(outputs, weights), target, width) / test_on_same_data[rule]], [1], 1e-5, rule)
    }
    // The trace is the mean loss on the same rows that the last of these is of.
    if (!classification) close([chosen.trace[chosen.trace.length - 1] / test_on_same_data.greedy_ensemble], [1], 1e-5, 'trace')
  },
)
