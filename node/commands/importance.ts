import { defineCommand } from 'citty'
import { ConfigError } from '../../src/core/errors.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { modalityImportance, nextModality } from '../../src/fusion/shapley.ts'
import { createPredictor } from '../../web/index.ts'
import { readModelFile } from '../model.ts'
import { table } from '../report.ts'
import { readScored } from '../scored-rows.ts'
import { counted, listed } from '../sentences.ts'

export const importanceCommand = defineCommand({
  meta: {
    name: 'importance',
    description: 'How much each modality matters on the test rows, and which one more would be worth most to a subject',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    has: { type: 'string', valueHint: 'a,b', description: 'The modalities a subject has: tells what each further one is worth' },
    json: { type: 'boolean', description: 'Print one JSON object instead of tables' },
  },
  async run({ args }) {
    const model = readModelFile(args.model, readModel)
    const { data, rows, which } = await readScored(model, args.dir, args.split)
    const predictor = createPredictor(model)
    const has = args.has === undefined ? undefined : args.has === '' ? [] : args.has.split(',').map((name) => name.trim())
    const names = model.preparations.map((p) => p.modality)
    const unknown = has?.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new ConfigError(`--has names "${unknown}": give some of ${listed(names)}`)
    const modalities = modalityImportance(predictor, model, data, rows)
    const next = has && nextModality(predictor, model, has, data, rows)
    if (args.json)
      return console.log(JSON.stringify({ rows: rows.length, scored: which, modalities, ...(next ? { has, next } : {}) }))
    const loss = model.target.task === 'classification' ? 'log loss' : 'squared error'
    console.log(`${counted(rows.length, 'row')}: ${which}\n`)
    const ranked = [...modalities].sort((a, b) => b.gain - a.gain)
    const lines = ranked.map(({ modality, size, sizeError, gain, gainError }) => [
      modality,
      plus(gain, gainError),
      plus(size, sizeError),
    ])
    for (const line of table([['modality', `takes off ${loss}`, 'mean size of its share'], ...lines])) console.log(line)
    if (!next) return
    console.log(`\nto a subject with ${has.length > 0 ? has.join(', ') : 'nothing'}, one more is worth in ${loss}:`)
    for (const line of table(next.map(({ modality, gain, error, rows: n }) => [modality, plus(gain, error), counted(n, 'row')])))
      console.log(line)
  },
})

const plus = (mean: number, error: number): string =>
  Number.isNaN(mean) ? '-' : `${mean.toFixed(4)} ± ${Number.isNaN(error) ? '-' : error.toFixed(4)}`
