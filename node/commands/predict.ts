import { defineCommand } from 'citty'
import Papa from 'papaparse'
import { readModel } from '../../src/formats/model-file.ts'
import type { Model } from '../../src/fusion/model.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { checkNumerics, NOT_FAST } from '../../src/wasm/shelf.ts'
import { hasRelaxedSimd } from '../../web/infer.ts'
import { checkFolderOf, openSafely } from '../files.ts'
import { readModelFile } from '../model.ts'
import { predictFolder } from '../predict-folder.ts'
import { counted, talk } from '../sentences.ts'
import { interrupts } from '../signals.ts'

export const predictCommand = defineCommand({
  meta: { name: 'predict', description: 'Predict every subject of a folder; sorted by id, it may be larger than memory' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with one file per modality; modalities may be missing' },
    out: { type: 'string', required: true, valueHint: 'file', description: 'Where the predictions go (.csv)' },
    numerics: {
      type: 'string',
      valueHint: 'exact|fast',
      description: 'fast: relaxed SIMD, where last digits depend on the processor (exact)',
    },
  },
  async run({ args }) {
    const numerics = checkNumerics(args.numerics ?? 'exact')
    checkFolderOf(args.out)
    const model = readModelFile(args.model, readModel)
    const notes: string[] = []
    const stop = interrupts('no predictions were written')
    const file = openSafely(args.out)
    try {
      const options = { numerics, onNote: (note: string) => notes.push(note), signal: stop.signal }
      let rows = 0
      let mute = 0
      let head: string[][] = [headOf(model.target)]
      for await (const prediction of predictFolder(model, args.dir, options)) {
        file.write(linesOf([...head, ...predictionRows(prediction)]))
        head = []
        rows += prediction.ids.length
        mute += prediction.patternOf.filter((p) => prediction.patterns[p].students.length === 0).length
      }
      file.keep()
      if (numerics === 'fast' && !hasRelaxedSimd()) console.error(NOT_FAST)
      for (const note of notes) console.error(note)
      if (mute > 0)
        console.error(`${counted(mute, 'row')} not predicted: no student of the model can do with the modalities they have`)
      talk(args.out)(`${args.out}: ${counted(rows - mute, 'row')} predicted`)
    } finally {
      file.drop()
      stop.close()
    }
  },
})

const linesOf = (rows: (string | number)[][]): string => `${Papa.unparse(rows, { newline: '\n' })}\n`

/** id, prediction, probability of each class (or each output), students, missing modalities. */
function headOf(target: Model['target']): string[] {
  if (target.task === 'classification')
    return ['id', 'prediction', ...target.classes.map((name) => `p_${name}`), 'students', 'missing']
  const { outputs } = target
  return ['id', ...(outputs.length === 1 ? ['prediction'] : outputs.map((name) => `prediction_${name}`)), 'students', 'missing']
}

/** As `headOf` says; students by falling weight. */
function predictionRows({ ids, outputs, values, labels, patternOf, patterns }: Prediction): (string | number)[][] {
  const D = outputs.length
  return ids.map((id, i) => {
    const { students, missing } = patterns[patternOf[i]]
    const numbers = Array.from(values.subarray(i * D, (i + 1) * D), (v) => (Number.isNaN(v) ? '' : v))
    const label = labels ? [labels[i] < 0 ? '' : outputs[labels[i]]] : []
    return [id, ...label, ...numbers, students.map((s) => s.name).join('; '), missing.join('; ')]
  })
}
