import { expect, test } from 'vitest'
import { trainSession } from './kernels.ts'
import * as reference from './reference.ts'

test('every kernel has a reference of its name', () => {
  const kernels = Object.keys(trainSession().kernels).filter((name) => name !== 'heapBase' && name !== 'relaxed')
  expect(Object.keys(reference)).toEqual(expect.arrayContaining(kernels))
})
