// What each modality contributes to a prediction. A cohort has a student for every subset of modalities, so what it would say without
// some of them is no guess: it is asked.

import { ConfigError } from '../core/errors.ts'
import type { Dataset, Inputs } from '../data/dataset.ts'
import { surprise } from '../metrics/classification.ts'
import { type Model, modelOutputs } from './model.ts'
import type { Predictor } from './predictor.ts'

/** Up to so many modalities every subset is asked about: 4096 predictions of each row. Beyond, some orders of them are drawn. */
export const EXACT_UP_TO = 12
/** Orders that are drawn then, each with its reverse. */
const ORDERS = 32

/** Shapley values (Shapley 1953) of modalities. */
export interface ModalityShares {
  readonly modalities: readonly string[]
  readonly outputs: readonly string[]
  /** What is said of a row without any modality (outputs). */
  readonly base: Float64Array
  /** (rows, modalities, outputs): with the base they add up to the prediction. 0 for a modality that a row lacks. NaN where nothing is predicted. */
  readonly values: Float64Array
  /** Standard errors of those, where orders were drawn; 0 where they are exact. */
  readonly errors: Float64Array
}

/**
 * What is said of a row without any modality: of a regression, the training mean; of a classification the classes' shares among the rows
 * that the model was calibrated on, and without calibration all classes alike.
 */
export function baseOf({ target, calibration }: Model): Float64Array {
  if (target.task === 'regression') return target.mean.slice()
  const D = target.classes.length
  const totals = new Map<string, Float64Array>()
  for (const { pattern, output, sample } of calibration?.cells ?? []) {
    const counts = totals.get(pattern) ?? new Float64Array(D)
    counts[output] = sample.rows
    totals.set(pattern, counts)
  }
  const sum = (counts: Float64Array) => counts.reduce((a, b) => a + b, 0)
  const most = [...totals.values()].reduce((best, next) => (sum(next) > sum(best) ? next : best), new Float64Array(D))
  return sum(most) > 0 ? most.map((n) => n / sum(most)) : most.fill(1 / D)
}

/** What is said of rows with some of their modalities, the others hidden: (rows, outputs). */
type Said = (shown: readonly boolean[]) => Float64Array

/**
 * The Shapley value of each modality for each row's prediction (probabilities, or values in the target's units), over all subsets of
 * modalities: v(S) is what the model says of the row with those in S alone, and the base where no student can speak for them.
 * @param rows which rows, in the order wanted
 * @throws what `predict` throws
 */
export function modalityShares(predictor: Predictor, model: Model, inputs: Inputs, rows: Int32Array): ModalityShares {
  const modalities = model.preparations.map((p) => p.modality)
  const outputs = modelOutputs(model.target)
  const [M, D, n] = [modalities.length, outputs.length, rows.length]
  const base = baseOf(model)
  const whole = predictor.predict(inputs, rows).values
  const said: Said = (shown) => {
    if (shown.every(Boolean)) return whole
    const values = shown.some(Boolean)
      ? predictor.predict(hiding(inputs, modalities, shown), rows).values
      : new Float64Array(n * D).fill(Number.NaN)
    return values.map((v, k) => (Number.isNaN(v) ? base[k % D] : v))
  }
  const { values, errors } = M <= EXACT_UP_TO ? exactly(said, n, M, D) : byOrders(said, n, M, D)
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(whole[i * D])) values.fill(Number.NaN, i * M * D, (i + 1) * M * D)
  }
  return { modalities, outputs, base, values, errors }
}

/** The same inputs, some modalities of nobody. */
export const hiding = (inputs: Inputs, names: readonly string[], shown: readonly boolean[]): Inputs => ({
  ...inputs,
  modalities: inputs.modalities.map((modality) =>
    shown[names.indexOf(modality.name)] === false ? { ...modality, present: new Uint8Array(modality.present.length) } : modality,
  ),
})

