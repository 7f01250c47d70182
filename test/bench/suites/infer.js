// Prediction through the public predictor, against peers that are handed prepared rows.

import { chooseRows, cohortOf, runCohort } from '../../../dist/src/fusion/cohort.js'
import { openSession } from '../../../dist/src/wasm/session.js'
import { createPredictor, kernels } from '../../../dist/web/index.js'
import { interleave, ratio, summary } from '../rounds.js'
import { numbersOf } from '../workloads.js'

/** How far a peer's probabilities may be off: sums of hundreds of products, in another order. */
const TOLERANCE = 1e-4
const RULE = 'simple-average'

export async function run(bench) {
  await ensemble(bench)
  await single(bench)
}

async function ensemble({ record, rounds = 7, wants }) {
  for (const B of [1, 64]) {
    const id = (what) => `infer/batch${B}/${what}`
    const names = ['ort', 'tfjs']
    const all = ['strict/ms', 'relaxed/ms', 'kernel/ms', ...names.flatMap((n) => [`${n}/ms`, `vs-${n}`, `vs-${n}/relaxed`])]
    if (!wants(...all.map(id))) continue
    const work = numbersOf('large')
    const x = rowsOf(work, B)
    const { peers, notes } = await open(work, x, B)
    const candidates = { strict: ours(work, B, 'exact'), relaxed: ours(work, B, 'fast'), kernel: forwardOf(work, B), ...peers }
    const times = await interleave(candidates, { rounds, seconds: 0.2, warmup: 5 })
    for (const name of Object.keys(candidates)) record({ id: id(`${name}/ms`), unit: 'ms', ...summary(times[name].cpu) })
    for (const name of Object.keys(peers)) {
      record({ id: id(`vs-${name}`), unit: '×', ...ratio(times[name].cpu, times.strict.cpu) })
      record({ id: id(`vs-${name}/relaxed`), unit: '×', ...ratio(times[name].cpu, times.relaxed.cpu) })
      record({ id: id(`vs-${name}/kernel`), unit: '×', ...ratio(times[name].cpu, times.kernel.cpu) })
    }
    for (const [name, note] of Object.entries(notes)) record({ id: id(`vs-${name}`), value: null, unit: '×', note })
  }
}

/** µs from call to answer, by the clock: half of the calls are faster. */
async function single({ record, rounds = 7, wants }) {
  const id = (name) => (name === 'predictor' ? 'infer/small/latency' : `infer/small/latency/${name}`)
  if (!wants(...['predictor', 'relaxed', 'kernel', 'ort', 'tfjs'].map(id))) return
  const work = numbersOf('single')
  const { peers, notes } = await open(work, rowsOf(work, 1), 1)
  const [predictor, relaxed] = [ours(work, 1, 'exact'), ours(work, 1, 'fast')]
  const candidates = { predictor, relaxed, kernel: forwardOf(work, 1), ...peers }
  for (const call of Object.values(candidates)) await latency(call, 2000)
  const found = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(candidates)) found[name].push(await latency(call, 1000))
  }
  for (const [name, values] of Object.entries(found)) record({ id: id(name), unit: 'µs', ...summary(values) })
  for (const [name, note] of Object.entries(notes)) record({ id: id(name), value: null, unit: 'µs', note })
}

/** The median of so many calls, µs. */
async function latency(call, calls) {
  const times = new Float64Array(calls)
  for (let i = 0; i < calls; i++) {
    const start = performance.now()
    const result = call()
    if (result instanceof Promise) await result
    times[i] = 1000 * (performance.now() - start)
  }
  return times.sort()[calls >> 1]
}

/** The first B rows of each modality. */
const rowsOf = ({ values, features }, B) => values.map((table, m) => table.slice(0, B * features[m]))

/** Peers that say what ours say; a note on each that does not. */
async function open(work, x, B) {
  const makers = {
    ort: async () => (await import('../peers/ort.js')).ortPrediction(work),
    tfjs: async () => {
      const { openTfjs, tfjsPrediction } = await import('../peers/tfjs.js')
      return tfjsPrediction(await openTfjs(), work)
    },
  }
  const expected = ours(work, B, 'exact')().values
  const peers = {}
  const notes = {}
  for (const [name, make] of Object.entries(makers)) {
    try {
      const predict = await make()
      const said = await predict(x, B)
      const off = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - said[i])), 0)
      if (off <= TOLERANCE) peers[name] = () => predict(x, B)
      else notes[name] = `not the same computation: a probability is off by ${off}`
    } catch (error) {
      notes[name] = `could not run: ${/** @type {Error} */ (error).message.split('\n')[0]}`
    }
  }
  return { peers, notes }
}

/** The public predictor on B rows. */
function ours(work, B, numerics) {
  const { students, blocks, features, outputs, values } = work
  const names = features.map((_, m) => `m${m}`)
  const columnName = (f) => `f${f}`
  const model = {
    preparations: features.map((width, m) => ({
      modality: names[m],
      columns: Array.from({ length: width }, (_, f) => ({ kind: 'number', name: columnName(f), mean: 0, scale: 1 })),
    })),
    projections: [],
    target: { task: 'classification', classes: Array.from({ length: outputs }, (_, c) => `c${c}`) },
    students: students.map(({ spec }, i) => ({ name: `s${i}`, spec, block: blocks[i], loss: 1, teacher: 0 })),
    ensembles: {
      patterns: ['1'.repeat(features.length)],
      weights: { [RULE]: [new Float32Array(students.length).fill(1 / students.length)] },
      average: 'logits',
    },
    best: 1,
  }
  const inputs = {
    ids: Array.from({ length: B }, (_, b) => `${b}`),
    modalities: features.map((width, m) => ({
      name: names[m],
      present: new Uint8Array(B).fill(1),
      columns: Array.from({ length: width }, (_, f) => ({
        kind: 'number',
        name: columnName(f),
        values: Float64Array.from({ length: B }, (_, b) => values[m][b * width + f]),
      })),
    })),
  }
  const predictor = createPredictor(/** @type {any} */ (model), RULE, numerics)
  return () => predictor.predict(inputs)
}

/** The students' forward pass alone, on rows that are prepared already: what kernels take of a prediction. */
function forwardOf({ students, blocks, values, features, rows, outputs }, B) {
  const session = openSession(kernels('infer'))
  const { memory } = session
  const sources = new Map(values.map((table, m) => [`${m}:raw`, { at: memory.put(table), width: features[m] }]))
  const places = blocks.map((block) => memory.put(block))
  const cohort = cohortOf(memory, students, places, sources, B, false)
  const out = memory.alloc(4 * students.length * B * outputs)
  const chosen = Int32Array.from({ length: B }, (_, b) => b % rows)
  return () => {
    chooseRows(session, cohort, chosen)
    runCohort(session.kernels, out, cohort, B)
  }
}
