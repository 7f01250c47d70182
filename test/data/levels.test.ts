import { expect, test } from 'vitest'
import { decimal, sortLevels } from '../../src/data/levels.ts'

test.each([
  ['12', 12],
  ['-1.5', -1.5],
  ['+.5e-3', 0.0005],
  ['7.', 7],
  ['1E3', 1000],
  ['1e999', Infinity],
])('%s is a number', (text, value) => {
  expect(decimal(text)).toBe(value)
})

test.each(['', ' 1', '.', '1,5', '1 000', '0x10', '0b1', '1e', 'Infinity', 'NaN', '1_000', '١'])('"%s" is none', (text) => {
  expect(decimal(text)).toBeNaN()
})

test('levels are in order of code units, numbers in order of value', () => {
  expect(sortLevels(['b', 'a', 'B', 'a', 'ä'])).toEqual(['B', 'a', 'b', 'ä'])
  expect(sortLevels(['10', '9', '-1', '9'])).toEqual(['-1', '9', '10'])
  expect(sortLevels(['10', '9', 'x'])).toEqual(['10', '9', 'x'])
  expect(sortLevels(['1.0', '1', '0'])).toEqual(['0', '1', '1.0'])
})
