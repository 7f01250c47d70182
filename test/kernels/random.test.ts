import { describe, expect, test } from 'vitest'
import { agree, BITS, f32, floats, i32, indices, inPlace, output, run, ulps } from './harness.ts'
import * as reference from './reference.ts'

const SEED = i32(0x12345678, -559038737, 42, 7)
const COUNTS = [...Array(21).keys(), 1001]

/** Draws from a state, and the state afterwards. */
const uniforms = (state: Int32Array<ArrayBuffer>, n: number, low = 0, high = 1) => {
  const [values, after] = run('uniforms', output(floats(n)), inPlace(state), n, low, high).outputs
  return { values: values as Float32Array<ArrayBuffer>, after: i32(...after) }
}
const normals = (state: Int32Array<ArrayBuffer>, n: number) => {
  const [values, after] = run('normals', output(floats(n)), inPlace(state), n).outputs
  return { values: values as Float32Array<ArrayBuffer>, after: i32(...after) }
}
const permutation = (state: Int32Array<ArrayBuffer>, n: number) => {
  const [values, after] = run('permutation', output(indices(n)), inPlace(state), n).outputs
  return { values: [...values], after: i32(...after) }
}

describe('uniforms', () => {
  test('the first draws of state 1, 2, 3, 4 are those of xoshiro128plusplus.c', () => {
    // Made by D. Blackman and S. Vigna's C program (prng.di.unimi.it). A uniform on [0, 2²⁴) is a draw without its last eight bits.
    const draws = [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420]
    expect([...uniforms(i32(1, 2, 3, 4), 10, 0, 2 ** 24).values]).toEqual(draws.map((d) => d >>> 8))
  })

  test('uniforms has the bits of its definition, and so has the state', () => {
    for (const n of COUNTS) {
      for (const [low, high] of [
        [0, 1],
        [-0.25, 0.75],
        [1, 2],
        [-3, -3],
      ]) {
        agree('uniforms', reference.uniforms, BITS, output(floats(n)), inPlace(SEED), n, low, high)
      }
    }
  })

  test('the upper bound is never reached, not by rounding either', () => {
    // s0 = 0 and s3 = all ones make the largest draw, 1 - 2⁻²⁴; 1 + that rounds to 2.
    const largest = i32(0, 1, 2, -1)
    expect(uniforms(largest, 1).values[0]).toBe(1 - 2 ** -24)
    for (const [low, high] of [
      [1, 2],
      [-1, 1],
      [100, 100.5],
      [0, 1e-40],
    ]) {
      const value = uniforms(largest, 1, low, high).values[0]
      expect(value).toBeLessThan(Math.fround(high))
      expect(value).toBeGreaterThanOrEqual(low)
    }
  })

  test('two calls go on where one would be', () => {
    const whole = uniforms(SEED, 10)
    const first = uniforms(SEED, 4)
    const second = uniforms(first.after, 6)
    expect(f32(...first.values, ...second.values)).toEqual(whole.values)
    expect(second.after).toEqual(whole.after)
    expect(second.values.slice(0, 4)).not.toEqual(first.values)
  })

  test('every sixteenth of [0, 1) has its share', () => {
    const n = 160_000
    const counts = new Array(16).fill(0)
    for (const v of uniforms(SEED, n).values) counts[Math.floor(16 * v)]++
    const chiSquare = counts.reduce((sum, c) => sum + (c - n / 16) ** 2 / (n / 16), 0)
    expect(chiSquare).toBeLessThan(40) // 15 degrees of freedom: above once in 2000 seeds
  })
})

