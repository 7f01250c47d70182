// int8 models: weights on a grid of their row's own, 8 bits and a scale in the file, the same f32 numbers everywhere else. A model
// that was put on the grid is an ordinary model; that its blocks lie on one is what the file makes use of.

import { FormatError } from '../core/errors.ts'
import { preparedWidth } from '../data/prepare.ts'
import { type Model, memberOf } from '../fusion/model.ts'

/** Steps of the grid to either side of 0. */
const STEPS = 127

/** A matrix as 8-bit steps (rows, columns), row-major, and what a step of each row is. */
export interface Grid {
  readonly steps: Int8Array<ArrayBuffer>
  readonly scale: Float32Array<ArrayBuffer>
}

/** What quantizing changed. */
export interface QuantizeReport {
  readonly weights: number
  /** The largest difference of a weight, and that in steps of its row: at most a half. */
  readonly error: number
  readonly errorInSteps: number
}

/**
 * The same model with every weight of its students and frozen layers on its row's grid: the scale is the row's largest weight over
 * 127, the weight the nearest multiple (of two, the even one). Biases and stacking stay as they are. Quantizing it again changes
 * nothing.
 */
export function quantize(model: Model): { readonly model: Model; readonly report: QuantizeReport } {
  const report = { weights: 0, error: 0, errorInSteps: 0 }
  const features = model.preparations.map(preparedWidth)
  const students = model.students.map((student) => {
    const block = student.block.slice()
    for (const { name, shape, offset, size } of memberOf(student, features).layout.tensors) {
      if (isWeight(name)) block.set(onGrid(block.subarray(offset, offset + size), shape[0], report), offset)
    }
    return { ...student, block }
  })
  const projections = model.projections.map((p) => ({ ...p, weight: onGrid(p.weight, p.bias.length, report) }))
  return { model: { ...model, students, projections, precision: 'int8' }, report }
}

/** Whether a tensor of a layout is a matrix of weights. */
export const isWeight = (name: string): boolean => name.endsWith('.weight')

function onGrid(
  values: Float32Array,
  rows: number,
  report: { weights: number; error: number; errorInSteps: number },
): Float32Array {
  const columns = values.length / rows
  const rounded = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    const mine = values.subarray(row * columns, (row + 1) * columns)
    const scale = scaleOf(mine)
    mine.forEach((value, i) => {
      const near = nearest(value / scale) * scale
      rounded[row * columns + i] = near
      const error = Math.abs(near - value)
      report.error = Math.max(report.error, error)
      report.errorInSteps = Math.max(report.errorInSteps, error / scale)
    })
  }
  report.weights += values.length
  return rounded
}

/**
 * The steps that weights on a grid are.
 * @throws FormatError for weights that are on none: they were changed after they were quantized
 */
export function gridOf(values: Float32Array, rows: number): Grid {
  const columns = values.length / rows
  const steps = new Int8Array(values.length)
  const scale = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const mine = values.subarray(row * columns, (row + 1) * columns)
    scale[row] = scaleOf(mine)
    mine.forEach((value, i) => {
      const step = value / scale[row]
      if (!Number.isInteger(step)) {
        throw new FormatError(
          `the model is said to be int8 and has the weight ${value}, which is no multiple of ${scale[row]}: quantize it`,
        )
      }
      // No minus zero: it would not come back.
      steps[row * columns + i] = step
    })
  }
  return { steps, scale }
}

/** The weights of a grid: products that f32 holds exactly. */
export function weightsOf({ steps, scale }: Grid): Float32Array<ArrayBuffer> {
  const columns = steps.length / scale.length
  return Float32Array.from(steps, (step, i) => step * scale[Math.floor(i / columns)])
}

/** Below it, a row is 0: its steps would be no normal numbers. */
const SMALLEST = 2 ** -100

/**
 * The step of a row. It has 17 binary digits, so that up to 127 of it have no more than the 24 of f32, and the scale of a row that
 * is on the grid is found again; it is rounded up, so that no weight is beyond 127 steps.
 */
function scaleOf(values: Float32Array): number {
  let largest = 0
  for (const value of values) largest = Math.max(largest, Math.abs(value))
  if (largest < SMALLEST) return 1
  const bits = new Uint32Array(Float32Array.of(largest / STEPS).buffer)
  const exact = new Float32Array(bits.buffer)
  if (exact[0] * STEPS < largest) bits[0] += 1
  bits[0] = (bits[0] + 0x7f) & ~0x7f
  return exact[0]
}

/** The nearest whole number, the even one of two. */
function nearest(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  const near = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1
  return near === 0 ? 0 : near
}
