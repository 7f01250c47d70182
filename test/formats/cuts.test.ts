// Model files with networks that are cut.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/core/errors.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { readSafetensors, type Stored, writeSafetensors } from '../../src/formats/safetensors.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { openSession } from '../../src/wasm/session.ts'
import { classifier } from './models.ts'

const infer = new WebAssembly.Module(readFileSync(new URL('../../build/infer.wasm', import.meta.url)))
const scan = ['skip', 'pca(2)', 'sliced(4)', 'sliced(4,3,2)', 'frozen-sliced(4)', 'frozen-sliced(4,3,2)']
const { data, model } = classifier({ activation: 'tanh', extractors: { scan, '*': ['skip', 'raw'] } })
const file = writeModel(model)

test('each student has its own copy of a cut, and the frozen layers stand in the file once', () => {
  const of = (name: string) => model.students.find((s) => s.name === name)!
  expect(of('scan:sliced(4)').block).toHaveLength(6 * 4 + 5 * 3 + 4 * 3)
  expect(of('scan:frozen-sliced(4)').block).toHaveLength(5 * 3 + 4 * 3)
  const layers = model.projections.map(({ name, weight, activation }) => [name, weight.length, activation])
  expect(layers).toEqual([
    ['pca(2)', 10, undefined],
    ['frozen-sliced(4)', 20, 'tanh'],
    ['frozen-sliced(4,3)', 12, 'tanh'],
    ['frozen-sliced(4,3,2)', 6, 'tanh'],
  ])
  const stored = [...readSafetensors(file).tensors.keys()].filter((name) => /projections.*weight/.test(name))
  expect(stored).toHaveLength(4)
})

test('is equal, and predicts the same bits, after being written and read', () => {
  expect(readModel(file)).toEqual(model)
  const predict = (m: Model) => createPredictor(openSession(infer), m, 'simple-average').predict(data)
  const prediction = predict(readModel(file))
  expect(prediction).toEqual(predict(model))
  const used = prediction.patterns.flatMap(({ students }) => students.map(({ name }) => name))
  expect(used).toEqual(expect.arrayContaining(['scan:sliced(4,3,2)', 'scan:frozen-sliced(4,3,2)']))
})

describe('refuses', () => {
  // biome-ignore lint/suspicious/noExplicitAny: it is there to be made wrong.
  function changed(change: (description: any, tensors: Map<string, Stored>) => void): Uint8Array {
    const { tensors, metadata } = readSafetensors(file)
    const [description, left] = [JSON.parse(metadata.model), new Map(tensors)]
    change(description, left)
    return writeSafetensors({ tensors: left, metadata: { ...metadata, model: JSON.stringify(description) } })
  }
  const damaged = ': the file is damaged'

  test.each<[string, Parameters<typeof changed>[0], string]>([
    [
      'a layer before the one it follows',
      ({ projections }) => projections.push(projections.splice(2, 1)[0]),
      `the frozen layer frozen-sliced(4,3,2) of modality 0 does not follow the one before it${damaged}`,
    ],
    [
      'a layer without activation',
      ({ projections }) => delete projections[1].activation,
      `the description of the model has no valid projections${damaged}`,
    ],
    [
      'a PCA with one',
      ({ projections }) => (projections[0].activation = 'relu'),
      `the description of the model has no valid projections${damaged}`,
    ],
    [
      'a layer of an extractor that is not frozen',
      ({ projections }) => (projections[1].name = 'sliced(4)'),
      `the description of the model has no valid projections${damaged}`,
    ],
    [
      'a layer whose name is none',
      ({ projections }) => (projections[3].name = 'frozen-sliced(4,'),
      `the model names the extractor "frozen-sliced(4,", which is unknown${damaged}`,
    ],
    [
      'a layer of another shape',
      (_, tensors) => tensors.set('projections.2.weight', { shape: [3, 5], values: new Float32Array(15) }),
      'the tensor "projections.2.weight" has the shape [3,5] and [3,4] was expected',
    ],
    [
      'a student whose frozen layers are not there',
      ({ projections }, tensors) => {
        projections.pop()
        tensors.delete('projections.3.weight')
        tensors.delete('projections.3.bias')
      },
      'student "scan:frozen-sliced(4,3,2)" reads frozen-sliced(4,3,2) of modality 0, which the file lacks: it is incomplete',
    ],
  ])('%s', (_, change, sentence) => {
    expect(() => readModel(changed(change))).toThrow(new FormatError(sentence))
  })
})
