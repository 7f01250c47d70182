import { expect, test } from 'vitest'
import { fittingConfig } from '../../node/sources/applications.ts'
import type { Dataset } from '../../src/data/dataset.ts'

/** 8 rows of 5 features that vary and one that does not. */
const data: Dataset = {
  ids: Array.from({ length: 8 }, (_, i) => `p${i}`),
  modalities: [
    {
      name: 'a',
      present: new Uint8Array(8).fill(1),
      columns: Array.from({ length: 6 }, (_, j) => ({
        kind: 'number',
        name: `f${j}`,
        values: Float64Array.from({ length: 8 }, (_, i) => (j === 5 ? 1 : (i * (j + 1)) % 7)),
      })),
    },
  ],
  target: { task: 'classification', classes: ['x', 'y'], labels: Int32Array.from({ length: 8 }, (_, i) => i % 2) },
}
const fitting = (train: number, ...names: string[]) => {
  const { config, notes } = fittingConfig({ epochs: 3, extractors: { a: names } }, data, {
    train: Int32Array.from(Array(train).keys()),
  })
  expect(config.epochs).toBe(3)
  return { names: config.extractors?.a, left: notes.map((note) => note.split(' of ')[0]) }
}

test('a latent wider than the features is left out, and narrower cuts do without its layer', () => {
  expect(
    fitting(8, 'raw', 'frozen-sliced(9,6)', 'frozen-sliced(9,6,5)', 'frozen-sliced(9,6,5,2)', 'sliced(9,6,5)', 'skip'),
  ).toEqual({
    names: ['raw', 'frozen-sliced(9,5)', 'frozen-sliced(9,5,2)', 'sliced(9,5)', 'skip'],
    left: ['frozen-sliced(9,6)'],
  })
})

test('hidden layers may be wider than the features', () => {
  expect(fitting(8, 'frozen-sliced(64,3)')).toEqual({ names: ['frozen-sliced(64,3)'], left: [] })
})

test('a PCA has at most as many components as features that vary, and fewer than rows', () => {
  expect(fitting(8, 'raw', 'pca(6)', 'pca(5)')).toEqual({ names: ['raw', 'pca(5)'], left: ['pca(6)'] })
  expect(fitting(4, 'raw', 'pca(4)', 'pca(3)')).toEqual({ names: ['raw', 'pca(3)'], left: ['pca(4)'] })
})

test('settings of networks are left out with the last of their cuts', () => {
  const encoders = (...names: string[]) => {
    const given = { extractors: { a: names }, encoders: { a: { epochs: 2 }, '*': { rate: 0.1 } } }
    return fittingConfig(given, data, { train: Int32Array.from(Array(8).keys()) }).config.encoders
  }
  expect(encoders('raw', 'sliced(6)', 'sliced(6,5)')).toEqual({ a: { epochs: 2 }, '*': { rate: 0.1 } })
  expect(encoders('raw', 'sliced(6)')).toEqual({})
})
