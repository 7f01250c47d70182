import { defineCommand } from 'citty'
import Papa from 'papaparse'
import { ConfigError, DataError } from '../../src/core/errors.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { modalityShares } from '../../src/fusion/shapley.ts'
import { createPredictor, featureShares } from '../../web/index.ts'
import { checkFolderOf, writeFileSafely } from '../files.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { table } from '../report.ts'
import { listed, talk } from '../sentences.ts'
import { readFolder } from '../tables.ts'

/** Rows that are told on a terminal. */
const SHOWN = 10

export const explainCommand = defineCommand({
  meta: { name: 'explain', description: 'Why: what each modality, and each feature, adds to the predictions of a folder' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with one file per modality; modalities may be missing' },
    ids: { type: 'string', valueHint: 'a,b', description: 'Only these subjects' },
    features: { type: 'string', valueHint: 'count', description: 'Features that are told of each subject (5)' },
    out: { type: 'string', valueHint: 'file', description: 'Every share of every subject, as CSV' },
    json: { type: 'boolean', description: 'Print one JSON object instead of tables' },
  },
  async run({ args }) {
    const most = Number(args.features ?? '5')
    if (!Number.isInteger(most) || most < 0)
      throw new ConfigError(`--features is "${args.features}": give a whole number from 0 on`)
    if (args.out) checkFolderOf(args.out)
    const model = readModelFile(args.model, readModel)
    const { inputs } = await readFolder(args.dir, { expected: expectedOf(model), target: 'optional' })
    const rows = rowsOf(inputs.ids, args.ids)
    const shares = modalityShares(createPredictor(model), model, inputs, rows)
    const features = featureShares(model, inputs, rows)
    const { modalities, outputs, base, values } = shares
    const D = outputs.length
    const told = Array.from(rows, (_, i) => {
      const { id, output, value, average, rest, shares: all } = features[i]
      const d = outputs.indexOf(output)
      const mine = modalities.map((modality, m) => ({
        modality,
        share: d < 0 ? Number.NaN : values[(i * modalities.length + m) * D + d],
      }))
      return { id, output, value, base: d < 0 ? Number.NaN : base[d], modalities: mine, average, rest, features: all }
    })
    if (args.out) {
      const lines = told.flatMap((row) => [
        ...row.modalities.map(({ modality, share }) => [row.id, row.output, modality, '', share]),
        ...row.features.map(({ modality, feature, share }) => [row.id, row.output, modality, feature, share]),
      ])
      writeFileSafely(
        args.out,
        `${Papa.unparse([['id', 'output', 'modality', 'feature', 'share'], ...lines], { newline: '\n' })}\n`,
      )
    }
    const brief = told.map((row) => ({ ...row, features: row.features.slice(0, most) }))
    if (args.json) return console.log(JSON.stringify({ rows: brief }))
    const say = talk(args.out ?? '')
    for (const row of brief.slice(0, SHOWN)) {
      if (row.output === '') {
        say(`${row.id}: not predicted`)
        continue
      }
      say(`${row.id}: ${row.output} ${number(row.value)}, without any modality ${number(row.base)}`)
      for (const line of table(row.modalities.map(({ modality, share }) => [`  ${modality}`, signed(share)]))) say(line)
      if (row.features.length > 0) {
        say(`  of its features, against a subject average in all of them (${number(row.average)}):`)
        for (const line of table(
          row.features.map(({ modality, feature, share }) => [`    ${modality}: ${feature}`, signed(share)]),
        ))
          say(line)
      }
    }
    if (told.length > SHOWN) say(`and ${told.length - SHOWN} more: name them by --ids, or write all by --out`)
    if (args.out) say(`${args.out}: ${told.length} subjects explained`)
  },
})

const number = (v: number): string => (Math.abs(v) >= 100 ? v.toFixed(1) : v.toFixed(3))
const signed = (v: number): string => `${v < 0 ? '' : '+'}${number(v)}`

function rowsOf(ids: readonly string[], asked: string | undefined): Int32Array {
  if (asked === undefined) return Int32Array.from(ids.keys())
  return Int32Array.from(asked.split(','), (id) => {
    const row = ids.indexOf(id.trim())
    if (row < 0)
      throw new DataError(
        `the folder has no subject "${id.trim()}": it has ${listed(ids.slice(0, 3))}${ids.length > 3 ? ' …' : ''}`,
      )
    return row
  })
}
