// What there is to say of a model's predictions on rows it has not learned from, beyond the scores: how sure those are, of whom they are
// true, what a threshold does, and how another model does on the same rows.

import { ConfigError, DataError } from '../src/core/errors.ts'
import type { Dataset } from '../src/data/dataset.ts'
import { evaluate, type Metrics } from '../src/fusion/evaluate.ts'
import type { Prediction } from '../src/fusion/predictor.ts'
import { bootstrap, type Interval } from '../src/metrics/bootstrap.ts'
import {
  atThreshold,
  compareAreas,
  type DecisionPoint,
  decisionCurve,
  type McNemar,
  mcnemar,
  type RocComparison,
  type ThresholdMetrics,
} from '../src/metrics/roc.ts'
import { type Random, randomFrom } from '../src/wasm/random.ts'
import { openTrainSession } from '../src/wasm/session.ts'
import { kernels } from '../web/index.ts'
import { listed } from './sentences.ts'

/** Rows and what a model said of them, in the same order. */
export interface Scored {
  readonly data: Dataset
  readonly rows: Int32Array
  readonly prediction: Prediction
}

/** A score and where it probably lies. */
export type Intervals = Readonly<Record<string, Interval>>

/** All draws of an evaluation begin from the same seed, so that it can be repeated. */
const randomOf = (name: string): Random => randomFrom(openTrainSession(kernels('train')), 0).fork(name)

/** Only the rows that were predicted and whose target is known. */
export function predicted({ data, rows, prediction }: Scored): Int32Array {
  const D = prediction.outputs.length
  const { target } = data
  return Int32Array.from(rows.keys()).filter((i) => {
    if (Number.isNaN(prediction.values[i * D])) return false
    if (target.task === 'classification') return target.labels[rows[i]] >= 0
    return !target.values.subarray(rows[i] * D, (rows[i] + 1) * D).some(Number.isNaN)
  })
}

/** Scores of some of the rows, by their places; a place may stand twice. */
function scoreOf({ data, rows, prediction }: Scored, places: Int32Array): Metrics | undefined {
  const D = prediction.outputs.length
  const values = new Float64Array(places.length * D)
  places.forEach((i, k) => {
    values.set(prediction.values.subarray(i * D, (i + 1) * D), k * D)
  })
  const part = { ...prediction, values, labels: prediction.labels && places.map((i) => (prediction.labels as Int32Array)[i]) }
  return evaluate(
    part,
    data.target,
    places.map((i) => rows[i]),
  )
}

const numbersOf = (metrics: Metrics | undefined): Record<string, number> => {
  const { rows: _, ...scores } = metrics ?? { rows: 0 }
  return scores as Record<string, number>
}

const strataOf = ({ data, rows }: Scored, places: Int32Array) =>
  data.target.task === 'classification' ? places.map((i) => (data.target as { labels: Int32Array }).labels[rows[i]]) : undefined

/** Percentile bootstrap intervals of all scores, rows drawn within their class. */
export function intervalsOf(scored: Scored, level: number, places = predicted(scored)): Intervals {
  const score = (drawn: Int32Array) =>
    numbersOf(
      scoreOf(
        scored,
        drawn.map((k) => places[k]),
      ),
    )
  return bootstrap(places.length, strataOf(scored, places), score, randomOf('intervals'), { level })
}

/** One part of the rows. */
export interface Subgroup {
  readonly name: string
  readonly rows: number
  readonly test: Metrics | undefined
  readonly intervals: Intervals
}

/** Numbers of more values than this are parted in three. */
const MANY_VALUES = 6

/**
 * Scores of the rows by the values of a column: of categories and few numbers, each; of many numbers, thirds of the rows.
 * @param asked `COLUMN`, or `MODALITY.COLUMN` where several have it
 * @throws ConfigError for a column that is not there or not alone
 */
export function subgroupsOf(scored: Scored, asked: string, level: number): Subgroup[] {
  const { data, rows } = scored
  const found = data.modalities.flatMap(({ name, columns, present }) =>
    columns.filter((c) => c.name === asked || `${name}.${c.name}` === asked).map((column) => ({ name, column, present })),
  )
  if (found.length !== 1) {
    const names = found.map(({ name, column }) => `${name}.${column.name}`)
    throw new ConfigError(
      found.length === 0
        ? `--by is "${asked}" and no modality has such a column: give one of theirs`
        : `--by is "${asked}" and there are several: give ${listed(names)}`,
    )
  }
  const [{ column, present }] = found
  const places = predicted(scored)
  // What a group is called, and where it stands among the others.
  const groups = new Map<string, { place: number; mine: number[] }>()
  const put = (name: string, place: number, i: number) => {
    const known = groups.get(name)
    if (known) known.mine.push(i)
    else groups.set(name, { place, mine: [i] })
  }
  const numbers =
    column.kind === 'number' ? Array.from(places, (i) => (present[rows[i]] ? column.values[rows[i]] : Number.NaN)) : []
  const sorted = numbers.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  const cuts = [1, 2].map((k) => sorted[Math.floor((k * sorted.length) / 3)])
  const few = new Set(sorted).size <= MANY_VALUES
  places.forEach((i, at) => {
    const code = column.kind === 'category' && present[rows[i]] ? column.codes[rows[i]] : -1
    const v = numbers[at]
    if (column.kind === 'category' ? code < 0 : Number.isNaN(v)) put('not known', Number.POSITIVE_INFINITY, i)
    else if (column.kind === 'category') put(column.levels[code], code, i)
    else if (few) put(String(v), v, i)
    else if (v < cuts[0]) put(`below ${cuts[0]}`, 0, i)
    else if (v < cuts[1]) put(`${cuts[0]} to ${cuts[1]}`, 1, i)
    else put(`from ${cuts[1]}`, 2, i)
  })
  return [...groups]
    .sort(([, a], [, b]) => a.place - b.place)
    .map(([name, { mine }]) => {
      const part = Int32Array.from(mine)
      return { name, rows: part.length, test: scoreOf(scored, part), intervals: intervalsOf(scored, level, part) }
    })
}

