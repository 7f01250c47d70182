// Trains with default settings on folders of real data, over seeds or given splits, and writes the tables of docs/RESULTS.md.
//
//   npm run results -- FOLDER[/SPLITS.csv]… [--seeds 1,2,3,4,5] [--missing] [--out docs/RESULTS.md]
//
// `--missing` trains without each modality besides, in the first runs of a set, to compare with a model that lacks it only when tested.
// With a file of splits, each of its columns is one run, with the seed of its place. Each run is a process of its own, so that its peak
// memory is its own. Where a folder is a classification with more than two modalities the test rows are scored a second time as the
// conflict protocol spoils them (src/experiments/robustness.ts). Only what stands between the markers is replaced.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { createAssessor, createPredictor, kernels, train, writeModel } from '../../dist/node/index.js'
import { readFolder } from '../../dist/node/node.js'
import { conflicting, without } from '../../dist/src/experiments/robustness.js'
import { evaluate } from '../../dist/src/fusion/evaluate.js'
import { bootstrap } from '../../dist/src/metrics/bootstrap.js'
import { randomFrom } from '../../dist/src/wasm/random.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { summary } from './summary.js'

const METRICS = ['accuracy', 'balancedAccuracy', 'auc', 'logLoss', 'ece', 'mse', 'mae', 'r2']
const SMALLER_IS_BETTER = new Set(['logLoss', 'ece', 'mse', 'mae'])

/** Who Meta Fusion is held against, row by row; single modalities besides. */
const RIVALS = ['independent-greedy', 'ridge', 'early-fusion', 'late-fusion']
/** Trainings without a modality, of each set at the most. */
const LEFT_OUT = 15

if (process.argv[2] === '--one')
  await one(process.argv[3], Number(process.argv[4]), process.argv[5] === 'missing', process.argv[6])
else await all()

/** One training; prints its scores, time and memory. */
async function one(folder, seed, missing, split) {
  const start = performance.now()
  const { data, splits } = await readFolder(folder, split ? { split } : {})
  const { model, methods, rivals } = await train(data, { config: { seed }, splits })
  const bytes = writeModel(model).length
  const seconds = (performance.now() - start) / 1000
  const { rho, split: parts } = model.provenance
  const scores = [{ protocol: '', methods }]
  if (data.modalities.length > 2 && data.target.task === 'classification') {
    const spoilt = conflicting(data, splits.test, randomFrom(openTrainSession(kernels('train')), seed))
    const score = (of, rule) => evaluate(createPredictor(of, rule).predict(spoilt, splits.test), data.target, splits.test)
    const again = methods.map(({ name }) => {
      const rival = rivals.find((r) => r.name === name)
      const rule = rival ? rival.rule : ({ 'meta-fusion': 'greedy', 'best-single-student': 'best-single' }[name] ?? name)
      return { name, test: score(rival?.model ?? model, rule) }
    })
    scores.push({ protocol: 'conflicting views', methods: again })
  }
  // Which rows are told right, NaN where nothing is said.
  const told = (of, inputs, rule) => {
    const { labels, values, outputs } = createPredictor(of, rule).predict(inputs, splits.test)
    return Array.from(splits.test, (row, i) =>
      Number.isNaN(values[i * outputs.length]) ? null : Number(labels[i] === data.target.labels[row]),
    )
  }
  const classes = data.target.task === 'classification'
  const against = rivals.filter(({ name }) => RIVALS.includes(name) || name.startsWith('single:'))
  const right = classes && {
    rows: Array.from(splits.test),
    'meta-fusion': told(model, data),
    ...Object.fromEntries(against.map(({ name, model: of, rule, inputs = data }) => [name, told(of, inputs, rule)])),
  }
  const lacking = []
  for (const [m, { name }] of classes && missing ? data.modalities.entries() : []) {
    const rest = { ...data, modalities: data.modalities.filter((_, k) => k !== m) }
    const apart = await train(rest, { config: { seed, baselines: false }, splits })
    lacking.push({ name, lost: told(model, without(data, m)), never: told(apart.model, rest) })
  }
  const coverage = model.calibration && coverageOf(model, data, splits.test)
  const mib = process.resourceUsage().maxRSS / 1024
  console.log(
    JSON.stringify({ scores, right, lacking, coverage, seconds, bytes, rho, split: parts, students: model.students.length, mib }),
  )
}

