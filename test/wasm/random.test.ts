import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../src/wasm/random.ts'
import { trainSession } from '../kernels/kernels.ts'

const session = trainSession()
const from = (seed: number) => randomFrom(session, seed)

describe('random streams', () => {
  test('the same seed and names give the same numbers', () => {
    const draw = () => from(7).fork('weights').fork('head').uniform(5, -1, 1)
    expect(draw()).toEqual(draw())
  })

  test('another seed, another name or another place in the path gives others', () => {
    const streams = [
      from(7),
      from(8),
      from(7).fork('a'),
      from(7).fork('b'),
      from(7).fork('a').fork('b'),
      from(7).fork('b').fork('a'),
      from(7).fork('ab'),
      from(7).fork(''),
    ]
    const firsts = streams.map((s) => s.uniform(4, 0, 1).join())
    expect(new Set(firsts).size).toBe(streams.length)
  })

  test('a fork neither disturbs its parent nor depends on what the parent has drawn', () => {
    const plain = from(3)
    const forked = from(3)
    const early = forked.fork('x').uniform(3, 0, 1)
    expect(forked.normal(9)).toEqual(plain.normal(9))
    expect(forked.fork('x').uniform(3, 0, 1)).toEqual(early)
  })

  test('a state that is planted is that of the fork, which is as it would have been', () => {
    const planted = from(5)
    const [state, out] = [session.memory.alloc(16), session.memory.alloc(12)]
    planted.plant(state, 'mask')
    session.kernels.uniforms(out, state, 3, 0, 1)
    expect(session.memory.f32(out, 3)).toEqual(from(5).fork('mask').uniform(3, 0, 1))
    expect(planted.uniform(4, 0, 1)).toEqual(from(5).uniform(4, 0, 1))
  })

  test('draws go on where the last one stopped', () => {
    const whole = from(1).uniform(10, 0, 1)
    const parts = from(1)
    expect([...parts.uniform(4, 0, 1), ...parts.uniform(6, 0, 1)]).toEqual([...whole])
  })

  test('neighbouring seeds have unrelated streams', () => {
    const means = Array.from({ length: 200 }, (_, seed) => from(seed).uniform(1, 0, 1)[0])
    const mean = means.reduce((a, b) => a + b) / means.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.06) // 3 standard errors
    expect(new Set(means).size).toBe(200)
  })

  test('below is a whole number under its bound', () => {
    const random = from(5)
    const draws = Array.from({ length: 300 }, () => random.below(3))
    expect(new Set(draws)).toEqual(new Set([0, 1, 2]))
  })

  test('leaves the memory as it was', () => {
    const mark = session.memory.mark()
    from(1).permutation(1000)
    expect(session.memory.mark()).toBe(mark)
  })
})
