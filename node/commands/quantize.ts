import { defineCommand } from 'citty'
import { ConfigError } from '../../src/core/errors.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { quantize } from '../../src/formats/quantize.ts'
import { evaluate, type Metrics } from '../../src/fusion/evaluate.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../web/index.ts'
import { checkFolderOf, readBytes, writeFileSafely } from '../files.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { fileRecord, plain, scoreTable } from '../report.ts'
import { ownSplit, rowsToScore } from '../scored-rows.ts'
import { counted, talk } from '../sentences.ts'
import { readFolder } from '../tables.ts'

export const quantizeCommand = defineCommand({
  meta: { name: 'quantize', description: 'Write a model with 8-bit weights, in about a quarter of the bytes' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    out: { type: 'string', required: true, valueHint: 'file', description: 'Where the int8 model goes (.safetensors)' },
    check: { type: 'string', valueHint: 'dir', description: 'Folder whose test rows both models are scored on' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a file in that folder that says train or test' },
    json: { type: 'boolean', description: 'Print one JSON object' },
  },
  async run({ args }) {
    checkFolderOf(args.out)
    const before = readModelFile(args.model, readModel)
    if (before.precision) throw new ConfigError(`${args.model} is int8 already: quantize the model it was made of`)
    const { model, report } = quantize(before)
    const bytes = { before: readBytes(args.model).length, after: 0 }
    const scores = args.check === undefined ? undefined : await scored(args.check, args.split, before, model)
    const file = writeModel(model)
    bytes.after = file.length
    writeFileSafely(args.out, file)
    if (args.json) return console.log(JSON.stringify({ ...report, bytes, ...scores, model: fileRecord(args.out, file) }))
    const say = talk(args.out)
    const share = Math.round((100 * bytes.after) / bytes.before)
    say(`${args.out}: ${counted(bytes.after, 'byte')}, ${share} % of ${bytes.before}`)
    say(
      `${counted(report.weights, 'weight')}, the largest error ${report.error.toPrecision(3)}, ${report.errorInSteps.toFixed(2)} steps`,
    )
    if (!scores) return
    say(`${counted(scores.rows, 'row')}: ${plain(scores.scored)}\n`)
    for (const line of scoreTable(scores.methods, scores.rows)) say(line)
    const labels = model.target.task === 'classification' ? `${counted(scores.disagreements, 'row')} with another label; ` : ''
    say(`\n${labels}the largest change of a ${labels ? 'probability' : 'value'} is ${scores.change.toPrecision(3)}`)
  },
})

/** Both models on the rows that may be scored. */
async function scored(folder: string, split: string | undefined, before: Model, after: Model) {
  const asked = split ?? ownSplit(before, folder)
  const { data, splits } = await readFolder(folder, { expected: expectedOf(before), split: asked })
  const { rows, which } = rowsToScore(before, data, splits, split !== undefined)
  const [old, now] = [before, after].map((model) => createPredictor(model).predict(data, rows))
  const test = (prediction: typeof old): Metrics | undefined => evaluate(prediction, data.target, rows)
  const changes = old.values.map((value, i) => Math.abs(value - now.values[i]))
  return {
    scored: which,
    rows: rows.length,
    disagreements: old.labels ? old.labels.filter((label, i) => label !== now.labels?.[i]).length : 0,
    /** The largest change of a probability or of a value. */
    change: changes.reduce((most, v) => Math.max(most, Number.isNaN(v) ? 0 : v), 0),
    methods: [
      { name: 'float32', test: test(old) },
      { name: 'int8', test: test(now) },
    ],
  }
}