/** How often sets hold the true class, and how large they are, at three levels. */
function coverageOf(model, data, rows) {
  const assessor = createAssessor(model)
  return [0.8, 0.9, 0.95].map((level) => {
    const { sets, outputs } = assessor.assess(data, level, rows)
    const D = outputs.length
    const held = Array.from(rows).filter((row, i) => sets[i * D + data.target.labels[row]]).length
    return { level, held: held / rows.length, size: sets.reduce((sum, v) => sum + v, 0) / rows.length }
  })
}

async function all() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '1,2,3,4,5' },
      missing: { type: 'boolean', default: false },
      out: { type: 'string', default: 'docs/RESULTS.md' },
    },
  })
  const seeds = values.seeds.split(',').map(Number)
  const run = promisify(execFile)
  const sets = positionals.map((path) => {
    const whole = statSync(path).isDirectory()
    const folder = whole ? path : dirname(path)
    const modalities = readdirSync(folder).filter((file) => file.endsWith('.csv') && !/^(labels|split)/.test(file)).length
    const also = (i) => (values.missing && i < Math.floor(LEFT_OUT / modalities) ? 'missing' : '')
    if (whole) return { name: basename(path), jobs: seeds.map((seed, i) => [path, String(seed), also(i)]) }
    const columns = readFileSync(path, 'utf8').split(/\r?\n/)[0].split(',').slice(1)
    const jobs = columns.map((column, i) => [folder, String(i + 1), also(i), `${basename(path)}:${column}`])
    return { name: `${basename(dirname(path))}, ${columns.length} splits`, jobs }
  })
  const jobs = sets.flatMap(({ jobs }) => jobs)
  const results = new Map()
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const { stdout } = await run(process.execPath, [import.meta.filename, '--one', ...job])
      const { methods } = JSON.parse(stdout).scores[0]
      console.error(`${job.join(' ')}: ${JSON.stringify(methods[0].test)}`)
      results.set(job.join(' '), JSON.parse(stdout))
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  const record = sets.map(({ name, jobs }) => ({ name, runs: jobs.map((job) => results.get(job.join(' '))) }))
  writeFileSafely(join(dirname(values.out), 'results.json'), `${JSON.stringify(record)}\n`)
  const text = readFileSync(values.out, 'utf8')
  const [head, , tail] = text.split(/(<!-- tables -->[\s\S]*<!-- end of tables -->)/)
  const sections = record.map(({ name, runs }) => section(name, runs))
  writeFileSafely(values.out, `${head}<!-- tables -->\n\n${sections.join('\n')}\n<!-- end of tables -->${tail}`)
}

/** The tables of one data set: mean ± standard error over runs, the best mean in bold with all within its standard error. */
function section(name, runs) {
  const { split, students } = runs[0]
  const seconds = summary(runs.map((r) => r.seconds))
  const mib = Math.max(...runs.map((r) => r.mib))
  const shares = runs[0].coverage?.map(({ level }, l) => {
    const of = (key) => summary(runs.map((r) => r.coverage[l][key])).mean
    return `${of('held').toFixed(3)} at ${level} (${of('size').toFixed(2)} classes)`
  })
  return [
    `### ${name}`,
    '',
    `${split.train} training rows, cross-fitted, and ${split.test} test rows; ${students} students; ρ chosen: ${runs.map((r) => r.rho).join(', ')}.`,
    `${seconds.mean.toFixed(0)} s a run, two at a time on two cores; peak memory ${mib.toFixed(0)} MiB; model ${(runs[0].bytes / 2 ** 20).toFixed(1)} MiB.`,
    ...(shares ? [`Prediction sets hold the true class: ${shares.join(', ')}.`] : []),
    '',
    ...comparison(runs),
    ...runs[0].scores.flatMap(({ protocol }, s) => [
      ...(protocol ? [`With ${protocol}:`, ''] : []),
      ...tableOf(runs.map((r) => r.scores[s].methods)),
      '',
    ]),
  ].join('\n')
}

