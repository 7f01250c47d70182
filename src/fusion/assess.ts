// How sure a prediction is: sets and intervals at a level, what is unlike the rows the model knows, and where it had better not be believed.

import { ConfigError } from '../core/errors.ts'
import type { Inputs } from '../data/dataset.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import type { Pattern } from './availability.ts'
import { bound, type Calibration, enough, pooled, rarity, type Sample } from './calibration.ts'
import { suspects } from './doubt.ts'
import type { Rule } from './ensemble.ts'
import { type Model, modelOutputs, ownRule } from './model.ts'
import { createPredictor, type Prediction, type Watch } from './predictor.ts'

/** Why a row has no answer that could be relied on. */
export const REASONS = {
  nothing: 'no modality that the model could predict from',
  unlike: 'unlike the rows the model was trained on',
  contradictory: 'its modalities contradict each other: one may be somebody else’s',
  undecided: 'no class can be ruled out at this level',
  outside: 'its likeliest class is ruled out at this level',
  unbounded: 'too few calibration rows for this level',
} as const
export type Reason = keyof typeof REASONS

/** Predictions, and how sure they are. */
export interface Assessment extends Prediction {
  readonly level: number
  /**
   * Classification: 1 for each class (rows, classes) in the row's set, which holds the true class with the probability `level`, of every
   * class alike and whatever modalities are there. Never empty.
   */
  readonly sets?: Uint8Array
  /** Regression: ends (rows, outputs) of intervals that hold the true value with that probability; ± ∞ where rows were too few. */
  readonly low?: Float64Array
  readonly high?: Float64Array
  /**
   * How far apart the students of each row are: weighted mean of the total variation between a student's probabilities and all of
   * theirs; of a regression, the weighted standard deviation, mean over standardised outputs. NaN where not predicted.
   */
  readonly disagreement: Float64Array
  /** 1 where disagreement or a modality's distance from the training rows is rarer than one row in a hundred, all looked at together, or twice as large as ever. */
  readonly outOfDistribution: Uint8Array
  /** Why not to rely on a row; undefined where nothing speaks against it. */
  readonly abstained: readonly (Reason | undefined)[]
}

export interface Assessor {
  /**
   * @param level between 0 and 1; default 0.9
   * @param rows which rows, in the order wanted; all when left out
   * @throws ConfigError for another level; what `Predictor.predict` throws
   */
  assess(inputs: Inputs, level?: number, rows?: ArrayLike<number>): Assessment
}

/** A row is out of distribution where something is as rare as this, over all that is looked at; */
const RARE = 0.01
/** or so many times as large as ever, since few rows cannot tell what is rare. */
const FAR = 2

/** Whether a number is out of place. @param modalities of the row, each of which is looked at besides */
function odd(sample: Sample, value: number, modalities: number): boolean {
  const largest = sample.values.at(-1)
  if (largest === undefined) return false
  return value > FAR * largest || rarity(sample, value) <= RARE / (1 + modalities)
}

/**
 * An assessor on a session of its own, by the model's own ensemble.
 * @throws ConfigError for a model without calibration; MemoryError
 */
export function createAssessor(session: Session<InferKernels>, model: Model): Assessor {
  const { calibration, target } = model
  if (!calibration)
    throw new ConfigError(
      'the model has no calibration: train it cross-fitted (without validation rows of its own) or with `calibration`',
    )
  const rule: Rule = ownRule(model)
  const predictor = createPredictor(session, model, rule)
  const D = modelOutputs(target).length
  const names = model.preparations.map((p) => p.modality)
  const boundOf = boundsOf(calibration, D)

  return {
    assess(inputs, level = 0.9, rows) {
      if (!(level > 0 && level < 1)) throw new ConfigError(`the level is ${level}: give a number between 0 and 1`)
      const watch = watcher(model, D)
      const prediction = predictor.predict(inputs, rows, watch)
      const n = prediction.ids.length
      const { disagreement, apart, distance } = watch.seen(n)
      const sets = target.task === 'classification' ? new Uint8Array(n * D) : undefined
      const [low, high] = target.task === 'regression' ? [new Float64Array(n * D), new Float64Array(n * D)] : []
      const outOfDistribution = new Uint8Array(n)
      const abstained: (Reason | undefined)[] = new Array(n)
      for (let i = 0; i < n; i++) {
        const report = prediction.patterns[prediction.patternOf[i]]
        const pattern = names.map((name) => (report.missing.includes(name) ? '0' : '1')).join('')
        if (report.students.length === 0) {
          abstained[i] = 'nothing'
          sets?.fill(1, i * D, (i + 1) * D)
          low?.fill(Number.NEGATIVE_INFINITY, i * D, (i + 1) * D)
          high?.fill(Number.POSITIVE_INFINITY, i * D, (i + 1) * D)
          continue
        }
        const present = names.flatMap((_, m) => (pattern[m] === '1' ? [m] : []))
        const looks = [
          odd(calibration.disagreement, disagreement[i], present.length),
          ...present.map((m) => odd(calibration.distance[m], distance[i * names.length + m], present.length)),
        ]
        if (looks.includes(true)) outOfDistribution[i] = 1
        let unbounded = false
        let held = 0
        for (let d = 0; d < D; d++) {
          const at = i * D + d
          const most = boundOf(pattern, d, level)
          if (most === Number.POSITIVE_INFINITY) unbounded = true
          if (sets) {
            if (1 - prediction.values[at] <= most) sets[at] = 1
            held += sets[at]
          } else if (low && high && target.task === 'regression') {
            const half = most * (apart[at] + calibration.floor[d]) * target.scale[d]
            low[at] = prediction.values[at] - half
            high[at] = prediction.values[at] + half
          }
        }
        // An empty set says that no class is likely enough: the likeliest stays, which only makes it hold more often.
        if (sets && held === 0) sets[i * D + (prediction.labels as Int32Array)[i]] = 1
        const reasons: [Reason, boolean | undefined][] = [
          ['unbounded', unbounded],
          ['contradictory', suspects(prediction, i).length > 0],
          ['unlike', outOfDistribution[i] === 1],
          ['undecided', sets && held === D],
          ['outside', sets && sets[i * D + (prediction.labels as Int32Array)[i]] === 0],
        ]
        abstained[i] = reasons.find(([, applies]) => applies)?.[0]
      }
      const sure = sets ? { sets } : { low, high }
      return { ...prediction, level, ...sure, disagreement, outOfDistribution, abstained }
    },
  }
}

