import { describe, expect, test } from 'vitest'
import {
  type Extractor,
  extractorName,
  extractorWidth,
  parseExtractor,
  sourceBefore,
  sourceName,
} from '../../src/fusion/extractor.ts'

const ALL: [Extractor, string, number][] = [
  [{ kind: 'skip' }, 'skip', 0],
  [{ kind: 'raw' }, 'raw', 11],
  [{ kind: 'pca', components: 30 }, 'pca(30)', 30],
  [{ kind: 'mlp', widths: [5] }, 'mlp(5)', 5],
  [{ kind: 'mlp', widths: [128, 64, 1] }, 'mlp(128,64,1)', 1],
  [{ kind: 'sliced', widths: [128, 70] }, 'sliced(128,70)', 70],
  [{ kind: 'frozen-sliced', widths: [128, 70, 9] }, 'frozen-sliced(128,70,9)', 9],
]

test.each(ALL)('%j is written %s and read back', (extractor, name) => {
  expect(extractorName(extractor)).toBe(name)
  expect(parseExtractor(name)).toEqual(extractor)
})

test.each(ALL)('%j of eleven features makes %3$d numbers', (extractor, _, width) => {
  expect(extractorWidth(extractor, 11)).toBe(width)
})

test('blanks between do not matter', () => {
  expect(parseExtractor('mlp( 128, 64 )')).toEqual({ kind: 'mlp', widths: [128, 64] })
  expect(parseExtractor('pca (3)')).toEqual({ kind: 'pca', components: 3 })
})

describe('refused, with what there is', () => {
  test.each([
    '',
    'Raw',
    'raw()',
    'skip(1)',
    'pca',
    'pca()',
    'pca(0)',
    'pca(3,4)',
    'pca(-3)',
    'pca(2.5)',
    'pca(65537)',
    'mlp()',
    'mlp(4,)',
    'mlp(4,0)',
    'mlp(a)',
    'xmlp(4)',
    'mlp(4)x',
    'mlp(99999999999999999999)',
    'sliced()',
    'frozen-sliced(4,0)',
    'frozen-mlp(4)',
    'frozen(4)',
  ])('"%s"', (text) => {
    expect(() => parseExtractor(text)).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        message: `"${text}" is no extractor: write skip, raw, pca(30), mlp(128,64), sliced(128,70) or frozen-sliced(128,70)`,
      }),
    )
  })
})

test('a frozen extractor reads what it makes of all rows, everything else the prepared features', () => {
  expect(ALL.map(([extractor]) => sourceName(2, extractor))).toEqual([
    '2:raw',
    '2:raw',
    '2:pca(30)',
    '2:raw',
    '2:raw',
    '2:raw',
    '2:frozen-sliced(128,70,9)',
  ])
})

test('a frozen layer reads the one before it, the first the prepared features', () => {
  const names = ['pca(30)', 'frozen-sliced(128)', 'frozen-sliced(128,70)', 'frozen-sliced(128,70,9)']
  expect(names.map((name) => sourceBefore(1, name))).toEqual([
    '1:raw',
    '1:raw',
    '1:frozen-sliced(128)',
    '1:frozen-sliced(128,70)',
  ])
})
