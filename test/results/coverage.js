// Counts how often prediction sets and intervals hold the truth, over trainings on small simulated data with modalities missing, and
// writes the table of docs/RESULTS.md.
//
//   npm run coverage -- [--repetitions 200] [--out docs/RESULTS.md]
//
// Every repetition draws its own data, trains with default settings but without sharing, for time, and is scored on fresh rows. "out of fold" has 120 training rows and
// calibrates by cross-conformal prediction; "held out" has 200, of which 80 are held out to calibrate by.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { createAssessor, kernels, train } from '../../dist/node/index.js'
import { synthetic } from '../../dist/src/experiments/synthetic.js'
import { randomFrom } from '../../dist/src/wasm/random.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { summary } from './summary.js'

const LEVELS = [0.8, 0.9, 0.95]
const TASKS = ['classification', 'regression']
const CALIBRATIONS = {
  'out of fold': { learned: 120, config: {} },
  'held out': { learned: 200, config: { calibration: 0.4 } },
}
/** Rows that each repetition is scored on. */
const FRESH = 200
/** How likely a row lacks each modality; it keeps one. */
const MISSING = 0.2
/** Of the target's noise, by the deviation of what the modalities tell of it. */
const NOISE = 0.7

const view = (name, features, noise) => ({ name, features, latents: 3, noise, transform: 'linear', share: 1 })
const MODALITIES = [view('imaging', 12, 0.2), view('clinical', 6, 0.3), view('blood', 8, 0.4)]

if (process.argv[2] === '--part')
  for (const seed of process.argv[5].split(',')) await one(process.argv[3], process.argv[4], Number(seed))
else await all()

/** One training; prints whether the truth of each fresh row is held at each level, with the row's class and modalities. */
async function one(task, calibration, seed) {
  const { learned, config } = CALIBRATIONS[calibration]
  const data = drawn(task, learned + FRESH, seed)
  const rows = Int32Array.from({ length: learned + FRESH }, (_, i) => i)
  const splits = { train: rows.subarray(0, learned), test: rows.subarray(learned) }
  const { model } = await train(data, { config: { seed, baselines: false, rho: [0], ...config }, splits })
  const assessor = createAssessor(model)
  const groups = Array.from(splits.test, (row) => {
    const missing = data.modalities.filter(({ present }) => !present[row]).length
    return `${missing === 0 ? 'nothing missing' : 'modalities missing'}${task === 'regression' ? '' : `, class ${data.target.labels[row]}`}`
  })
  const levels = LEVELS.map((level) => {
    const { sets, low, high, outputs } = assessor.assess(data, level, splits.test)
    const held = Array.from(splits.test, (row, i) => {
      if (sets) return Number(sets[i * outputs.length + data.target.labels[row]])
      return Number(low[i] <= data.target.values[row] && data.target.values[row] <= high[i])
    })
    const sizes = Array.from(splits.test, (_, i) =>
      sets ? sets.subarray(i * outputs.length, (i + 1) * outputs.length).reduce((a, b) => a + b, 0) : high[i] - low[i],
    )
    return { held, size: summary(sizes.filter(Number.isFinite)).mean }
  })
  console.log(JSON.stringify({ groups, levels }))
}

/** Three views of an outcome that they do not tell for certain; of a classification one row in three is a case. */
function drawn(task, rows, seed) {
  const session = openTrainSession(kernels('train'))
  const data = synthetic(session, { rows, modalities: MODALITIES, shared: { latents: 2, transform: 'linear', share: 1 } }, seed)
  const random = randomFrom(session, seed).fork('coverage')
  const deviation = Math.sqrt(summary(Array.from(data.target.values, (v) => v * v)).mean)
  const noise = random.fork('outcome').normal(rows)
  const values = data.target.values.map((v, i) => v + NOISE * deviation * noise[i])
  const cut = Array.from(values).sort((a, b) => a - b)[Math.floor((2 / 3) * rows)]
  const toss = random.fork('missing').uniform(rows * MODALITIES.length, 0, 1)
  const keeps = random.fork('keeps').permutation(rows)
  const modalities = data.modalities.map((modality, m) => ({
    ...modality,
    present: Uint8Array.from({ length: rows }, (_, i) =>
      Number(keeps[i] % MODALITIES.length === m || toss[i * MODALITIES.length + m] >= MISSING),
    ),
  }))
  const target =
    task === 'regression'
      ? { ...data.target, values }
      : { task, name: 'case', classes: ['no', 'yes'], labels: Int32Array.from(values, (v) => Number(v > cut)) }
  return { ...data, modalities, target }
}

async function all() {
  const { values } = parseArgs({
    options: { repetitions: { type: 'string', default: '200' }, out: { type: 'string', default: 'docs/RESULTS.md' } },
  })
  const repetitions = Number(values.repetitions)
  const run = promisify(execFile)
  const jobs = TASKS.flatMap((task) => Object.keys(CALIBRATIONS).map((calibration) => ({ task, calibration })))
  const found = new Map()
  const queue = jobs.flatMap((job) =>
    Array.from({ length: Math.ceil(repetitions / 10) }, (_, part) => {
      const seeds = Array.from({ length: Math.min(10, repetitions - 10 * part) }, (_, i) => 1 + 10 * part + i)
      return { ...job, seeds }
    }),
  )
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const { task, calibration, seeds } = job
      const args = [import.meta.filename, '--part', task, calibration, seeds.join(',')]
      const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 26 })
      const key = `${task}, ${calibration}`
      found.set(key, [
        ...(found.get(key) ?? []),
        ...stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ])
    }
  }
  await Promise.all([worker(), worker()])
  const rows = [...found].sort().flatMap(([key, runs]) => table(key, runs))
  const bands = LEVELS.map((level) => {
    const half = 1.96 * Math.sqrt((level * (1 - level)) / repetitions)
    return `${level} (${(level - half).toFixed(3)} … ${(level + half).toFixed(3)})`
  })
  const text = [`| | rows | ${bands.join(' | ')} |`, `| --- | --- |${' --- |'.repeat(LEVELS.length)}`, ...rows].join('\n')
  const [head, , tail] = readFileSync(values.out, 'utf8').split(/(<!-- coverage -->[\s\S]*<!-- end of coverage -->)/)
  writeFileSafely(values.out, `${head}<!-- coverage -->\n\n${text}\n\n<!-- end of coverage -->${tail}`)
}

/** Mean share over repetitions ± its standard error, of all fresh rows and of each group, and how large sets and intervals are. */
function table(key, runs) {
  const names = [...new Set(runs.flatMap(({ groups }) => groups))].sort()
  const line = (name, keep) => {
    const cells = LEVELS.map((_, l) => {
      const shares = runs.map(({ groups, levels }) => levels[l].held.filter((_, i) => keep(groups[i])))
      const { mean, se } = summary(shares.filter((held) => held.length > 0).map((held) => summary(held).mean))
      return `${mean.toFixed(3)} ± ${se.toFixed(3)}`
    })
    const rows = runs.reduce((sum, { groups }) => sum + groups.filter(keep).length, 0)
    return `| ${name} | ${rows} | ${cells.join(' | ')} |`
  }
  const sizes = LEVELS.map((_, l) => summary(runs.map(({ levels }) => levels[l].size)).mean.toFixed(2))
  const what = key.startsWith('classification') ? 'classes in a set' : 'width of an interval'
  return [
    line(`**${key}**`, () => true),
    ...names.map((name) => line(name, (group) => group === name)),
    `| ${what} | | ${sizes.join(' | ')} |`,
  ]
}