/**
 * The bound of a class or output for a pattern: of the pattern and the class, where there are rows enough for the level; else of the
 * class in all patterns that have no more, lest a rare class is held less often; else of all classes together.
 */
function boundsOf({ cells }: Calibration, D: number): (pattern: Pattern, output: number, level: number) => number {
  const known = new Map<string, number>()
  const of = (keep: (pattern: Pattern) => boolean, output?: number): Sample[] =>
    cells.filter((c) => keep(c.pattern) && (output === undefined || c.output === output)).map((c) => c.sample)
  function look(pattern: Pattern, output: number, level: number): number {
    const mine = (other: Pattern) => other === pattern
    // What sees less errs more: its bounds are safe for who sees more.
    const less = (other: Pattern) => Array.from(other).every((digit, m) => digit === '0' || pattern[m] === '1')
    for (const samples of [of(mine, output), of(less, output), of(mine), of(less), of(() => true, output), of(() => true)]) {
      if (samples.length === 0) continue
      const sample = pooled(samples)
      if (enough(sample, level)) return bound(sample, level)
    }
    return Number.POSITIVE_INFINITY
  }
  return (pattern, output, level) => {
    const key = `${pattern} ${output % D} ${level}`
    const found = known.get(key) ?? look(pattern, output, level)
    known.set(key, found)
    return found
  }
}

/** Looks at what a prediction works out on its way. */
function watcher({ target, preparations }: Model, D: number): Watch & { seen: (rows: number) => Seen } {
  const M = preparations.length
  const disagreement = new Map<number, number>()
  const apart = new Map<number, number[]>()
  const distance = new Map<number, number[]>()
  return {
    row(place, features) {
      distance.set(place, features.map(rootMeanSquare))
    },
    said(place, outputs, weights) {
      const spread = target.task === 'classification' ? variation(outputs, weights, D) : deviations(outputs, weights, D)
      disagreement.set(place, spread.reduce((sum, v) => sum + v, 0) / spread.length)
      apart.set(place, spread)
    },
    seen(rows) {
      const all = (from: Map<number, number[]>, width: number) => {
        const out = new Float64Array(rows * width).fill(Number.NaN)
        for (const [place, values] of from) if (values.length === width) out.set(values, place * width)
        return out
      }
      return {
        disagreement: Float64Array.from({ length: rows }, (_, i) => disagreement.get(i) ?? Number.NaN),
        apart: target.task === 'regression' ? all(apart, D) : new Float64Array(),
        distance: all(distance, M),
      }
    },
  }
}

interface Seen {
  readonly disagreement: Float64Array
  readonly apart: Float64Array
  readonly distance: Float64Array
}

/** Of standardised features; 0 of none. */
export function rootMeanSquare(features: Float32Array): number {
  let sum = 0
  for (let j = 0; j < features.length; j++) sum += features[j] * features[j]
  return features.length > 0 ? Math.sqrt(sum / features.length) : 0
}

/** [how far students' probabilities (K, D) are from their weighted mean: the weighted mean of the total variation]. */
export function variation(probabilities: Float32Array, weights: ArrayLike<number>, D: number): number[] {
  const mean = meanOf(probabilities, weights, D)
  let sum = 0
  for (let k = 0; k < weights.length; k++) {
    let off = 0
    for (let d = 0; d < D; d++) off += Math.abs(probabilities[k * D + d] - mean[d])
    sum += (weights[k] * off) / 2
  }
  return [sum]
}

/** The weighted standard deviation of students' outputs (K, D), of each output. */
export function deviations(outputs: Float32Array, weights: ArrayLike<number>, D: number): number[] {
  const mean = meanOf(outputs, weights, D)
  return mean.map((m, d) => {
    let sum = 0
    for (let k = 0; k < weights.length; k++) sum += weights[k] * (outputs[k * D + d] - m) * (outputs[k * D + d] - m)
    return Math.sqrt(sum)
  })
}

function meanOf(values: Float32Array, weights: ArrayLike<number>, D: number): number[] {
  return Array.from({ length: D }, (_, d) => {
    let sum = 0
    for (let k = 0; k < weights.length; k++) sum += weights[k] * values[k * D + d]
    return sum
  })
}
