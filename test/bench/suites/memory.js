// What a training of the large workload takes at its height: the kernels' memory, and the arrays beside it (first weights and
// checkpoints), over what a stage cannot do without: parameters, gradients, two moments and a checkpoint.

import { createPredictor, modality, train } from '../../../dist/node/index.js'
import { gridOf } from '../../../dist/src/recipe/jobs.js'
import { runGrid } from '../../../dist/src/train/rho.js'
import { runStage } from '../../../dist/src/train/stage.js'
import { cohortOf, LARGE, madeUp, modelOf } from '../cohorts.js'

const NEEDED = 5 * 4

export async function run(bench) {
  await lifetimes(bench)
  if (!bench.wants('memory/large/peak', 'memory/large/wasm', 'memory/large/grid')) return
  const { plan, starts, setting, splits, objective, optimizer, rho, parameters } = cohortOf({ ...LARGE, rows: 128, epochs: 1 })
  const needed = NEEDED * parameters
  const stage = {
    rho,
    objective: () => objective,
    epochs: 2,
    batch: 64,
    optimizer,
    starts,
    order: () => splits.train,
    keepMoments: false,
  }
  const first = 4 * parameters
  const record = (id, { wasm, beside, rss }, what) => {
    const note = `${what}: kernels' memory ${mib(wasm)}, first weights ${mib(first)}, checkpoints ${mib(beside)}, RSS ${mib(rss)}; needed ${mib(needed)}`
    bench.record({ id, value: (wasm + first + beside) / needed, unit: '×', note })
  }
  const one = peakOf(plan, runStage(plan, stage))
  record('memory/large/peak', one, 'a stage')
  bench.record({ id: 'memory/large/wasm', value: one.wasm / needed, unit: '×', note: "the kernels' memory alone" })
  const grid = peakOf(plan, runGrid(plan, starts, gridOf(setting)))
  record('memory/large/grid', grid, 'ρ 0, 0.99 and 3, with what the first goes on from and the checkpoints of all')
}

/** Predictors that are made, asked and dropped; trainings of a small cohort, one after the other. */
async function lifetimes(bench) {
  const network = modelOf(cohortOf({ features: [16, 16], extractors: ['raw', 'skip'], head: [64, 32], classes: 4 }))
  const row = new Float64Array(16).fill(0.5)
  const inputs = { ids: ['a'], modalities: [modality('m0', row, 16), modality('m1', row, 16)] }
  const data = madeUp({ features: [4, 4], classes: 2, rows: 60 })
  const config = { epochs: 2, rho: [0, 1], baselines: false }
  const lives = {
    'memory/predictors/growth': { count: 10_000, once: () => createPredictor(network).predict(inputs) },
    'memory/trainings/growth': { count: 1000, once: (seed) => train(data, { config: { ...config, seed } }) },
  }
  for (const [id, { count, once }] of Object.entries(lives)) {
    if (!bench.wants(id)) continue
    const held = []
    for (let i = 1; i <= count; i++) {
      await once(i)
      if (i % (count / 10) === 0) held.push(await resident())
    }
    // What warms up is not what grows: the second tenth is where it begins.
    const later = held.slice(1)
    const value = later.at(-1) / later[0]
    const note = `RSS after each tenth of ${count}: ${held.map(mib).join(', ')}`
    bench.record({ id, value, unit: '×', min: Math.min(...later) / later[0], max: Math.max(...later) / later[0], note })
  }
}

/** Bytes of the process when nothing is left to be collected. */
async function resident() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resume) => setTimeout(resume, 20))
  }
  return process.memoryUsage().rss
}

const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`

/** The most that work takes: of the kernels' memory, of arrays beside it, of the process. Needs `--expose-gc` to be exact. */
function peakOf({ problem: { session } }, work) {
  globalThis.gc?.()
  const before = process.memoryUsage().arrayBuffers
  const most = { wasm: 0, beside: 0, rss: 0 }
  for (let turn = work.next(); ; turn = work.next()) {
    globalThis.gc?.()
    const { arrayBuffers, rss } = process.memoryUsage()
    most.wasm = Math.max(most.wasm, session.memory.size())
    most.beside = Math.max(most.beside, arrayBuffers - before)
    most.rss = Math.max(most.rss, rss)
    if (turn.done) return most
  }
}
