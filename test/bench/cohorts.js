// Cohorts of any size on made-up rows, on the library's own training path: what the curves and the peers' comparisons train.

import { noEnsembles } from '../../dist/src/fusion/ensemble.js'
import { modelOf as trainedModel } from '../../dist/src/train/model.js'
import { groupOf, settingOf } from '../../dist/src/train/setting.js'
import { mutual } from '../../dist/src/train/sharing.js'
import { trainBatch } from '../../dist/src/train/step.js'
import { randomFrom } from '../../dist/src/wasm/random.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { init, kernels } from '../../dist/web/index.js'

await init({ numerics: 'fast' })

/**
 * @typedef {object} Size
 * @property {number[]} features of each modality
 * @property {string[]} extractors of every modality
 * @property {number[]} head
 * @property {number} classes
 * @property {number} [rows] to train on; there are 64 more to validate on
 * @property {number} [batch]
 * @property {number} [rho]
 * @property {number} [copies] students, all like the first one; the combinations of extractors when left out
 * @property {number} [epochs]
 * @property {'exact' | 'fast'} [numerics]
 */

/** Rows of normal numbers with labels at random, one modality for each number of features. @param {Size} size */
export function madeUp({ features, classes, rows = 256 }, module = kernels('train')) {
  const all = rows + 64
  const names = features.map((_, m) => `m${m}`)
  const random = randomFrom(openTrainSession(module), 1)
  const columnsOf = (m) => {
    const stream = random.fork(names[m])
    return Array.from({ length: features[m] }, (_, j) => ({
      kind: 'number',
      name: String(j),
      values: Float64Array.from(stream.normal(all)),
    }))
  }
  return {
    ids: Array.from({ length: all }, (_, i) => String(i)),
    modalities: names.map((name, m) => ({ name, columns: columnsOf(m), present: new Uint8Array(all).fill(1) })),
    target: {
      task: 'classification',
      classes: Array.from({ length: classes }, (_, c) => String(c)),
      labels: Int32Array.from({ length: all }, (_, i) => i % classes),
    },
  }
}

/** The cohort as the trainer has it before its first step, and a step on one and the same batch. @param {Size} size */
export function cohortOf(size) {
  const { extractors, head, rows: count = 256, batch = 64, rho = 0.5, copies, epochs, numerics = 'exact' } = size
  const module = kernels('train', numerics)
  const data = madeUp(size, module)
  const whole = Int32Array.from({ length: data.ids.length }, (_, i) => i)
  const splits = { train: whole.subarray(0, count), validation: whole.subarray(count), test: whole.subarray(0, 0) }
  const config = {
    extractors: { '*': extractors },
    head,
    batch,
    ...(epochs && { epochs }),
    optimizer: { kind: 'adam' },
    baselines: false,
  }
  const setting = finished(settingOf(module, data, splits, config))
  const specs = copies ? new Array(copies).fill(setting.specs[0]) : setting.specs
  const { plan, starts, names } = groupOf(setting, specs)
  const teachers = new Float32Array(starts.length).fill(1 / starts.length)
  const objective = mutual(plan, { rho, teachers })
  const { optimizer } = setting.resolved
  const rows = splits.train.subarray(0, batch)
  const reset = () => {
    const { memory } = plan.problem.session
    plan.states.forEach((state, i) => {
      memory.f32(state.block, state.size).set(starts[i].block)
      memory.f32(state.first, 2 * state.size).fill(0)
      state.steps = { beta1t: 1, beta2t: 1 }
    })
  }
  reset()
  const step = (some = rows) => trainBatch(plan, some, objective, optimizer).losses
  const parameters = starts.reduce((sum, { block }) => sum + block.length, 0)
  return { data, setting, splits, plan, starts, names, teachers, rho, rows, optimizer, objective, parameters, reset, step }
}

/** What a generator of work returns. */
export function finished(work) {
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}

/** 24 students, 9.58 million parameters: two modalities of 500 features, an encoder 500-256-d for each of them. */
export const LARGE = {
  features: [500, 500],
  extractors: ['skip', 'mlp(256,100)', 'mlp(256,200)', 'mlp(256,300)', 'mlp(256,500)'],
  head: [128, 64],
  classes: 10,
}

/** The cohort with its first weights as a model, which every ensemble rule can predict by. */
export function modelOf({ setting, starts, names }, rules = ['simple-average']) {
  const losses = new Float64Array(starts.length).fill(1)
  const ensembles = noEnsembles(rules)
  return trainedModel(setting, { specs: setting.specs, names }, { best: starts, losses }, ensembles, PROVENANCE)
}

const PROVENANCE = {
  library: '',
  title: '',
  seed: 0,
  digest: '',
  subjects: '',
  split: { source: 'given', train: 1, validation: 1, test: 0, testIds: '' },
  config: {},
  rho: 0,
  rhoLosses: [],
  notes: [],
}
