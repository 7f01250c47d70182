import { expect, test } from 'vitest'
import { layoutOf } from '../../src/nn/layout.ts'

test('tensors stand one behind the other, in the order given', () => {
  const { tensors, size } = layoutOf([
    ['a', [2, 3]],
    ['b', [2]],
    ['none', [0, 5]],
    ['c', []],
  ])
  expect(tensors).toEqual([
    { name: 'a', shape: [2, 3], offset: 0, size: 6 },
    { name: 'b', shape: [2], offset: 6, size: 2 },
    { name: 'none', shape: [0, 5], offset: 8, size: 0 },
    { name: 'c', shape: [], offset: 8, size: 1 },
  ])
  expect(size).toBe(9)
})

test('of nothing is nothing', () => expect(layoutOf([])).toEqual({ tensors: [], size: 0 }))
