// Compares settings on hold-outs inside the training rows of data sets: what defaults are chosen by. Test rows are never read.
//
//   npm run study -- SETTINGS.json FOLDER… [--splits 20] [--first 1] [--log FILE]
//
// SETTINGS.json names configurations of `metafusion train`: { "default": {}, "two layers": { "head": [64, 32] } }. Each is trained on the
// same three quarters of the training rows, stratified, with the seed of the split, and scored on the last quarter; differences are
// paired, to the first configuration. Hold-outs of one set share rows, so standard errors over them are too small.

import { execFile } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { kernels, train } from '../../dist/node/index.js'
import { readFolder } from '../../dist/node/node.js'
import { splitValidation } from '../../dist/src/data/split.js'
import { randomFrom } from '../../dist/src/wasm/random.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { summary } from './summary.js'

/** Share of the training rows that is held out. */
const HELD = 0.25
const METRICS = ['accuracy', 'auc', 'logLoss', 'ece', 'r2', 'mse']

if (process.argv[2] === '--one') await one(process.argv[3], Number(process.argv[4]), JSON.parse(process.argv[5]))
else await all()

/** One training; prints the scores of its methods. */
async function one(folder, seed, config) {
  const { data, splits } = await readFolder(folder)
  const random = randomFrom(openTrainSession(kernels('train')), seed).fork('study')
  const rows = Array.from(splits?.train ?? data.ids.keys())
  const { train: learned, validation: held } = splitValidation(random, data, rows, HELD)
  const { methods, model } = await train(data, { config: { seed, ...config }, splits: { train: learned, test: held } })
  console.log(JSON.stringify({ methods, rho: model.provenance.rho }))
}

async function all() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { splits: { type: 'string', default: '20' }, first: { type: 'string', default: '1' }, log: { type: 'string' } },
  })
  const [file, ...folders] = positionals
  const settings = Object.entries(JSON.parse(readFileSync(file, 'utf8')))
  const seeds = Array.from({ length: Number(values.splits) }, (_, i) => Number(values.first) + i)
  const jobs = folders.flatMap((folder) =>
    seeds.flatMap((seed) => settings.map(([name, config]) => ({ folder, seed, name, config }))),
  )
  const found = new Map()
  const key = (folder, seed, name) => [folder, seed, name].join('\n')
  const run = promisify(execFile)
  const queue = [...jobs]
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const { folder, seed, name, config } = job
      const { stdout } = await run(process.execPath, [
        import.meta.filename,
        '--one',
        folder,
        String(seed),
        JSON.stringify(config),
      ])
      const { methods, rho } = JSON.parse(stdout)
      found.set(key(folder, seed, name), methods)
      if (values.log) appendFileSync(values.log, `${JSON.stringify({ set: basename(folder), seed, name, rho, methods })}\n`)
    }
  }
  await Promise.all([worker(), worker()])

  const scores = (folder, name, method, metric) =>
    seeds.map((seed) => found.get(key(folder, seed, name)).find((m) => m.name === method)?.test?.[metric])
  const [first] = settings[0]
  for (const folder of folders) {
    const metrics = METRICS.filter((metric) => scores(folder, first, 'meta-fusion', metric)[0] !== undefined)
    console.log(
      `\n${basename(folder)}: ${seeds.length} hold-outs\n\n| settings | method | ${metrics.join(' | ')} |\n| --- | --- |${' --- |'.repeat(metrics.length)}`,
    )
    for (const [name] of settings) {
      for (const { name: method } of found.get(key(folder, seeds[0], name))) {
        const cells = metrics.map((metric) => {
          const mine = scores(folder, name, method, metric)
          const base = scores(folder, first, 'meta-fusion', metric)
          if (mine.includes(undefined)) return '-'
          const apart = summary(mine.map((v, i) => v - base[i]))
          return `${summary(mine).mean.toFixed(4)} (${apart.mean >= 0 ? '+' : ''}${apart.mean.toFixed(4)} ± ${apart.se.toFixed(4)})`
        })
        console.log(`| ${name} | ${method} | ${cells.join(' | ')} |`)
      }
    }
  }
}
