import { expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import { presence } from '../../src/data/presence.ts'

const view = (name: string, present: readonly number[]) =>
  modality(name, new Float32Array(present.length), ['x'], Uint8Array.from(present))

test('rows are counted by the modalities they have, the most frequent pattern first', () => {
  const modalities = [view('mri', [1, 1, 0, 0, 1, 0]), view('blood', [0, 1, 1, 0, 1, 1])]
  expect(presence({ ids: ['a', 'b', 'c', 'd', 'e', 'f'], modalities })).toEqual({
    patterns: [
      { modalities: ['mri', 'blood'], rows: 2 },
      { modalities: ['blood'], rows: 2 },
      { modalities: ['mri'], rows: 1 },
    ],
    none: Int32Array.of(3),
  })
})
