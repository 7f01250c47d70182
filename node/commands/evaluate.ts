import { defineCommand } from 'citty'
import { ConfigError, DataError } from '../../src/core/errors.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { builtRules, methodName } from '../../src/fusion/ensemble.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import { createPredictor } from '../../web/index.ts'
import { decisionsOf, duel, intervalsOf, positiveClass, type Scored, subgroupsOf, thresholdOf } from '../evaluation.ts'
import { evaluationLines } from '../evaluation-lines.ts'
import { readModelFile } from '../model.ts'
import { evaluationJson, scoreTable } from '../report.ts'
import { readScored } from '../scored-rows.ts'
import { counted } from '../sentences.ts'

export const evaluateCommand = defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Score a model on the test rows of a folder, or on all rows of one it was not trained on',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    ci: {
      type: 'string',
      valueHint: 'level',
      description: 'Bootstrap intervals of the scores of its own ensemble, say 0.95',
    },
    by: { type: 'string', valueHint: 'column', description: 'The same for each group of the rows, by a column of a modality' },
    threshold: {
      type: 'string',
      valueHint: 'p',
      description: 'Sensitivity, specificity and predictive values from this probability up',
    },
    positive: {
      type: 'string',
      valueHint: 'class',
      description: 'The class that is called positive (the second of two by name)',
    },
    'decision-curve': { type: 'boolean', description: 'Net benefit of the model and of treating everybody, by threshold' },
    compare: {
      type: 'string',
      valueHint: 'model',
      description: 'Another model on the same rows: differences, their intervals and tests',
    },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const model = readModelFile(args.model, readModel)
    const { data, rows, which, notes } = await readScored(model, args.dir, args.split)
    const said = builtRules(model.ensembles).map((rule) => ({
      name: methodName(rule),
      prediction: createPredictor(model, rule).predict(data, rows),
    }))
    const methods = said.map(({ name, prediction }) => ({ name, test: evaluate(prediction, data.target, rows) }))
    const scored: Scored = { data, rows, prediction: said[0].prediction }
    const level = args.ci === undefined ? 0.95 : shareOf('ci', args.ci)
    const ask = args.threshold === undefined && !args['decision-curve'] && args.positive === undefined
    const positive = ask ? undefined : positiveClass(scored, args.positive)
    const more = {
      ...(args.ci === undefined ? {} : { intervals: { level, scores: intervalsOf(scored, level) } }),
      ...(args.by === undefined ? {} : { by: { column: args.by, level, groups: subgroupsOf(scored, args.by, level) } }),
      ...(positive === undefined || args.threshold === undefined
        ? {}
        : {
            threshold: {
              positive: scored.prediction.outputs[positive],
              ...thresholdOf(scored, positive, shareOf('threshold', args.threshold)),
            },
          }),
      ...(positive === undefined || !args['decision-curve']
        ? {}
        : { positive: scored.prediction.outputs[positive], decisionCurve: decisionsOf(scored, positive) }),
      ...(args.compare === undefined
        ? {}
        : { comparison: { model: args.compare, level, ...compared(scored, args.compare, level) } }),
    }
    const say = args.json ? console.error : console.log
    for (const note of notes) say(note)
    if (args.json)
      return console.log(JSON.stringify({ ...evaluationJson(model.target.task, rows.length, which, methods), ...more }))
    console.log(`${counted(rows.length, 'row')}: ${which}\n`)
    for (const line of [...scoreTable(methods, rows.length), ...evaluationLines(methods[0], more)]) console.log(line)
  },
})

function shareOf(flag: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 1)) throw new ConfigError(`--${flag} is "${text}": give a number between 0 and 1`)
  return value
}

/** Another model's own ensemble on the same rows. @throws FormatError, DataError for a model of something else */
function compared(scored: Scored, file: string, level: number) {
  const other = readModelFile(file, readModel)
  const { outputs } = scored.prediction
  const theirs = other.target.task === 'classification' ? other.target.classes : other.target.outputs
  if (theirs.length !== outputs.length || theirs.some((name, d) => name !== outputs[d]))
    throw new DataError(
      `${file} predicts ${theirs.join(', ')} and the model ${outputs.join(', ')}: compare models of the same outcome`,
    )
  return duel(scored, createPredictor(other).predict(scored.data, scored.rows), level)
}
