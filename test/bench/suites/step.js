// A training step of the whole cohort, against the limit of the machine and against peers that compute the same.

import { openProbe } from '../machine.js'
import { interleave, ratio, summary } from '../rounds.js'
import { limitOf, numbersOf, ourStep } from '../workloads.js'

/** Steps that are compared before anything is timed, and how far a peer's losses may be off: peers round otherwise. */
const STEPS = 3
const TOLERANCE = 1e-4

export async function run(bench) {
  await large(bench)
  await small(bench)
}

const id = (size, what) => `step/${size}/${what}`

async function large({ record, rounds = 5, wants }) {
  const ofLimit = ['of-limit', 'of-limit/strict', 'of-limit/relaxed', 'strict/ms', 'relaxed/ms', 'limit/ms']
  const peers = await open('large', wants, {
    tfjs: async (work) => (await tfjs()).step(work, false),
    'tfjs-tuned': async (work) => (await tfjs()).step(work, true),
  })
  if (!peers && !wants(...ofLimit.map((what) => id('large', what)))) return
  const work = peers?.work ?? numbersOf('large')
  const { fma, triad, fmaRate, triadRate } = openProbe(true)
  const candidates = { fma, triad, strict: ourStep(work, 'exact'), relaxed: ourStep(work, 'fast'), ...peers?.steps }
  const times = await interleave(candidates, { rounds, seconds: 0.3 })
  const limit = times.fma.cpu.map((ms, round) => limitOf(work, fmaRate(ms), triadRate(times.triad.cpu[round])))
  const share = (name) => ({ unit: '', ...ratio(limit, times[name].cpu) })
  record({ id: id('large', 'limit/ms'), unit: 'ms', ...summary(limit) })
  record({ id: id('large', 'of-limit'), ...share('strict') })
  for (const name of ['strict', 'relaxed']) record({ id: id('large', `of-limit/${name}`), ...share(name) })
  recordTimes('large', record, times, peers)
}

async function small({ record, rounds = 7, wants }) {
  const peers = await open('small', wants, {
    tfjs: async (work) => (await tfjs()).step(work, false),
    'tfjs-tuned': async (work) => (await tfjs()).step(work, true),
    'jax-js': async (work) => (await import('../peers/jax.js')).jaxStep(work),
    'plain-js': async (work) => (await import('../peers/plain.js')).plainStep(work),
  })
  if (!peers && !wants(id('small', 'strict/ms'), id('small', 'relaxed/ms'))) return
  const work = peers?.work ?? numbersOf('small')
  const candidates = { strict: ourStep(work, 'exact'), relaxed: ourStep(work, 'fast'), ...peers?.steps }
  recordTimes('small', record, await interleave(candidates, { rounds, seconds: 0.25 }), peers)
}

/** ms of ours and of each peer, and their ratios; the strict ratio under the bare id, too. */
function recordTimes(size, record, times, peers) {
  for (const name of ['strict', 'relaxed', ...Object.keys(peers?.steps ?? {})]) {
    record({ id: id(size, `${name}/ms`), unit: 'ms', ...summary(times[name].cpu) })
  }
  for (const name of Object.keys(peers?.steps ?? {})) {
    const against = (ours) => ({ unit: '×', ...ratio(times[name].cpu, times[ours].cpu) })
    record({ id: id(size, `vs-${name}`), ...against('strict') })
    for (const ours of ['strict', 'relaxed']) record({ id: id(size, `vs-${name}/${ours}`), ...against(ours) })
  }
  for (const [name, note] of Object.entries(peers?.notes ?? {})) {
    record({ id: id(size, `vs-${name}`), value: null, unit: '×', note })
  }
}

/** The steps of the peers that are asked for and lose what ours loses; a note on each that does not. Undefined when none is. */
async function open(size, wants, makers) {
  const asked = Object.entries(makers).filter(([name]) => {
    const versus = id(size, `vs-${name}`)
    return wants(versus, `${versus}/strict`, `${versus}/relaxed`, id(size, `${name}/ms`))
  })
  if (asked.length === 0) return undefined
  const work = numbersOf(size)
  const ours = lossesOf(ourStep(work, 'exact'))
  const steps = {}
  const notes = {}
  for (const [name, make] of asked) {
    try {
      const step = await make(work)
      const off = furthest(lossesOf(step), ours)
      if (off <= TOLERANCE) steps[name] = step
      else notes[name] = `not the same computation: a loss is off by ${off}`
    } catch (error) {
      notes[name] = `could not run: ${/** @type {Error} */ (error).message.split('\n')[0]}`
    }
  }
  return { work, steps, notes }
}

const lossesOf = (step) => Array.from({ length: STEPS }, () => Array.from(step())).flat()
/** NaN is as far as can be. */
const furthest = (a, b) =>
  b.reduce((most, value, i) => Math.max(most, Number.isFinite(a[i]) ? Math.abs(a[i] - value) : Number.POSITIVE_INFINITY), 0)

/** Loaded once, when it is needed. */
let loaded
async function tfjs() {
  loaded ??= import('../peers/tfjs.js').then(async ({ openTfjs, tfjsStep }) => {
    const tf = await openTfjs()
    return { step: (work, tuned) => tfjsStep(tf, work, tuned) }
  })
  return loaded
}