function exactly(said: Said, n: number, M: number, D: number) {
  const tables = Array.from({ length: 2 ** M }, (_, set) => said(Array.from({ length: M }, (_, m) => ((set >> m) & 1) === 1)))
  const values = new Float64Array(n * M * D)
  // A set of s others comes before a modality in s! (M - s - 1)! of M! orders.
  const weights = Array.from({ length: M }, (_, s) => 1 / (M * binomial(M - 1, s)))
  tables.forEach((without, set) => {
    const size = Array.from({ length: M }, (_, m) => (set >> m) & 1).reduce((a, b) => a + b, 0)
    for (let m = 0; m < M; m++) {
      if ((set >> m) & 1) continue
      const withIt = tables[set | (1 << m)]
      for (let i = 0; i < n; i++) {
        for (let d = 0; d < D; d++) values[(i * M + m) * D + d] += weights[size] * (withIt[i * D + d] - without[i * D + d])
      }
    }
  })
  return { values, errors: new Float64Array(n * M * D) }
}

function binomial(n: number, k: number): number {
  let out = 1
  for (let i = 1; i <= k; i++) out = (out * (n - k + i)) / i
  return Math.round(out)
}

/** The same orders for every model and row. */
function byOrders(said: Said, n: number, M: number, D: number) {
  const size = n * M * D
  const [sum, squares] = [new Float64Array(size), new Float64Array(size)]
  for (let draw = 0; draw < ORDERS; draw++) {
    const order = orderOf(draw, M)
    const pair = new Float64Array(size)
    for (const mine of [order, [...order].reverse()]) {
      const shown = new Array<boolean>(M).fill(false)
      let before = said(shown)
      for (const m of mine) {
        shown[m] = true
        const after = said(shown)
        for (let i = 0; i < n; i++)
          for (let d = 0; d < D; d++) pair[(i * M + m) * D + d] += (after[i * D + d] - before[i * D + d]) / 2
        before = after
      }
    }
    for (let k = 0; k < size; k++) {
      sum[k] += pair[k]
      squares[k] += pair[k] * pair[k]
    }
  }
  const values = sum.map((v) => v / ORDERS)
  const errors = squares.map((v, k) => Math.sqrt(Math.max(0, v / ORDERS - values[k] * values[k]) / (ORDERS - 1)))
  return { values, errors }
}

/** A random order of 0 … M-1, by a linear congruential generator (Numerical Recipes) from a seed. */
function orderOf(seed: number, M: number): number[] {
  let state = Math.imul(seed + 1, 0x9e3779b9)
  const order = Array.from({ length: M }, (_, m) => m)
  for (let m = M - 1; m > 0; m--) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    const other = Math.floor(((state >>> 0) / 2 ** 32) * (m + 1))
    ;[order[m], order[other]] = [order[other], order[m]]
  }
  return order
}

/** How much a modality matters over rows. */
export interface ModalityImportance {
  readonly modality: string
  /** Mean size of its Shapley values, over rows and outputs, and the standard error over rows. */
  readonly size: number
  readonly sizeError: number
  /** What of the loss it takes away, on average: Shapley values of the log loss or the squared error (SAGE; Covert et al., NeurIPS 2020). */
  readonly gain: number
  readonly gainError: number
}

/**
 * Importance of each modality on rows whose target is known. The gains add up to the loss of the base less that of the model.
 * @throws as `modalityShares`
 */