/** The probability of a class, and whether it is the true one, of the rows that can be scored. */
function against(scored: Scored, positive: number): { scores: Float64Array; truth: Int32Array } {
  const { data, rows, prediction } = scored
  if (data.target.task !== 'classification') throw new DataError('thresholds are for classes, and the target is a regression')
  const { labels } = data.target
  const places = predicted(scored)
  const D = prediction.outputs.length
  return {
    scores: Float64Array.from(places, (i) => prediction.values[i * D + positive]),
    truth: places.map((i) => (labels[rows[i]] === positive ? 1 : 0)),
  }
}

/** Which class is the positive one: as asked, or the second of two. @throws ConfigError, DataError */
export function positiveClass({ data, prediction }: Scored, asked: string | undefined): number {
  if (data.target.task !== 'classification') throw new DataError('thresholds are for classes, and the target is a regression')
  const { outputs } = prediction
  if (asked === undefined && outputs.length === 2) return 1
  const found = outputs.indexOf(asked ?? '')
  if (found < 0)
    throw new ConfigError(
      asked === undefined
        ? `a threshold needs to know which of ${outputs.length} classes is meant: give --positive with one of ${listed(outputs)}`
        : `--positive is "${asked}": give one of the classes ${listed(outputs)}`,
    )
  return found
}

export function thresholdOf(scored: Scored, positive: number, threshold: number): ThresholdMetrics {
  const { scores, truth } = against(scored, positive)
  return atThreshold(scores, truth, threshold)
}

/** Thresholds of a decision curve, in hundredths. */
const HUNDREDTHS = Array.from({ length: 99 }, (_, i) => (i + 1) / 100)

export function decisionsOf(scored: Scored, positive: number): DecisionPoint[] {
  const { scores, truth } = against(scored, positive)
  return decisionCurve(scores, truth, HUNDREDTHS)
}

/** How the first of two models differs from the second on rows that both predict. */
export interface Duel {
  readonly rows: number
  readonly differences: Readonly<Record<string, { readonly difference: number } & Interval>>
  /** Of two classes: DeLong's test of the areas under the ROC curve. */
  readonly roc?: RocComparison
  /** Of classes: McNemar's exact test of who is right. */
  readonly mcnemar?: McNemar
}

/** Pairs of predictions of the same rows: bootstrap intervals of the differences, and tests. */
export function duel(first: Scored, second: Prediction, level: number): Duel {
  const other: Scored = { ...first, prediction: second }
  const both = new Set(predicted(other))
  const places = predicted(first).filter((i) => both.has(i))
  if (places.length === 0) throw new DataError('there is no row that both models predict: compare them on other rows')
  const difference = (drawn: Int32Array) => {
    const chosen = drawn.map((k) => places[k])
    const [a, b] = [numbersOf(scoreOf(first, chosen)), numbersOf(scoreOf(other, chosen))]
    return Object.fromEntries(Object.keys(a).map((key) => [key, a[key] - b[key]]))
  }
  const found = difference(Int32Array.from(places.keys()))
  const intervals = bootstrap(places.length, strataOf(first, places), difference, randomOf('duel'), { level })
  const differences = Object.fromEntries(
    Object.entries(found).map(([key, value]) => [key, { difference: value, ...intervals[key] }]),
  )
  const { target } = first.data
  if (target.task !== 'classification') return { rows: places.length, differences }
  const D = second.outputs.length
  const right = ({ labels }: Prediction) => Array.from(places, (i) => labels?.[i] === target.labels[first.rows[i]])
  const scores = ({ values }: Prediction) => Array.from(places, (i) => values[i * D + 1])
  const truth = Array.from(places, (i) => (target.labels[first.rows[i]] === 1 ? 1 : 0))
  return {
    rows: places.length,
    differences,
    ...(D === 2 ? { roc: compareAreas(scores(first.prediction), scores(second), truth) } : {}),
    mcnemar: mcnemar(right(first.prediction), right(second)),
  }
}
