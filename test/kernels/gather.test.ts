import { expect, test } from 'vitest'
import { agree, BITS, f32, floats, i32, indices, input, numbers, output, run, SIZES, shapes } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(7)

test('gatherRows copies the chosen rows', () => {
  for (const { B, D, gap } of shapes({ B: [0, 1, 5, 12], D: SIZES, gap: [0, 3] })) {
    const x = input(random.f32(7 * D), D, D + gap)
    const out = output(floats(B * D), D, D + 2 * gap)
    agree('gatherRows', reference.gatherRows, BITS, out, x, input(random.i32(B, 7)), B, D, D + 2 * gap, D + gap)
  }
})

test('gatherRows copies labels as well as features', () => {
  const labels = i32(-1, 2 ** 30, 3)
  const out = run('gatherRows', output(indices(4), 1), input(labels, 1), input(i32(2, 0, 1, 1)), 4, 1, 1, 1).outputs[0]
  expect(out).toEqual(i32(3, -1, 2 ** 30, 2 ** 30))
})

test('one row may be chosen again and again, another never', () => {
  const x = f32(1, 2, 3, 4)
  const out = run('gatherRows', output(floats(6), 2), input(x, 2), input(i32(1, 1, 1)), 3, 2, 2, 2).outputs[0]
  expect(out).toEqual(f32(3, 4, 3, 4, 3, 4))
})
