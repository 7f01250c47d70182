import { defineCommand } from 'citty'
import Papa from 'papaparse'
import { ConfigError } from '../../src/core/errors.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { type Assessment, REASONS } from '../../src/fusion/assess.ts'
import { suspects, suspicion } from '../../src/fusion/doubt.ts'
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
    level: {
      type: 'string',
      valueHint: 'share',
      description:
        'Adds sets or intervals that hold the truth so often, say 0.9, how far students disagree, and where not to rely on a row',
    },
    numerics: {
      type: 'string',
      valueHint: 'exact|fast',
      description: 'fast: relaxed SIMD, where last digits depend on the processor (exact)',
    },
  },
  async run({ args }) {
    const numerics = checkNumerics(args.numerics ?? 'exact')
    const level = args.level === undefined ? undefined : levelOf(args.level)
    checkFolderOf(args.out)
    const model = readModelFile(args.model, readModel)
    const notes: string[] = []
    const stop = interrupts('no predictions were written')
    const file = openSafely(args.out)
    try {
      const options = { numerics, level, onNote: (note: string) => notes.push(note), signal: stop.signal }
      let rows = 0
      let mute = 0
      let head: string[][] = [headOf(model, level)]
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

function levelOf(text: string): number {
  const level = Number(text)
  if (!(level > 0 && level < 1)) throw new ConfigError(`--level is "${text}": give a share between 0 and 1, as 0.9`)
  return level
}

/** id, prediction, probability of each class (or each output), students, missing modalities, those that may be somebody else's and how likely one is; and with a level what it adds. */
function headOf({ target, ensembles }: Model, level?: number): string[] {
  const sure =
    target.task === 'classification'
      ? ['set']
      : target.outputs.flatMap((name) => (target.outputs.length === 1 ? ['low', 'high'] : [`low_${name}`, `high_${name}`]))
  const plain = [...plainHead(target), ...(ensembles.doubt ? ['suspect', 'suspicion'] : [])]
  return level === undefined ? plain : [...plain, ...sure, 'disagreement', 'out_of_distribution', 'abstain']
}

function plainHead(target: Model['target']): string[] {
  if (target.task === 'classification')
    return ['id', 'prediction', ...target.classes.map((name) => `p_${name}`), 'students', 'missing']
  const { outputs } = target
  return ['id', ...(outputs.length === 1 ? ['prediction'] : outputs.map((name) => `prediction_${name}`)), 'students', 'missing']
}

/** As `headOf` says; students by falling weight. */
function predictionRows(prediction: Prediction | Assessment): (string | number)[][] {
  const { ids, outputs, values, labels, patternOf, patterns } = prediction
  const D = outputs.length
  return ids.map((id, i) => {
    const { students, missing } = patterns[patternOf[i]]
    const numbers = Array.from(values.subarray(i * D, (i + 1) * D), (v) => (Number.isNaN(v) ? '' : v))
    const label = labels ? [labels[i] < 0 ? '' : outputs[labels[i]]] : []
    const doubt = prediction.doubts ? [suspects(prediction, i).join('; '), cellOf(suspicion(prediction.doubts, i))] : []
    const sure = 'level' in prediction ? sureCells(prediction, i) : []
    return [id, ...label, ...numbers, namesOf(students), missing.join('; '), ...doubt, ...sure]
  })
}

const cellOf = (v: number): number | '' => (Number.isFinite(v) ? v : '')

/** The set or interval, how far students disagree, 1 if unlike the training rows, and why not to rely on the row. */
function sureCells(assessment: Assessment, i: number): (string | number)[] {
  const { outputs, sets, low, high, disagreement, outOfDistribution, abstained } = assessment
  const D = outputs.length
  const said = sets
    ? [outputs.filter((_, d) => sets[i * D + d]).join('; ')]
    : outputs.flatMap((_, d) => [cellOf(low?.[i * D + d] ?? Number.NaN), cellOf(high?.[i * D + d] ?? Number.NaN)])
  const reason = abstained[i]
  return [...said, cellOf(disagreement[i]), outOfDistribution[i], reason ? REASONS[reason] : '']
}

/** Students that are named; the others are counted. */
const NAMED = 5

const namesOf = (students: Prediction['patterns'][number]['students']): string =>
  [...students.slice(0, NAMED).map((s) => s.name), ...(students.length > NAMED ? [`${students.length - NAMED} more`] : [])].join(
    '; ',
  )
