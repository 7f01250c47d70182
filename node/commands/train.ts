import { defineCommand } from 'citty'
import { presence } from '../../src/data/presence.ts'
import { writeModel } from '../../src/formats/model-file.ts'
import { MOST_WORKERS } from '../../src/service/train.ts'
import { checkConfig } from '../../src/train/check-config.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { checkNumerics, type Numerics } from '../../src/wasm/shelf.ts'
import { checkFolderOf, writeFileSafely } from '../files.ts'
import { plan, train } from '../index.ts'
import { DEFAULT_WORKERS } from '../pool/pool.ts'
import { progressView } from '../progress.ts'
import { fileRecord, planJson, planLines, presenceLines, trainedJson, trainedLines } from '../report.ts'
import { counted, talk } from '../sentences.ts'
import { interrupts } from '../signals.ts'
import { readFolder } from '../tables.ts'
import { configFrom, UsageError, wholeNumber } from '../usage.ts'

export const trainCommand = defineCommand({
  meta: { name: 'train', description: 'Train a fusion model on a folder of one file per modality: CSV, Parquet or Arrow IPC' },
  args: {
    dir: { type: 'positional', required: true, description: 'Folder with the files, labels.csv and perhaps dataset.json' },
    out: { type: 'string', valueHint: 'file', description: 'Where the model goes (.safetensors); needed but for --plan' },
    config: { type: 'string', valueHint: 'file', description: 'Settings as JSON' },
    seed: { type: 'string', valueHint: 'n', description: 'Same seed, same model, to the byte (0)' },
    rho: { type: 'string', valueHint: 'list', description: 'Sharing strengths to try (0,0.99,3)' },
    baselines: {
      type: 'string',
      valueHint: 'list',
      description: 'What to compare with: late-sum,cooperative; or none (the usual ones)',
    },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    numerics: {
      type: 'string',
      valueHint: 'exact|fast',
      description: 'fast: relaxed SIMD, where last digits depend on the processor (exact)',
    },
    plan: { type: 'boolean', description: 'Tell who would be trained, how long and in how much memory, and train nothing' },
    workers: { type: 'string', valueHint: 'n', description: `Worker threads (${DEFAULT_WORKERS} here); the model is the same` },
    json: { type: 'boolean', description: 'Print one JSON object instead of the report' },
  },
  async run({ args }) {
    const config = checkConfig(configFrom(args))
    const numerics = checkNumerics(args.numerics ?? 'exact')
    const { out } = args
    const workers = args.workers === undefined ? DEFAULT_WORKERS : wholeNumber('--workers', args.workers, MOST_WORKERS, 1)
    if (args.plan) return tellPlan(args, config, numerics)
    if (out === undefined) throw new UsageError('"train" needs --out FILE: see metafusion train --help')
    checkFolderOf(out)
    const started = performance.now()
    const { data, splits, notes } = await readFolder(args.dir, { split: args.split })
    const tell = talk(out)
    const say = args.json ? console.error : tell
    say(`${counted(data.ids.length, 'row')}, ${counted(data.modalities.length, 'modality', 'modalities')}`)
    for (const line of [...presenceLines(presence(data)), ...notes.map((note) => `  ${note}`)]) say(line)
    const view = progressView()
    const stop = interrupts('no model was written')
    try {
      const run = train(data, { config, splits, numerics, onProgress: view.show, signal: stop.signal, workers })
      const trained = await run.finally(view.close)
      const bytes = writeModel(trained.model)
      writeFileSafely(out, bytes)
      const seconds = (performance.now() - started) / 1000
      const file = fileRecord(out, bytes)
      if (args.json) return console.log(JSON.stringify(trainedJson(trained, seconds, file)))
      for (const line of trainedLines(trained)) tell(line)
      tell(`\n${out}: ${file.bytes} bytes, ${seconds.toFixed(1)} s`)
    } finally {
      // Not before the file is written: a signal in the middle of that would leave a half of it behind.
      stop.close()
    }
  },
})

/** The dry run. */
async function tellPlan(
  args: { dir: string; split?: string; json?: boolean },
  config: TrainConfig,
  numerics: Numerics,
): Promise<void> {
  const { data, splits, notes } = await readFolder(args.dir, { split: args.split })
  const planned = plan(data, { config, splits, numerics })
  const lines = args.json ? [JSON.stringify(planJson(planned))] : [...notes, ...planLines(planned)]
  for (const line of lines) console.log(line)
}
