// One step over a block by hand; the kernels themselves are compared with their definitions elsewhere.

import { describe, expect, test } from 'vitest'
import { ADAM, noSteps, type OptimizerSpec, optimize } from '../../src/train/optimizer.ts'
import { trainSession } from '../kernels/kernels.ts'

/** Steps over two parameters. */
function steps(spec: Partial<OptimizerSpec>, start: number[], ...gradients: number[][]) {
  const { kernels, memory } = trainSession()
  const zeros = () => memory.put(new Float32Array(start.length))
  const state = { block: memory.put(Float32Array.from(start)), first: zeros(), second: zeros(), size: 2, steps: noSteps() }
  for (const g of gradients) optimize(kernels, { ...ADAM, ...spec }, state, memory.put(Float32Array.from(g)))
  return {
    block: [...memory.f32(state.block, 2)],
    first: [...memory.f32(state.first, 2)],
    second: [...memory.f32(state.second, 2)],
    steps: state.steps,
  }
}
const f = (...values: number[]) => values.map(Math.fround)

describe('sgd', () => {
  test('goes down the gradient, with momentum', () => {
    const spec = { kind: 'sgd', rate: 0.5, momentum: 0.5 } as const
    expect(steps(spec, [1, -2], [1, 4]).block).toEqual([0.5, -4])
    // Velocity 0.5 · 1 + 2 and 0.5 · 4 + 0.
    expect(steps(spec, [1, -2], [1, 4], [2, 0])).toMatchObject({ block: [-0.75, -5], first: [2.5, 2] })
  })

  test('decay is part of the gradient', () => {
    expect(steps({ kind: 'sgd', rate: 0.5, momentum: 0, decay: 0.25 }, [4, -8], [0, 0]).block).toEqual([3.5, -7])
  })

  test('counts no steps and leaves the second moment alone', () => {
    expect(steps({ kind: 'sgd' }, [1, 1], [1, 1], [1, 1])).toMatchObject({ second: [0, 0], steps: { beta1t: 1, beta2t: 1 } })
  })
})

describe('adam', () => {
  test('the first step has the length of the rate, whatever the gradient', () => {
    for (const size of [1e-3, 1, 1e3]) {
      const { block } = steps({ rate: 0.125 }, [1, 1], [size, -size])
      expect(block[0]).toBeCloseTo(0.875, 4)
      expect(block[1]).toBeCloseTo(1.125, 4)
    }
  })

  test('a gradient of zero moves nothing, then the momentum fades', () => {
    expect(steps({}, [1, 2], [0, 0]).block).toEqual([1, 2])
    const moved = [1, 2, 3].map((n) => steps({ rate: 0.1 }, [0, 0], [1, 1], ...Array(n).fill([0, 0])).block[0])
    expect(moved[0]).toBeLessThan(-0.1)
    expect(moved[1]).toBeLessThan(moved[0])
    expect(moved[1] - moved[2]).toBeLessThan(moved[0] - moved[1])
  })

  test('moments and steps are running means and products', () => {
    const { first, second, steps: counted } = steps({}, [0, 0], [1, 2], [3, 0])
    expect(first[0]).toBeCloseTo(0.9 * 0.1 + 0.1 * 3, 6)
    expect(first[1]).toBeCloseTo(0.9 * 0.2, 6)
    expect(second[0]).toBeCloseTo(0.999 * 0.001 + 0.001 * 9, 6)
    expect(second[1]).toBeCloseTo(0.999 * 0.004, 6)
    expect(counted).toEqual({ beta1t: 0.9 * 0.9, beta2t: 0.999 * 0.999 })
  })

  test('decay is part of the gradient; of adamw it is apart from it', () => {
    const spec = { rate: 0.125, decay: 0.5 }
    // A weight without a gradient: adam takes a whole step towards 0, adamw shrinks it by rate · decay.
    expect(steps(spec, [8, -8], [0, 0]).block[0]).toBeCloseTo(8 - 0.125, 5)
    expect(steps({ ...spec, kind: 'adamw' }, [8, -8], [0, 0]).block).toEqual([7.5, -7.5])
    const shrunk = steps({ ...spec, kind: 'adamw' }, [8, -8], [1, 1]).block
    expect(shrunk[0]).toBeCloseTo(7.5 - 0.125, 5)
    expect(shrunk[1]).toBeCloseTo(-7.5 - 0.125, 5)
  })
})

describe('clip', () => {
  const spec = { kind: 'sgd', rate: 1, momentum: 0 } as const

  test('a gradient that is longer becomes as long, in its direction', () => {
    const { block } = steps({ ...spec, clip: 1 }, [0, 0], [3, -4])
    expect(block[0]).toBeCloseTo(-0.6, 5)
    expect(block[1]).toBeCloseTo(0.8, 5)
  })

  test('a shorter one, and any where clip is 0, stays as it is', () => {
    expect(steps({ ...spec, clip: 6 }, [0, 0], [3, -4]).block).toEqual([-3, 4])
    expect(steps({ ...spec, clip: 0 }, [0, 0], [3e4, -4e4]).block).toEqual([-3e4, 4e4])
  })

  test('decay is added after it', () => {
    expect(steps({ ...spec, clip: 1e-9, decay: 0.25 }, [4, 0], [3, 4]).block).toEqual(
      f(3, -8e-10).map((v, i) => (i ? expect.closeTo(v, 12) : v)),
    )
  })
})
