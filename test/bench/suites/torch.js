// The large workload in PyTorch, one thread: a step, and predictions.

import { createPredictor } from '../../../dist/src/fusion/predictor.js'
import { openSession } from '../../../dist/src/wasm/session.js'
import { hasRelaxedSimd, kernels } from '../../../dist/web/index.js'
import { cohortOf, LARGE, modelOf } from '../cohorts.js'
import { NO_TORCH, torchCohort } from '../peers/torch.js'
import { ratio } from '../rounds.js'

/** Steps, and predictions, timed in one go: the shorter the work, the more of it. */
const STEPS = 2
const PREDICTIONS = { 1: 20, 64: 4 }

const STEP_IDS = ['', '/strict', '/relaxed', '/best', '-pairwise'].map((end) => `step/large/vs-torch${end}`)

/** How far the losses of five steps may be apart: two orders of summation in f32. */
const TOLERANCE = 1e-4

export async function run(bench) {
  const ids = [...STEP_IDS, ...Object.keys(PREDICTIONS).map((rows) => `infer/batch${rows}/vs-torch`)]
  if (!bench.wants(...ids)) return
  const strict = cohortOf(LARGE)
  const torch = await torchCohort(strict)
  if (!torch) {
    for (const id of ids) bench.record({ id, value: null, unit: '×', note: NO_TORCH })
    return
  }
  try {
    await checkLosses(strict, torch)
    const relaxed = hasRelaxedSimd() ? cohortOf({ ...LARGE, numerics: 'fast' }) : undefined
    if (bench.wants(...STEP_IDS)) await steps(bench, torch, strict, relaxed)
    await predictions(bench, torch, strict)
  } finally {
    torch.close()
  }
}

/** That both train the same: five steps from the same weights on the same batch, with either form of the mutual term. */
async function checkLosses(ours, torch) {
  for (const mutual of ['mean', 'pairwise']) {
    ours.reset()
    await torch.reset()
    const theirs = await torch.step(mutual, 5)
    for (const task of theirs.task) {
      const { task: own } = ours.step()
      const apart = Math.max(...own.map((loss, i) => Math.abs(loss - task[i])))
      if (!(apart <= TOLERANCE))
        throw new Error(`losses of ours and of PyTorch (${mutual}) are ${apart} apart: they do not train the same`)
    }
  }
}

async function steps(bench, torch, strict, relaxed) {
  const candidates = {
    strict: () => cpuOf(() => strict.step(), STEPS),
    ...(relaxed && { relaxed: () => cpuOf(() => relaxed.step(), STEPS) }),
    mean: async () => (await torch.step('mean', STEPS)).cpu / STEPS,
    pairwise: async () => (await torch.step('pairwise', STEPS)).cpu / STEPS,
  }
  const ms = await alternate(candidates, bench.rounds)
  const record = (id, peer, ours, note) => bench.record({ id, unit: '×', ...ratio(peer, ours), note })
  const about = (peer, ours) => `CPU ms, best: theirs ${best(peer)}, ours ${best(ours)}; one thread; ${torch.version}`
  record('step/large/vs-torch', ms.mean, ms.strict, about(ms.mean, ms.strict))
  record('step/large/vs-torch/strict', ms.mean, ms.strict, about(ms.mean, ms.strict))
  if (ms.relaxed) record('step/large/vs-torch/relaxed', ms.mean, ms.relaxed, about(ms.mean, ms.relaxed))
  const value = Math.min(...ms.mean) / Math.min(...ms.strict)
  bench.record({ id: 'step/large/vs-torch/best', unit: '×', value, note: 'best round of either, strict' })
  record('step/large/vs-torch-pairwise', ms.pairwise, ms.strict, about(ms.pairwise, ms.strict))
}

async function predictions(bench, torch, cohort) {
  const predictor = createPredictor(openSession(kernels('infer')), modelOf(cohort), 'simple-average')
  for (const [rows, count] of Object.entries(PREDICTIONS)) {
    const some = Int32Array.from({ length: Number(rows) }, (_, i) => i)
    const ms = await alternate(
      {
        ours: () => cpuOf(() => predictor.predict(cohort.data, some), count),
        theirs: async () => (await torch.infer(some.length, count)).cpu / count,
      },
      bench.rounds,
    )
    const note = `CPU ms, best: theirs ${best(ms.theirs)}, ours ${best(ms.ours)}; all 24 students, averaged; ours with preparation; ${torch.version}`
    bench.record({ id: `infer/batch${rows}/vs-torch`, unit: '×', ...ratio(ms.theirs, ms.ours), note })
  }
}

const best = (ms) => Math.min(...ms).toFixed(2)

/** CPU milliseconds of one call. */
function cpuOf(work, count) {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / count
}

/** Milliseconds of each candidate by round, after one to warm up; the other process rests while one is timed. */
async function alternate(candidates, rounds = 7) {
  const names = Object.keys(candidates)
  const ms = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + round + names.length) % names.length]
      const value = await candidates[name]()
      if (round >= 0) ms[name].push(value)
    }
  }
  return ms
}
