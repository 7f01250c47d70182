// What the sections of a report draw from: plain data, worked out once.

import { type Dataset, idsDigest } from '../../src/data/dataset.ts'
import { builtRules, methodName } from '../../src/fusion/ensemble.ts'
import { evaluate, keptScores, type Metrics } from '../../src/fusion/evaluate.ts'
import type { MethodScores, Model } from '../../src/fusion/model.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { scoreClassification } from '../../src/metrics/classification.ts'
import { scoreRegression } from '../../src/metrics/regression.ts'
import { createPredictor } from '../../web/index.ts'
import { intervalsOf, positiveClass } from '../evaluation.ts'
import { COLUMNS, type ModelFile } from '../report.ts'
import type { Html } from './html.ts'

/** A method and how it came by its scores. */
export interface Method extends MethodScores {
  /** `model`: scored now; `record`: when the model was trained, on the same rows; `constant`: looks at no modality. */
  readonly kind: 'model' | 'record' | 'constant'
  /** The model's own scores on the rows that this method was scored on, where these are fewer. */
  readonly beside?: MethodScores['test']
  /** Of the headline score, where it is known. */
  readonly interval?: { readonly low: number; readonly high: number; readonly level: number }
}

export interface ReportContext {
  readonly model: Model
  readonly file: ModelFile
  readonly data: Dataset
  /** The rows that are scored, and which they are, in words. */
  readonly rows: Int32Array
  readonly which: string
  /** Whether they are the test rows of the training. */
  readonly own: boolean
  /** Of those rows by the model's own rule. */
  readonly prediction: Prediction
  /** The model's own rule first. */
  readonly methods: readonly Method[]
  /** Of the folder. */
  readonly notes: readonly string[]
  readonly intendedUse?: string
  /** The class that curves are of: that asked for, or the second of two; undefined where there are more. */
  readonly positive?: number
}

export interface Asked {
  readonly intendedUse?: string
  readonly positive?: string
}

export interface Section {
  readonly title: string
  readonly html: Html
}

/** Undefined where there is nothing to tell. */
export type SectionOf = (context: ReportContext) => Section | undefined | Promise<Section | undefined>

/** Of the bootstrap interval of the headline score. */
const LEVEL = 0.95

type Scored = Pick<ReportContext, 'data' | 'rows' | 'which' | 'notes'>

/** @throws ConfigError for a class that is none, DataError for one of a regression */
export function contextOf(model: Model, file: ModelFile, scored: Scored, { intendedUse, positive }: Asked = {}): ReportContext {
  const { data, rows } = scored
  const { split, scores = [] } = model.provenance
  const own = rows.length > 0 && idsDigest(data, rows) === split.testIds
  const rules = builtRules(model.ensembles)
  const predictions = rules.map((rule) => createPredictor(model, rule).predict(data, rows))
  const names = rules.map(methodName)
  const mine = predictions.map((prediction, i): Method => {
    const test = evaluate(prediction, data.target, rows)
    return { name: names[i], kind: 'model', test: test ? keptScores(test) : null }
  })
  const theirs = scores
    .filter(({ name }) => !names.includes(name))
    .map((score): Method => ({ ...score, kind: 'record', ...besideOf(score, mine[0].test?.rows) }))
  /** Those of one modality see the rows that have it, and no others. */
  function besideOf({ name, test }: MethodScores, all: number | undefined): Pick<Method, 'beside'> {
    const seen = data.modalities.find((modality) => name === `single:${modality.name}`)?.present
    if (!own || !seen || !test || test.rows === all) return {}
    const some = rows.filter((row) => seen[row])
    const metrics = evaluate(createPredictor(model).predict(data, some), data.target, some)
    return metrics?.rows === test.rows ? { beside: keptScores(metrics) } : {}
  }
  const [key] = COLUMNS.find(([k]) => k in (mine[0].test ?? {})) ?? ['']
  const around =
    predictions[0] && rows.length > 0 ? intervalsOf({ data, rows, prediction: predictions[0] }, LEVEL)[key] : undefined
  if (around) mine[0] = { ...mine[0], interval: { ...around, level: LEVEL } }
  const methods = own ? [...mine, ...theirs, constant(model, data, rows)] : mine
  const two = model.target.task === 'classification' && model.target.classes.length === 2
  const shown = positive !== undefined || two ? positiveClass({ data, rows, prediction: predictions[0] }, positive) : undefined
  return {
    model,
    file,
    ...scored,
    own,
    prediction: predictions[0],
    methods,
    ...(intendedUse === undefined ? {} : { intendedUse }),
    ...(shown === undefined ? {} : { positive: shown }),
  }
}

/** Whoever says of every row what is most usual: the mean of the training, or the shares that classes have among the rows not scored. */
function constant({ target }: Model, data: Dataset, rows: Int32Array): Method {
  return {
    name: target.task === 'classification' ? 'most-frequent-class' : 'training-mean',
    kind: 'constant',
    test: keptScores(scores()),
  }

  function scores(): Metrics {
    if (data.target.task === 'classification') {
      const { labels, classes } = data.target
      const tested = new Set(rows)
      const others = labels.filter((_, row) => !tested.has(row))
      const shares = classes.map((_, k) => others.filter((label) => label === k).length / others.length)
      const usual = shares.indexOf(Math.max(...shares))
      const p = Array.from(rows).flatMap(() => shares)
      return scoreClassification(
        p,
        new Int32Array(rows.length).fill(usual),
        rows.map((row) => labels[row]),
        classes.length,
      )
    }
    const { values, outputs } = data.target
    const mean = target.task === 'regression' ? Array.from(target.mean) : []
    const truth = Array.from(rows).flatMap((row) => Array.from(values.subarray(row * outputs.length, (row + 1) * outputs.length)))
    return scoreRegression(
      Array.from(rows).flatMap(() => mean),
      truth,
      outputs.length,
    )
  }
}

/** The true class of each row scored; -1 where it is not known. None of a regression. */
export const truthOf = ({ data, rows }: ReportContext): Int32Array =>
  data.target.task === 'classification'
    ? rows.map((row) => (data.target as { labels: Int32Array }).labels[row])
    : new Int32Array(0)

/** Rows scored whose class is both known and predicted, as places among them. */
export function judgedRows(context: ReportContext): number[] {
  const truth = truthOf(context)
  const { labels } = context.prediction
  return Array.from(truth.keys()).filter((i) => truth[i] >= 0 && (labels?.[i] ?? -1) >= 0)
}
