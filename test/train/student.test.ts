import { expect, test } from 'vitest'
import { studentOf } from '../../src/fusion/student.ts'
import { backwardScratch } from '../../src/train/backward/student.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'

test('the buffers of a backward pass are as wide as the widest of however many layers', () => {
  const { memory } = trainSession()
  const deep = studentOf(specOf('raw', 1, { hidden: [...new Array<number>(200_000).fill(2), 40] }), [3])
  const { layers, encoder, port } = backwardScratch(memory, [deep], 4)
  expect([layers[1] - layers[0], encoder[1] - encoder[0], memory.mark() - port]).toEqual([4 * 4 * 40, 16, 4 * 4 * 3])
})
