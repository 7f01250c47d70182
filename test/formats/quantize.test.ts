import { describe, expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { gridOf, quantize, weightsOf } from '../../src/formats/quantize.ts'
import { readSafetensors, type Stored, writeSafetensors } from '../../src/formats/safetensors.ts'
import type { Model } from '../../src/fusion/model.ts'
import { numbers } from '../kernels/harness.ts'
import { classifier, regressor } from './models.ts'

// As old as can be: what is new in its file is int8 alone.
const { model } = classifier({ unskew: false, clip: 0 })
const small = quantize(model)

/** A model whose first matrix has these values in its first row, the rest 0. */
function modelWith(row: readonly number[]): { model: Model; read: (model: Model) => Float32Array } {
  const first = model.projections[0]
  const columns = first.weight.length / first.bias.length
  const weight = new Float32Array(first.weight.length)
  weight.set(row.slice(0, columns))
  const projections = [{ ...first, weight }, ...model.projections.slice(1)]
  return { model: { ...model, projections }, read: ({ projections: [{ weight: w }] }) => w.subarray(0, row.length) }
}

describe('a quantized model', () => {
  test('has every weight within half a step of what it was, and biases as they were', () => {
    const { report } = small
    expect(report.weights).toBeGreaterThan(100)
    expect(report.errorInSteps).toBeGreaterThan(0.25)
    expect(report.errorInSteps).toBeLessThanOrEqual(0.5)
    small.model.projections.forEach(({ bias, weight }, i) => {
      expect(bias).toEqual(model.projections[i].bias)
      expect(weight).not.toEqual(model.projections[i].weight)
    })
    expect(small.model.students.map((s) => s.loss)).toEqual(model.students.map((s) => s.loss))
  })

  test.each([
    ['classification', small.model],
    ['regression', quantize(regressor().model).model],
    ['stacking', quantize(classifier({ ensembles: ['bagging', 'stacking'] }).model).model],
  ])('is equal after being written and read: %s', (_, quantized) => {
    const file = writeModel(quantized)
    expect(readModel(file)).toEqual(quantized)
    expect(writeModel(readModel(file))).toEqual(file)
  })

  test('is the same when it is quantized again', () => {
    expect(quantize(small.model).model).toEqual(small.model)
    expect(quantize(small.model).report.error).toBe(0)
  })

  test('does not change the model it was made of', () => {
    expect(model).not.toHaveProperty('precision')
    expect(quantize(model).model).toEqual(small.model)
  })

  test('takes a byte a weight in its file, and says its version', () => {
    const { tensors, metadata } = readSafetensors(writeModel(small.model))
    const steps = [...tensors.values()].filter(({ values }) => values instanceof Int8Array)
    expect(steps.reduce((sum, { values }) => sum + values.length, 0)).toBe(small.report.weights)
    expect(metadata.version).toBe('3')
    expect(readSafetensors(writeModel(model)).metadata.version).toBe('2')
  })

  test('of skewed features has them as they were', () => {
    const { model } = classifier()
    const file = writeModel(quantize(model).model)
    expect(readModel(file).preparations).toEqual(model.preparations)
    expect(readSafetensors(file).metadata.version).toBe('5')
  })

  test('whose weights were changed cannot be written', () => {
    const [first, ...others] = small.model.projections
    const weight = first.weight.slice()
    weight[0] += 1e-3
    expect(() => writeModel({ ...small.model, projections: [{ ...first, weight }, ...others] })).toThrow(
      /no multiple of .*: quantize it/,
    )
  })
})

describe('the grid', () => {
  test('takes weights apart and puts them together again, of every size', () => {
    const random = numbers(5)
    for (let power = -99; power < 126; power += 3) {
      const values = random.f32(60).map((v) => v * 2 ** power)
      const { model: of } = quantize(modelWith([...values.subarray(0, 5)]).model)
      for (const { weight, bias } of of.projections) {
        const grid = gridOf(weight, bias.length)
        expect(weightsOf(grid)).toEqual(weight)
        expect(Math.max(...grid.steps.map(Math.abs))).toBe(127)
      }
    }
  })

  test.each([
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
    [
      [127, 1, -1],
      [127, 1, -1],
    ],
    // Of two that are as near, the even one.
    [
      [127, 0.5, 1.5, 2.5, -0.5],
      [127, 0, 2, 2, 0],
    ],
    [
      [-127, 0.501, -1.499],
      [-127, 1, -1],
    ],
    [
      [1e-40, -1e-40],
      [0, 0],
    ],
  ])('rounds %j to %j', (row, expected) => {
    const { model: of, read } = modelWith(row)
    expect([...read(quantize(of).model)]).toEqual(expected)
  })
})

describe('an int8 file is refused', () => {
  const file = writeModel(small.model)
  const name = 'projections.0.weight'
  const changed = (change: (tensors: Map<string, Stored>) => void) => {
    const { tensors, metadata } = readSafetensors(file)
    const parts = new Map(tensors)
    change(parts)
    return () => readModel(writeSafetensors({ metadata, tensors: parts }))
  }
  const scale = (value: number) =>
    changed((tensors) => {
      const stored = tensors.get(`${name}.scale`) as Stored
      tensors.set(`${name}.scale`, { ...stored, values: Float32Array.from(stored.values, () => value) })
    })

  test('without its scales', () => {
    expect(changed((tensors) => tensors.delete(`${name}.scale`))).toThrow(`the tensor "${name}.scale" is missing`)
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('with a scale of %f', (value) => {
    expect(scale(value)).toThrow(/projections\.0\.weight\.scale" holds a value that is not (above 0|finite)/)
  })

  test('with a scale of more digits than it may have', () => {
    expect(scale(1 + 2 ** -23)).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  test('with steps that are floats', () => {
    const floats = changed((tensors) => {
      const stored = tensors.get(name) as Stored
      tensors.set(name, { ...stored, values: Float32Array.from(stored.values) })
    })
    expect(floats).toThrow(`the tensor "${name}" is a Float32Array and a Int8Array was expected`)
  })

  test('with a row that does not use its 127 steps', () => {
    const halved = changed((tensors) => {
      const stored = tensors.get(name) as Stored
      tensors.set(name, { ...stored, values: Int8Array.from(stored.values, (v) => Math.trunc(v / 2)) })
    })
    expect(halved).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  test('that says it is of an older version', () => {
    const { tensors, metadata } = readSafetensors(file)
    expect(() => readModel(writeSafetensors({ metadata: { ...metadata, version: '2' }, tensors }))).toThrow('no valid precision')
  })
})
