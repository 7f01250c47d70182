import { defineCommand } from 'citty'
import Papa from 'papaparse'
import { readModel } from '../../src/formats/model-file.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { checkNumerics, NOT_FAST } from '../../src/wasm/shelf.ts'
import { createPredictor, hasRelaxedSimd, init } from '../../web/infer.ts'
import { checkFolderOf, writeFileSafely } from '../files.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { counted, talk } from '../sentences.ts'
import { readFolder } from '../tables.ts'

export const predictCommand = defineCommand({
  meta: { name: 'predict', description: 'Predict every subject of a folder of CSV files' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with one CSV file per modality; modalities may be missing' },
    out: { type: 'string', required: true, valueHint: 'file', description: 'Where the predictions go (.csv)' },
    numerics: {
      type: 'string',
      valueHint: 'exact|fast',
      description: 'fast: relaxed SIMD, where last digits depend on the processor (exact)',
    },
  },
  async run({ args }) {
    const numerics = checkNumerics(args.numerics ?? 'exact')
    await init({ numerics })
    checkFolderOf(args.out)
    const model = readModelFile(args.model, readModel)
    const { inputs, notes } = readFolder(args.dir, { expected: expectedOf(model), target: 'optional' })
    const prediction = createPredictor(model, undefined, numerics).predict(inputs)
    writeFileSafely(args.out, `${Papa.unparse(predictionRows(prediction), { newline: '\n' })}\n`)
    if (numerics === 'fast' && !hasRelaxedSimd()) console.error(NOT_FAST)
    for (const note of notes) console.error(note)
    const mute = prediction.patternOf.filter((p) => prediction.patterns[p].students.length === 0).length
    if (mute > 0)
      console.error(`${counted(mute, 'row')} not predicted: no student of the model can do with the modalities they have`)
    talk(args.out)(`${args.out}: ${counted(prediction.ids.length - mute, 'row')} predicted`)
  },
})

/** id, prediction, probability of each class (or each output), students by falling weight, missing modalities. */
function predictionRows({ ids, outputs, values, labels, patternOf, patterns }: Prediction): (string | number)[][] {
  const D = outputs.length
  const names = labels
    ? ['prediction', ...outputs.map((name) => `p_${name}`)]
    : D === 1
      ? ['prediction']
      : outputs.map((name) => `prediction_${name}`)
  const rows = ids.map((id, i) => {
    const { students, missing } = patterns[patternOf[i]]
    const numbers = Array.from(values.subarray(i * D, (i + 1) * D), (v) => (Number.isNaN(v) ? '' : v))
    const label = labels ? [labels[i] < 0 ? '' : outputs[labels[i]]] : []
    return [id, ...label, ...numbers, students.map((s) => s.name).join('; '), missing.join('; ')]
  })
  return [['id', ...names, 'students', 'missing'], ...rows]
}