describe('normals', () => {
  test('normals matches its definition', () => {
    for (const n of COUNTS) {
      const tolerance = ulps(3, 'log 1 ulp, then a quotient, a root and a product')
      agree('normals', reference.normals, tolerance, output(floats(n)), inPlace(SEED), n)
    }
  })

  test('a point on the rim of the circle, or at its centre, is drawn again', () => {
    // Of the first two draws 0 is the coordinate -1 and ½ the coordinate 0: s is 1 or 0, and 0 has no logarithm.
    const second = 1678534 // the s0 with which the second draw is ½
    const rim = i32(0, second, 0, 0)
    const centre = i32(0, (2 ** 24) ^ second, 0, 2 ** 24)
    const draws = (state: Int32Array<ArrayBuffer>) => [...uniforms(state, 2).values]
    expect([draws(rim), draws(centre)]).toEqual([
      [0, 0.5],
      [0.5, 0.5],
    ])
    for (const state of [rim, centre]) {
      const { values, after } = normals(state, 2)
      expect(values).toEqual(normals(uniforms(state, 2).after, 2).values)
      expect(after).toEqual(normals(uniforms(state, 2).after, 2).after)
    }
  })

  test('moments and tails are those of the normal distribution', () => {
    const n = 200_000
    const x = normals(SEED, n).values
    const mean = (power: number) => x.reduce((sum, v) => sum + v ** power, 0) / n
    // Within four standard errors: √(1, 2, 15, 96) / √n.
    expect(Math.abs(mean(1))).toBeLessThan((4 * 1) / Math.sqrt(n))
    expect(Math.abs(mean(2) - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n))
    expect(Math.abs(mean(3))).toBeLessThan((4 * Math.sqrt(15)) / Math.sqrt(n))
    expect(Math.abs(mean(4) - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(n))
    for (const [limit, share] of [
      [1, 0.158655],
      [2, 0.02275],
      [3, 0.00135],
    ]) {
      const error = 4 * Math.sqrt(share / n)
      expect(Math.abs(x.filter((v) => v > limit).length / n - share)).toBeLessThan(error)
      expect(Math.abs(x.filter((v) => v < -limit).length / n - share)).toBeLessThan(error)
    }
  })

  test('the two of a pair have nothing to do with each other', () => {
    const n = 100_000
    const x = normals(SEED, 2 * n).values
    let product = 0
    for (let i = 0; i < n; i++) product += x[2 * i] * x[2 * i + 1]
    expect(Math.abs(product / n)).toBeLessThan(4 / Math.sqrt(n))
  })

  test('an odd number of draws drops the last of a pair', () => {
    const [odd, even] = [normals(SEED, 7), normals(SEED, 8)]
    expect(odd.values).toEqual(even.values.slice(0, 7))
    expect(odd.after).toEqual(even.after)
  })

  test('the bits are pinned: another polynomial or another order would be another cohort', () => {
    // FNV-1a over the bytes of 1001 draws.
    let hash = 0x811c9dc5
    for (const byte of new Uint8Array(normals(SEED, 1001).values.buffer)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
    expect(hash.toString(16)).toBe('52c24922')
  })
})

describe('permutation', () => {
  test('permutation has the bits of its definition, and so has the state', () => {
    for (const n of COUNTS) agree('permutation', reference.permutation, BITS, output(indices(n)), inPlace(SEED), n)
  })

  test('a draw that would favour some places is refused', () => {
    // s0 = s3 = 0 draws 0; of the 2³² draws the 2³² mod 3 = 1 lowest is one too many for three places.
    const state = i32(0, 1, 2, 0)
    expect(reference.next(state.slice())).toBe(0)
    const used = (n: number) => {
      const { after } = permutation(state, n)
      const walk = state.slice()
      for (let draws = 0; draws < 9; draws++) {
        if (walk.every((word, i) => word === after[i])) return draws
        reference.next(walk)
      }
    }
    expect([used(2), used(3), used(4)]).toEqual([1, 3, 3])
    agree('permutation', reference.permutation, BITS, output(indices(3)), inPlace(state), 3)
  })

  test('a permutation holds every number once', () => {
    for (const n of COUNTS) {
      expect(permutation(SEED, n).values.sort((a, b) => a - b)).toEqual([...Array(n).keys()])
    }
  })

  test('every number is found in every place equally often', () => {
    const [n, turns] = [8, 8_000]
    const counts = new Array(n * n).fill(0)
    let state = SEED
    for (let t = 0; t < turns; t++) {
      const { values, after } = permutation(state, n)
      for (const [place, value] of values.entries()) counts[place * n + value]++
      state = after
    }
    const expected = turns / n
    const chiSquare = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)
    expect(chiSquare).toBeLessThan(90) // 49 degrees of freedom: above once in 3000 seeds
  })

  test('two calls give two orders', () => {
    const first = permutation(SEED, 20)
    expect(permutation(first.after, 20).values).not.toEqual(first.values)
    expect(permutation(SEED, 20)).toEqual(first)
  })

  test('no number and one number need no draw', () => {
    expect(permutation(SEED, 0)).toEqual({ values: [], after: SEED })
    expect(permutation(SEED, 1)).toEqual({ values: [0], after: SEED })
  })
})
