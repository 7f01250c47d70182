import { join } from 'node:path'
import { defineCommand } from 'citty'
import Papa from 'papaparse'
import type { Dataset } from '../../src/data/dataset.ts'
import { DEMO, DEMO_TITLE } from '../../src/experiments/demo.ts'
import { synthetic } from '../../src/experiments/synthetic.ts'
import { writeModel } from '../../src/formats/model-file.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { kernels } from '../../web/index.ts'
import { makeFolder, writeFileSafely } from '../files.ts'
import { train } from '../index.ts'
import { progressView } from '../progress.ts'
import { trainedLines } from '../report.ts'
import { interrupts } from '../signals.ts'
import { wholeNumber } from '../usage.ts'

export const demoCommand = defineCommand({
  meta: { name: 'demo', description: 'Make synthetic data, train on it and compare with every other fusion strategy' },
  args: {
    out: { type: 'string', default: 'metafusion-demo', valueHint: 'folder', description: 'Where data and model go' },
    seed: { type: 'string', default: '1', valueHint: 'n', description: 'Seed of data and training' },
  },
  async run({ args }) {
    const seed = wholeNumber('--seed', args.seed, 2 ** 32 - 1)
    const data = { ...synthetic(openTrainSession(kernels('train')), DEMO, seed), title: DEMO_TITLE }
    const folder = join(args.out, 'data')
    makeFolder(folder)
    writeDataset(folder, data)
    console.log(`${DEMO_TITLE}: ${data.ids.length} rows in ${folder}`)
    const view = progressView()
    const stop = interrupts('no model was written')
    try {
      const run = train(data, { config: { seed }, onProgress: view.show, signal: stop.signal })
      const trained = await run.finally(view.close)
      const file = join(args.out, 'model.safetensors')
      writeFileSafely(file, writeModel(trained.model))
      for (const line of trainedLines(trained)) console.log(line)
      console.log(
        `\nThe model lies in ${file}. Next: npx metafusion predict ${file} ${folder} --out ${join(args.out, 'predictions.csv')}`,
      )
    } finally {
      stop.close()
    }
  },
})

/** A data set as a folder of CSV files with its dataset.json. */
function writeDataset(folder: string, data: Dataset): void {
  const write = (name: string, header: string[], row: (i: number) => (string | number)[]) =>
    writeFileSafely(join(folder, name), `${Papa.unparse([header, ...data.ids.map((_, i) => row(i))], { newline: '\n' })}\n`)
  for (const { name, columns } of data.modalities) {
    const cell = (c: (typeof columns)[number], i: number) => (c.kind === 'number' ? c.values[i] : c.levels[c.codes[i]])
    write(`${name}.csv`, ['id', ...columns.map((c) => c.name)], (i) => [data.ids[i], ...columns.map((c) => cell(c, i))])
  }
  const { target } = data
  if (target.task !== 'regression') throw new TypeError('the demo is a regression')
  write('labels.csv', ['id', ...target.outputs], (i) => [data.ids[i], target.values[i]])
  const manifest = {
    title: data.title,
    id: 'id',
    task: target.task,
    modalities: Object.fromEntries(data.modalities.map(({ name }) => [name, `${name}.csv`])),
    target: { file: 'labels.csv', column: target.outputs[0] },
  }
  writeFileSafely(join(folder, 'dataset.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
