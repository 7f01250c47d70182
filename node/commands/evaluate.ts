import { defineCommand } from 'citty'
import { DataError } from '../../src/core/errors.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { builtRules, methodName } from '../../src/fusion/ensemble.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import { createPredictor } from '../../web/index.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { evaluationJson, scoreTable } from '../report.ts'
import { ownSplit, rowsToScore } from '../scored-rows.ts'
import { counted } from '../sentences.ts'
import { readFolder } from '../tables.ts'

export const evaluateCommand = defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Score a model on the test rows of a folder, or on all rows of one it was not trained on',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const model = readModelFile(args.model, readModel)
    const { data, splits, notes } = await readFolder(args.dir, {
      expected: expectedOf(model),
      split: args.split ?? ownSplit(model, args.dir),
    })
    if (args.split && splits?.test.length === 0) {
      throw new DataError(
        `"${args.split}" has no test row among those of "${args.dir}": write test for some, or leave --split out`,
      )
    }
    const { rows, which } = rowsToScore(model, data, splits, args.split !== undefined)
    const methods = builtRules(model.ensembles).map((rule) => ({
      name: methodName(rule),
      test: evaluate(createPredictor(model, rule).predict(data, rows), data.target, rows),
    }))
    const say = args.json ? console.error : console.log
    for (const note of notes) say(note)
    if (args.json) return console.log(JSON.stringify(evaluationJson(model.target.task, rows.length, which, methods)))
    console.log(`${counted(rows.length, 'row')}: ${which}\n`)
    for (const line of scoreTable(methods, rows.length)) console.log(line)
  },
})
