import { defineCommand } from 'citty'
import Papa from 'papaparse'
import { DataError } from '../../src/core/errors.ts'
import { nearBest, summarize } from '../../src/metrics/summary.ts'
import type { GivenSplits } from '../../src/recipe/choose-splits.ts'
import { crossValidationSplits } from '../../src/recipe/cross-validate.ts'
import { MOST_WORKERS } from '../../src/service/train.ts'
import { checkConfig } from '../../src/train/check-config.ts'
import { createPredictor, kernels } from '../../web/index.ts'
import { checkFolderOf, writeFileSafely } from '../files.ts'
import { train } from '../index.ts'
import { DEFAULT_WORKERS } from '../pool/pool.ts'
import { COLUMNS, digits, table } from '../report.ts'
import { counted, talk } from '../sentences.ts'
import { interrupts } from '../signals.ts'
import { readFolder } from '../tables.ts'
import { configFrom, wholeNumber } from '../usage.ts'

const SHOWN = ['accuracy', 'balancedAccuracy', 'auc', 'logLoss', 'mse', 'mae', 'r2']

export const crossValidateCommand = defineCommand({
  meta: {
    name: 'cross-validate',
    description: 'Train and test on each fold in turn; everything is chosen within the rows of a training',
  },
  args: {
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    folds: { type: 'string', valueHint: 'n', description: 'Parts of the rows (5); groups stay whole, classes keep their shares' },
    repeats: { type: 'string', valueHint: 'n', description: 'Times that the rows are parted anew (1)' },
    splits: {
      type: 'string',
      valueHint: 'file:a,b',
      description: 'Columns of a CSV in the folder that say train or test, in place of folds',
    },
    config: { type: 'string', valueHint: 'file', description: 'Settings of each training as JSON' },
    seed: {
      type: 'string',
      valueHint: 'n',
      description: 'What folds are drawn with, and the first training; the next have the next seeds (0)',
    },
    baselines: { type: 'string', valueHint: 'list', description: 'What to compare with, or none (the usual ones)' },
    out: { type: 'string', valueHint: 'file', description: 'What each subject is predicted when it is tested (.csv)' },
    workers: { type: 'string', valueHint: 'n', description: `Worker threads (${DEFAULT_WORKERS} here); the scores are the same` },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const config = checkConfig(configFrom(args))
    const folds = wholeNumber('--folds', args.folds ?? '5', 1000, 2)
    const repeats = wholeNumber('--repeats', args.repeats ?? '1', 1000, 1)
    const workers = args.workers === undefined ? DEFAULT_WORKERS : wholeNumber('--workers', args.workers, MOST_WORKERS, 1)
    if (args.out) checkFolderOf(args.out)
    const { data, notes } = await readFolder(args.dir, {})
    const seed = config.seed ?? 0
    const splits = args.splits
      ? await givenSplits(args.dir, args.splits)
      : crossValidationSplits(kernels('train'), data, { folds, repeats, seed })
    const say = args.json || args.out === '/dev/stdout' ? console.error : console.log
    for (const note of notes) say(note)
    const stop = interrupts('nothing was written')
    const runs: Record<string, Record<string, number> | undefined>[] = []
    const predictions: (string | number)[][] = []
    try {
      for (const [n, split] of splits.entries()) {
        const { model, methods } = await train(data, {
          config: { ...config, seed: seed + n },
          splits: split,
          workers,
          signal: stop.signal,
        })
        runs.push(Object.fromEntries(methods.map(({ name, test }) => [name, test as unknown as Record<string, number>])))
        const [key, title] = COLUMNS.find(([k]) => k in (runs[n]['meta-fusion'] ?? {})) ?? ['', '']
        console.error(`${n + 1} of ${splits.length}: meta-fusion ${title} ${digits(runs[n]['meta-fusion']?.[key] ?? Number.NaN)}`)
        if (!args.out) continue
        const { ids, outputs, values, labels } = createPredictor(model).predict(data, split.test)
        ids.forEach((id, i) => {
          const mine = Array.from(values.subarray(i * outputs.length, (i + 1) * outputs.length), (v) =>
            Number.isNaN(v) ? '' : v,
          )
          predictions.push([n + 1, id, ...(labels ? [labels[i] < 0 ? '' : outputs[labels[i]]] : []), ...mine])
        })
      }
    } finally {
      stop.close()
    }
    const { target } = data
    if (args.out) {
      const columns =
        target.task === 'classification'
          ? ['prediction', ...target.classes.map((c) => `p_${c}`)]
          : target.outputs.map((o) => `prediction_${o}`)
      writeFileSafely(args.out, `${Papa.unparse([['split', 'id', ...columns], ...predictions], { newline: '\n' })}\n`)
    }
    const names = Object.keys(runs[0])
    const keys = COLUMNS.filter(([key]) => names.some((name) => key in (runs[0][name] ?? {})))
    const summaries = names.map((name) => ({
      name,
      scores: Object.fromEntries(keys.map(([key]) => [key, summarize(runs.flatMap((run) => run[name]?.[key] ?? []))])),
    }))
    if (args.json) return console.log(JSON.stringify({ splits: splits.length, seed, methods: summaries, runs }))
    say(`\n${counted(splits.length, 'split')}: mean ± standard error; splits share rows, so the error is too small\n`)
    const shown = keys.filter(([key]) => SHOWN.includes(key))
    const best = shown.map(([key]) =>
      nearBest(
        summaries.map((s) => s.scores[key]),
        ['logLoss', 'mse', 'mae'].includes(key) ? 'lower' : 'higher',
      ),
    )
    const lines = summaries.map(({ name, scores }, i) => [
      name,
      ...shown.map(([key], k) => `${digits(scores[key].mean)} ± ${digits(scores[key].se)}${best[k][i] ? ' *' : '  '}`),
    ])
    for (const line of table([['method', ...shown.map(([, title]) => `${title}  `)], ...lines])) say(line)
    say('\n* within one standard error of the best')
    if (args.out) talk(args.out)(`${args.out}: ${counted(predictions.length, 'row')} predicted`)
  },
})

/** Splits that a file of the folder gives, one in each column. */
async function givenSplits(folder: string, asked: string): Promise<GivenSplits[]> {
  const at = asked.lastIndexOf(':')
  if (at < 0) throw new DataError(`--splits is "${asked}": give FILE:COLUMN,COLUMN`)
  const found: GivenSplits[] = []
  for (const column of asked.slice(at + 1).split(',')) {
    const { splits } = await readFolder(folder, { split: `${asked.slice(0, at)}:${column.trim()}` })
    if (!splits || splits.test.length === 0)
      throw new DataError(`"${column}" of ${asked.slice(0, at)} has no test row: write test for some`)
    found.push(splits)
  }
  return found
}
