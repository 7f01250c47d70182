import { describe, expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import { ableStudents, canSpeak, patternsOf, sees } from '../../src/fusion/availability.ts'
import { specOf } from '../train/cohort.ts'

const PATTERNS = ['111', '110', '101', '011', '100', '010', '001', '000']

describe('who can speak', () => {
  test.each([
    ['raw raw raw', ['111']],
    ['raw skip skip', ['111', '110', '101', '100']],
    ['skip pca(2) mlp(3)', ['111', '011']],
  ])('%s needs everything it uses, and nothing else', (extractors, able) => {
    expect(PATTERNS.filter((pattern) => canSpeak(specOf(extractors), pattern))).toEqual(able)
  })

  test.each([
    ['raw raw raw', ['111', '110', '101', '011', '100', '010', '001']],
    ['raw raw skip', ['111', '110', '101', '011', '100', '010']],
    ['skip skip raw', ['111', '101', '011', '001']],
  ])('one that fills, %s, needs any of what it uses', (extractors, able) => {
    expect(PATTERNS.filter((pattern) => canSpeak(specOf(extractors, 1, { fills: true }), pattern))).toEqual(able)
  })

  test('of several students, by index; of several rows, 1 or 0', () => {
    const specs = ['raw skip skip', 'raw raw skip', 'skip skip raw'].map((e) => specOf(e))
    expect(ableStudents(specs, '101')).toEqual([0, 2])
    expect(ableStudents(specs, '010')).toEqual([])
    expect(sees(specs[1], ['111', '101', '110'])).toEqual(Uint8Array.of(1, 0, 1))
  })
})

test('rows with the same modalities have the same bits, many students and rows or one', () => {
  const rows = Array.from({ length: 300 }, (_, i) => PATTERNS[(i * i) % 8])
  for (const fills of [false, true]) {
    for (const extractors of ['raw raw raw', 'skip pca(2) mlp(3)', 'raw skip skip']) {
      const spec = specOf(extractors, 1, { fills })
      expect([...sees(spec, rows)]).toEqual(rows.map((pattern) => (canSpeak(spec, pattern) ? 1 : 0)))
    }
  }
})

test('patterns are by the names asked for, in their order; what the inputs lack is missing in every row', () => {
  const view = (name: string, ...present: number[]) => modality(name, new Float32Array(3), 1, Uint8Array.from(present))
  const inputs = { ids: ['x', 'y', 'z'], modalities: [view('b', 0, 1, 1), view('other', 0, 0, 0), view('a', 1, 1, 0)] }
  expect(patternsOf(inputs, ['a', 'b'])).toEqual(['10', '11', '01'])
  expect(patternsOf(inputs, ['b', 'c', 'a'])).toEqual(['001', '101', '100'])
  expect(patternsOf({ ...inputs, modalities: [] }, ['a', 'b'])).toEqual(['00', '00', '00'])
})