/** Meta Fusion held against others on the same rows, in points of accuracy; and each modality lost at test against never had. */
function comparison(runs) {
  if (!runs[0].right) return []
  const names = Object.keys(runs[0].right).filter((name) => name !== 'rows' && name !== 'meta-fusion')
  const pairs = names.map((name) => [
    `meta-fusion - ${name}`,
    runs.map(({ right }) => ({ rows: right.rows, mine: right['meta-fusion'], other: right[name] })),
  ])
  const left = runs.filter(({ lacking }) => lacking.length > 0)
  const lacked = (left[0]?.lacking ?? []).map(({ name }, m) => [
    `${name} lost at test - trained without it`,
    left.map(({ right, lacking }) => ({ rows: right.rows, mine: lacking[m].lost, other: lacking[m].never })),
  ])
  return [
    '| accuracy, points | mean ± standard error over runs | 95 % over test rows |',
    '| --- | --- | --- |',
    ...[...pairs, ...lacked].map(([name, of]) => `| ${name} | ${apart(of)} |`),
    '',
  ]
}

/** The mean difference over runs, and its bootstrap interval over rows: a row is drawn with all of its runs. */
function apart(runs) {
  const points = (v) => `${v >= 0 ? '+' : ''}${(100 * v).toFixed(1)}`
  const sums = new Map()
  const means = runs.map(({ rows, mine, other }) => {
    const both = rows.map((row, i) => [row, mine[i], other[i]]).filter(([, a, b]) => a !== null && b !== null)
    for (const [row, a, b] of both) {
      const { sum = 0, n = 0 } = sums.get(row) ?? {}
      sums.set(row, { sum: sum + a - b, n: n + 1 })
    }
    return both.reduce((sum, [, a, b]) => sum + (a - b) / both.length, 0)
  })
  const rows = [...sums.values()]
  if (rows.length === 0) return '- | -'
  const score = (drawn) => {
    let [sum, n] = [0, 0]
    for (const i of drawn) {
      sum += rows[i].sum
      n += rows[i].n
    }
    return { mean: sum / n }
  }
  const random = randomFrom(openTrainSession(kernels('train')), 0)
  const { low, high } = bootstrap(rows.length, undefined, score, random, { draws: 2000 }).mean
  const { mean, se } = summary(means)
  return `${points(mean)} ± ${(100 * se).toFixed(1)} | ${points(low)} to ${points(high)}`
}

/** @param runs of each run the methods, in the same order */
function tableOf(runs) {
  const known = runs[0].find((m) => m.test).test
  const metrics = METRICS.filter((metric) => metric in known)
  const rows = runs[0].map(({ name: method }, i) => {
    const tests = runs.map((r) => r[i].test).filter(Boolean)
    return { method, cells: metrics.map((metric) => (tests.length > 0 ? summary(tests.map((t) => t[metric])) : undefined)) }
  })
  const best = metrics.map((metric, k) => {
    const sign = SMALLER_IS_BETTER.has(metric) ? -1 : 1
    return rows.reduce(
      (top, { cells }) => (cells[k] && (!top || sign * cells[k].mean > sign * top.mean) ? cells[k] : top),
      undefined,
    )
  })
  const cell = (c, k) => {
    if (!c) return '-'
    const text = `${c.mean.toFixed(4)} ± ${c.se.toFixed(4)}`
    return Math.abs(c.mean - best[k].mean) <= best[k].se ? `**${text}**` : text
  }
  return [
    `| method | ${metrics.join(' | ')} |`,
    `| --- |${' --- |'.repeat(metrics.length)}`,
    ...rows.map(({ method, cells }) => `| ${method} | ${cells.map(cell).join(' | ')} |`),
  ]
}
