// Trains with default settings on folders of real data, over seeds, and writes the tables of docs/RESULTS.md.
//
//   npm run results -- FOLDER… [--seeds 1,2,3,4,5] [--out docs/RESULTS.md]
//
// Each run is a process of its own, so that its peak memory is its own. Only what stands between the markers is replaced.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { train, writeModel } from '../../dist/node/index.js'
import { readFolder } from '../../dist/node/node.js'

const METRICS = ['accuracy', 'balancedAccuracy', 'macroF1', 'auc', 'logLoss', 'mse', 'mae', 'r2']
const SMALLER_IS_BETTER = new Set(['logLoss', 'mse', 'mae'])

if (process.argv[2] === '--one') await one(process.argv[3], Number(process.argv[4]))
else await all()

/** One training; prints its scores, time and memory. */
async function one(folder, seed) {
  const start = performance.now()
  const { data, splits } = await readFolder(folder)
  const { model, methods } = await train(data, { config: { seed }, splits })
  const bytes = writeModel(model).length
  const seconds = (performance.now() - start) / 1000
  const { rho, split } = model.provenance
  console.log(
    JSON.stringify({
      methods,
      seconds,
      bytes,
      rho,
      split,
      students: model.students.length,
      mib: process.resourceUsage().maxRSS / 1024,
    }),
  )
}

async function all() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { seeds: { type: 'string', default: '1,2,3,4,5' }, out: { type: 'string', default: 'docs/RESULTS.md' } },
  })
  const seeds = values.seeds.split(',').map(Number)
  const run = promisify(execFile)
  const jobs = positionals.flatMap((folder) => seeds.map((seed) => ({ folder, seed })))
  const results = new Map()
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const { stdout } = await run(process.execPath, [import.meta.filename, '--one', job.folder, String(job.seed)])
      console.error(`${basename(job.folder)} seed ${job.seed}`)
      results.set(`${job.folder} ${job.seed}`, JSON.parse(stdout))
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  const sections = positionals.map((folder) =>
    section(
      basename(folder),
      seeds.map((seed) => results.get(`${folder} ${seed}`)),
    ),
  )
  const text = readFileSync(values.out, 'utf8')
  const [head, , tail] = text.split(/(<!-- tables -->[\s\S]*<!-- end of tables -->)/)
  writeFileSafely(values.out, `${head}<!-- tables -->\n\n${sections.join('\n')}\n<!-- end of tables -->${tail}`)
}

/** The table of one data set: mean ± standard error over seeds, the best mean in bold with all within its standard error. */
function section(name, runs) {
  const known = runs[0].methods.find((m) => m.test).test
  const metrics = METRICS.filter((metric) => metric in known)
  const rows = runs[0].methods.map(({ name: method }, i) => {
    const tests = runs.map((r) => r.methods[i].test).filter(Boolean)
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
  const { split, students } = runs[0]
  const seconds = summary(runs.map((r) => r.seconds))
  const mib = Math.max(...runs.map((r) => r.mib))
  return [
    `### ${name}`,
    '',
    `${split.train} training, ${split.validation} validation, ${split.test} test rows; ${students} students; ρ chosen: ${runs.map((r) => r.rho).join(', ')}.`,
    `${seconds.mean.toFixed(0)} s a run, two at a time on two cores; peak memory ${mib.toFixed(0)} MiB; model ${(runs[0].bytes / 2 ** 20).toFixed(1)} MiB.`,
    '',
    `| method | ${metrics.join(' | ')} |`,
    `| --- |${' --- |'.repeat(metrics.length)}`,
    ...rows.map(({ method, cells }) => `| ${method} | ${cells.map(cell).join(' | ')} |`),
    '',
  ].join('\n')
}

function summary(values) {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, n - 1)
  return { mean, se: Math.sqrt(variance / n) }
}
