import { defineCommand } from 'citty'
import { DataError } from '../../src/core/errors.ts'
import { type Dataset, digest } from '../../src/data/dataset.ts'
import { readModel } from '../../src/formats/model-file.ts'
import type { Rule } from '../../src/fusion/ensemble.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import type { Model } from '../../src/fusion/model.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import { createPredictor } from '../infer.ts'
import { kernels } from '../kernels.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { evaluationJson, scoreTable } from '../report.ts'
import { counted } from '../sentences.ts'
import { readFolder } from '../tables.ts'

const METHODS: readonly (readonly [name: string, rule: Rule])[] = [
  ['meta-fusion', 'greedy'],
  ['best-single-student', 'best-single'],
  ['simple-average', 'simple-average'],
  ['weighted-average', 'weighted-average'],
]

export const evaluateCommand = defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Score a model on the test rows of a folder, or on all rows of one it was not trained on',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the CSV files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  run({ args }) {
    const model = readModelFile(args.model, readModel)
    const { data, splits, notes } = readFolder(args.dir, { expected: expectedOf(model), split: args.split })
    if (args.split && splits?.test.length === 0) {
      throw new DataError(
        `"${args.split}" has no test row among those of "${args.dir}": write test for some, or leave --split out`,
      )
    }
    const { rows, which } = rowsToScore(model, data, splits?.test)
    const methods = METHODS.map(([name, rule]) => ({
      name,
      test: evaluate(createPredictor(model, rule).predict(data, rows), data.target, rows),
    }))
    const about = `${counted(rows.length, 'row')}: ${which}`
    const say = args.json ? console.error : console.log
    for (const note of notes) say(note)
    if (args.json) return console.log(JSON.stringify(evaluationJson(model.target.task, about, methods)))
    console.log(`${about}\n`)
    for (const line of scoreTable(methods)) console.log(line)
  },
})

/** Test rows if the folder names them or the model drew them from these very subjects; otherwise every row. */
function rowsToScore(model: Model, data: Dataset, given: Int32Array | undefined): { rows: Int32Array; which: string } {
  if (given && given.length > 0) return { rows: given, which: 'the test part of the split' }
  const { split, seed, subjects } = model.provenance
  const all = Int32Array.from(data.ids, (_, row) => row)
  if (subjects !== digest({ ...data, modalities: [] }))
    return { rows: all, which: 'all of them, since the model was trained on another set of subjects' }
  if (!split.fractions) return { rows: all, which: 'all of them, those of the training included' }
  const drawn = chooseSplits(kernels('train'), data, { seed, ...split.fractions })
  return { rows: drawn.splits.test, which: 'the test part drawn when the model was trained' }
}
