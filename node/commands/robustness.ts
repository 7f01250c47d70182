import { defineCommand } from 'citty'
import { ConfigError } from '../../src/core/errors.ts'
import { conflicting, noisy, swapped, without } from '../../src/experiments/robustness.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { suspects } from '../../src/fusion/doubt.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import { summarize } from '../../src/metrics/summary.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { createPredictor, kernels } from '../../web/index.ts'
import { readModelFile } from '../model.ts'
import { COLUMNS, digits, table } from '../report.ts'
import { readScored } from '../scored-rows.ts'
import { counted } from '../sentences.ts'

/** Standard deviations of noise that are tried. */
const NOISE = [0.5, 1, 2]
const SHOWN = ['accuracy', 'auc', 'logLoss', 'mse', 'r2', 'suspected']

/** Of a model that doubts: the share of rows of which a modality is suspected. */
const SUSPECTED = ['suspected', 'suspected'] as const

export const robustnessCommand = defineCommand({
  meta: {
    name: 'robustness',
    description: 'Score a model on test rows with a modality missing, noisy, of other subjects, or in conflict with the others',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    repeats: { type: 'string', valueHint: 'count', description: 'Draws of noise and swaps (5)' },
    seed: { type: 'string', valueHint: 'n', description: 'What they are drawn with (0)' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const repeats = whole('repeats', args.repeats ?? '5', 1)
    const seed = whole('seed', args.seed ?? '0', 0)
    const model = readModelFile(args.model, readModel)
    const { data, rows, which } = await readScored(model, args.dir, args.split)
    const predictor = createPredictor(model)
    const random = randomFrom(openTrainSession(kernels('train')), seed).fork('robustness')
    const score = (spoilt: typeof data): Record<string, number> => {
      const prediction = predictor.predict(spoilt, rows)
      const named = Array.from(rows.keys()).filter((i) => suspects(prediction, i).length > 0).length
      return { ...evaluate(prediction, data.target, rows), ...(prediction.doubts ? { suspected: named / rows.length } : {}) }
    }
    const draws = (name: string, spoil: (draw: ReturnType<typeof random.fork>) => typeof data) => ({
      name,
      scores: Array.from({ length: repeats }, (_, n) => score(spoil(random.fork(`${name} ${n}`)))),
    })
    const found = [
      { name: 'as they are', scores: [score(data)] },
      ...data.modalities.map(({ name }, m) => ({ name: `without ${name}`, scores: [score(without(data, m))] })),
      ...data.modalities.flatMap(({ name }, m) =>
        NOISE.map((sd) => draws(`${name} with noise of ${sd} sd`, (draw) => noisy(data, m, sd, draw))),
      ),
      ...data.modalities.map(({ name }, m) => draws(`${name} of other subjects`, (draw) => swapped(data, m, rows, draw))),
      ...(data.target.task === 'classification' && data.modalities.length > 1
        ? [draws('conflicting views', (draw) => conflicting(data, rows, draw))]
        : []),
    ]
    const keys = [...COLUMNS, SUSPECTED].filter(([key]) => key in found[0].scores[0])
    const summaries = found.map(({ name, scores }) => ({
      name,
      rows: scores[0].rows ?? 0,
      scores: Object.fromEntries(keys.map(([key]) => [key, summarize(scores.map((s) => s[key] ?? Number.NaN))])),
    }))
    if (args.json) return console.log(JSON.stringify({ rows: rows.length, scored: which, repeats, seed, conditions: summaries }))
    console.log(`${counted(rows.length, 'row')}: ${which}; ± is the standard error over ${counted(repeats, 'draw')}\n`)
    const shown = keys.filter(([key]) => SHOWN.includes(key))
    const cell = ({ mean, se }: { mean: number; se: number }) =>
      Number.isNaN(se) ? digits(mean) : `${digits(mean)} ± ${digits(se)}`
    const lines = summaries.map(({ name, rows, scores }) => [name, String(rows), ...shown.map(([key]) => cell(scores[key]))])
    for (const line of table([['test rows', 'predicted', ...shown.map(([, title]) => title)], ...lines])) console.log(line)
  },
})

function whole(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value >= 2 ** 32)
    throw new ConfigError(`--${flag} is "${text}": give a whole number from ${least} on`)
  return value
}