export function modalityImportance(predictor: Predictor, model: Model, data: Dataset, rows: Int32Array): ModalityImportance[] {
  const shares = modalityShares(predictor, model, data, rows)
  const D = shares.outputs.length
  const M = shares.modalities.length
  // The loss as an outcome of its own: Shapley values of -loss, by the same subsets.
  const base = baseOf(model)
  const lossOf = (values: ArrayLike<number>, at: number, row: number): number => {
    const { target } = data
    if (target.task === 'classification') return surprise(values[at + target.labels[row]])
    let sum = 0
    for (let d = 0; d < D; d++) sum += square(values[at + d] - target.values[row * D + d])
    return sum / D
  }
  const done = Array.from(rows.keys()).filter((i) => !Number.isNaN(shares.values[i * M * D]) && isKnown(data, rows[i]))
  const mine = Int32Array.from(done, (i) => rows[i])
  const said: Said = (shown) => {
    const names = shares.modalities
    const { values } = predictor.predict(shown.every(Boolean) ? data : hiding(data, names, shown), mine)
    return Float64Array.from(mine, (row, k) => -(Number.isNaN(values[k * D]) ? lossOf(base, 0, row) : lossOf(values, k * D, row)))
  }
  const gains = M <= EXACT_UP_TO ? exactly(said, mine.length, M, 1) : byOrders(said, mine.length, M, 1)
  return shares.modalities.map((modality, m) => {
    const sizes = done.map((i) => {
      let sum = 0
      for (let d = 0; d < D; d++) sum += Math.abs(shares.values[(i * M + m) * D + d])
      return sum / D
    })
    const [size, sizeError] = meanAndError(sizes)
    const [gain, gainError] = meanAndError(done.map((_, k) => gains.values[k * M + m]))
    return { modality, size, sizeError, gain, gainError }
  })
}

const square = (v: number): number => v * v

function isKnown({ target }: Dataset, row: number): boolean {
  if (target.task === 'classification') return target.labels[row] >= 0
  const D = target.outputs.length
  return !target.values.subarray(row * D, (row + 1) * D).some(Number.isNaN)
}

function meanAndError(values: readonly number[]): [number, number] {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  const squares = values.reduce((sum, v) => sum + square(v - mean), 0)
  return [mean, values.length > 1 ? Math.sqrt(squares / (values.length - 1) / values.length) : Number.NaN]
}

/** What having one more modality has been worth to rows that have it. */
export interface NextModality {
  readonly modality: string
  /** Mean log loss or squared error without it less that with it, and its standard error. NaN without such rows. */
  readonly gain: number
  readonly error: number
  readonly rows: number
}

/**
 * Which modality next: for rows that have some modalities alone, what each further one is worth, on average over rows that have them and
 * it, the others hidden. Largest gain first. Rows that the model has learned from make it look worth more than it is.
 * @param has the modalities at hand
 * @param reference rows whose target is known and that the model has not learned from
 */
export function nextModality(
  predictor: Predictor,
  model: Model,
  has: readonly string[],
  reference: Dataset,
  rows: Int32Array,
): NextModality[] {
  const names = model.preparations.map((p) => p.modality)
  const unknown = has.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new ConfigError(`the model has no modality "${unknown}": it has ${names.join(', ')}`)
  const D = modelOutputs(model.target).length
  const presentIn = (name: string, row: number) => reference.modalities.find((m) => m.name === name)?.present[row] === 1
  const base = baseOf(model)
  const { target } = reference
  const losses = (shown: readonly boolean[], mine: Int32Array): number[] => {
    const { values } = predictor.predict(hiding(reference, names, shown), mine)
    return Array.from(mine, (row, k) => {
      const at = (d: number) => (Number.isNaN(values[k * D]) ? base[d] : values[k * D + d])
      if (target.task === 'classification') return surprise(at(target.labels[row]))
      let sum = 0
      for (let d = 0; d < D; d++) sum += square(at(d) - target.values[row * D + d])
      return sum / D
    })
  }
  return names
    .filter((name) => !has.includes(name))
    .map((modality) => {
      const needed = [...has, modality]
      const mine = rows.filter((row) => isKnown(reference, row) && needed.every((name) => presentIn(name, row)))
      const shown = (with_: boolean) => names.map((name) => has.includes(name) || (with_ && name === modality))
      const [without, withIt] = mine.length > 0 ? [losses(shown(false), mine), losses(shown(true), mine)] : [[], []]
      const [gain, error] = meanAndError(without.map((loss, k) => loss - withIt[k]))
      return { modality, gain, error, rows: mine.length }
    })
    .sort((a, b) => (Number.isNaN(a.gain) ? 1 : Number.isNaN(b.gain) ? -1 : b.gain - a.gain))
}
