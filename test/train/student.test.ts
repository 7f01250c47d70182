import { expect, test } from 'vitest'
import { studentOf } from '../../src/fusion/student.ts'
import { backwardRooms } from '../../src/train/backward/student.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'

test('the buffers of a backward pass are as wide as the widest of however many layers', () => {
  const { memory } = trainSession()
  const deep = studentOf(specOf('raw', 1, { hidden: [...new Array<number>(200_000).fill(2), 40] }), [3])
  const [{ head, ports }] = backwardRooms(memory, [deep], 4)
  const [first, second] = [head[0].at, head[1].at]
  expect(head.slice(-2).map(({ ld }) => ld)).toEqual([2, 40])
  expect(head.every(({ at }, l) => at === (l % 2 === 0 ? first : second))).toBe(true)
  expect([second - first, memory.mark() - ports[0].at]).toEqual([4 * 4 * 40, 4 * 4 * 3])
})
