// From the start of a process to the first prediction, beside a process that does nothing.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeModel } from '../../../dist/src/formats/model-file.js'
import { bundled } from '../bundled.js'
import { cohortOf, modelOf } from '../cohorts.js'
import { summary } from '../rounds.js'

const STARTS = 15
const DOOR = fileURLToPath(new URL('../../../dist/browser/infer.js', import.meta.url))

/** Reads a model of its folder and predicts one row. */
const script = (door, model) => `
import { readFileSync } from 'node:fs'
import { createPredictor, modality, readModel } from ${JSON.stringify(door)}
const row = new Float64Array(16).fill(0.5)
const predictor = createPredictor(readModel(readFileSync(${JSON.stringify(model)})))
const { labels } = predictor.predict({ ids: ['a'], modalities: [modality('m0', row, 16), modality('m1', row, 16)] })
if (labels.length !== 1 || labels[0] < 0) throw new Error('nothing was predicted')
`

export async function run(bench) {
  if (!bench.wants('cold/first-inference', 'cold/first-inference/bundled')) return
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-cold-'))
  try {
    const model = join(folder, 'model.metafusion')
    const bytes = writeModel(modelOf(cohortOf({ features: [16, 16], extractors: ['raw', 'skip'], head: [64, 32], classes: 4 })))
    writeFileSync(model, bytes)
    mkdirSync(join(folder, 'dist'))
    mkdirSync(join(folder, 'build'))
    copyFileSync(join(DOOR, '../../build/infer.wasm'), join(folder, 'build/infer.wasm'))
    const plain = join(folder, 'plain.mjs')
    writeFileSync(plain, script(DOOR, model))
    const one = join(folder, 'dist/one.mjs')
    writeFileSync(one, await bundled(plain))
    const ms = { empty: [], plain: [], bundled: [] }
    const starts = { empty: ['-e', ''], plain: [plain], bundled: [one] }
    for (let round = -1; round < Math.max(STARTS, bench.rounds ?? 0); round++) {
      for (const [name, args] of Object.entries(starts)) {
        const time = started(args)
        if (round >= 0) ms[name].push(time)
      }
    }
    const over = (name) => summary(ms[name].map((time, round) => time - ms.empty[round]))
    const empty = summary(ms.empty).median.toFixed(1)
    const about = (what) => `wall; an empty process takes ${empty} ms; model of ${bytes.length} bytes; ${what}`
    bench.record({ id: 'cold/first-inference', unit: 'ms', ...over('plain'), note: about('metafusion/infer as it is installed') })
    bench.record({ id: 'cold/first-inference/bundled', unit: 'ms', ...over('bundled'), note: about('in one minified file') })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Milliseconds of a Node process. */
function started(args) {
  const before = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const ms = performance.now() - before
  if (status !== 0) throw new Error(stderr)
  return ms
}
