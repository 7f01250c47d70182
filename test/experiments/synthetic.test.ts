// The paper's generator. What is expected of it is METHOD's: Var(y) = Σ share² · 3 · latents · (1, or 3 through squares), for
// coefficients uniform on (-3, 3) have the mean square 3 and z² - z has the variance 3; Var(X) = η² + (1 - η)².

import { describe, expect, test } from 'vitest'
import { type Dataset, digest } from '../../src/data/dataset.ts'
import { DEMO } from '../../src/experiments/demo.ts'
import { type SyntheticSpec, synthetic } from '../../src/experiments/synthetic.ts'
import { trainSession } from '../kernels/kernels.ts'

const session = trainSession()
type View = SyntheticSpec['modalities'][number]
const view = (name: string, more: Partial<View> = {}): View => ({
  name,
  features: 3,
  latents: 4,
  noise: 0.3,
  transform: 'linear',
  share: 1,
  ...more,
})
const none = { latents: 0, transform: 'linear', share: 0 } as const
const specOf = (rows: number, modalities: View[], shared: SyntheticSpec['shared'] = none): SyntheticSpec => ({
  rows,
  modalities,
  shared,
})
const outcome = ({ target }: Dataset) => {
  if (target.task !== 'regression') throw new Error('the outcome is a number')
  return target.values
}
const columns = (data: Dataset, m: number) =>
  data.modalities[m].columns.map((c) => {
    if (c.kind !== 'number') throw new Error('features are numbers')
    return c.values
  })
const mean = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0) / x.length
function covariance(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const [mx, my] = [mean(x), mean(y)]
  return mean(Array.from(x, (v, i) => (v - mx) * (y[i] - my)))
}
const variance = (x: ArrayLike<number>) => covariance(x, x)
const correlation = (x: ArrayLike<number>, y: ArrayLike<number>) => covariance(x, y) / Math.sqrt(variance(x) * variance(y))

/** The share of y's variance that a linear regression on x leaves over. */
function leftOver(x: readonly ArrayLike<number>[], y: ArrayLike<number>): number {
  const centred = [...x, y].map((c) => {
    const m = mean(c)
    return Array.from(c, (v) => v - m)
  })
  // Gram-Schmidt: takes every direction of x out of those behind it, and at last out of y.
  centred.forEach((c, j) => {
    for (const before of centred.slice(0, j)) {
      const size = before.reduce((sum, v) => sum + v * v, 0)
      const along = before.reduce((sum, v, i) => sum + v * c[i], 0) / size
      before.forEach((v, i) => {
        c[i] -= along * v
      })
    }
  })
  return variance(centred[x.length]) / variance(y)
}

describe('the variance of the outcome', () => {
  // A coefficient's square is off by 0.9 of its mean, so 100 seeds of five latents or more are by 4 %: a sixth is four times that.
  test.each<[string, SyntheticSpec, number]>([
    ['linear, private', specOf(120, [view('a', { latents: 10 }), view('b', { latents: 5 })]), 3 * 15],
    ['through squares', specOf(120, [view('a', { latents: 10, transform: 'quadratic' })]), 9 * 10],
    [
      'shared alone',
      specOf(120, [view('a', { share: 0 }), view('b', { share: 0 })], { latents: 10, transform: 'quadratic', share: 1 }),
      9 * 10,
    ],
    ['half a share is a quarter of the variance', specOf(120, [view('a', { latents: 10, share: 0.5 })]), 7.5],
  ])('%s', (_, spec, expected) => {
    const over = Array.from({ length: 100 }, (_, seed) => variance(outcome(synthetic(session, spec, seed))))
    expect(mean(over) / expected).toBeGreaterThan(5 / 6)
    expect(mean(over) / expected).toBeLessThan(7 / 6)
  })

  test('is the sum of what its parts have', () => {
    const [a, b] = [view('a'), view('b', { transform: 'quadratic', share: 0.5 })]
    const shared = { latents: 2, transform: 'linear', share: 3 } as const
    const y = (modalities: View[], common: SyntheticSpec['shared']) =>
      outcome(synthetic(session, specOf(50, modalities, common), 4))
    const zero = { ...shared, share: 0 }
    const parts = [
      y([a, { ...b, share: 0 }], zero),
      y([{ ...a, share: 0 }, b], zero),
      y(
        [
          { ...a, share: 0 },
          { ...b, share: 0 },
        ],
        shared,
      ),
    ]
    y([a, b], shared).forEach((v, i) => {
      expect(v).toBeCloseTo(parts[0][i] + parts[1][i] + parts[2][i], 10)
    })
    expect(
      y(
        [
          { ...a, share: 0 },
          { ...b, share: 0 },
        ],
        zero,
      ).every((v) => v === 0),
    ).toBe(true)
  })
})

describe('features', () => {
  test.each([0, 0.1, 0.5, 1])('noise ratio %d: each has the variance η² + (1 - η)²', (noise) => {
    const data = synthetic(session, specOf(800, [view('a', { features: 30, noise })]), 2)
    const all = columns(data, 0)
    expect(mean(all.map(mean))).toBeCloseTo(0, 1)
    // Of 30 columns; that of 800 normal draws is off by 5 % each.
    expect(mean(all.map(variance)) / (noise ** 2 + (1 - noise) ** 2)).toBeCloseTo(1, 1)
  })

  test('without noise they are standardised to the last digits', () => {
    for (const column of columns(synthetic(session, specOf(300, [view('a', { noise: 0 })]), 2), 0)) {
      expect(mean(column)).toBeCloseTo(0, 6)
      expect(variance(column)).toBeCloseTo(1, 5)
    }
  })

  test('without noise they tell a linear outcome exactly; with noise, or through squares, they do not', () => {
    const rest = (more: Partial<View>) => {
      const data = synthetic(session, specOf(400, [view('a', { features: 6, noise: 0, ...more })]), 3)
      return leftOver(columns(data, 0).slice(0, 4), outcome(data))
    }
    expect(rest({})).toBeLessThan(1e-9)
    expect(rest({ noise: 0.3 })).toBeGreaterThan(0.05)
    expect(rest({ transform: 'quadratic' })).toBeGreaterThan(0.3)
  })

  test('one modality tells nothing of the private part of another, and everything of the shared part', () => {
    const apart = synthetic(session, specOf(2000, [view('a', { noise: 0, latents: 1 }), view('b', { noise: 0, latents: 1 })]), 5)
    expect(Math.abs(correlation(columns(apart, 0)[0], columns(apart, 1)[0]))).toBeLessThan(0.1)
    const common = { latents: 1, transform: 'linear', share: 1 } as const
    const views = [view('a', { noise: 0, latents: 0, share: 0 }), view('b', { noise: 0, latents: 0, share: 0 })]
    const together = synthetic(session, specOf(200, views, common), 5)
    expect(Math.abs(correlation(columns(together, 0)[0], columns(together, 1)[2]))).toBeCloseTo(1, 6)
    expect(Math.abs(correlation(columns(together, 0)[1], outcome(together)))).toBeCloseTo(1, 6)
  })
})

describe('streams', () => {
  const spec = specOf(40, [view('a'), view('b', { noise: 0.1 })], { latents: 2, transform: 'quadratic', share: 1 })

  test('the same seed is the same data, another is not', () => {
    expect(digest(synthetic(session, spec, 7))).toBe(digest(synthetic(trainSession(), spec, 7)))
    expect(digest(synthetic(session, spec, 7))).not.toBe(digest(synthetic(session, spec, 8)))
  })

  test('another modality, its noise or its features do not change what the first one is', () => {
    const first = (of: SyntheticSpec) => synthetic(session, of, 7).modalities[0]
    expect(first({ ...spec, modalities: [spec.modalities[0]] })).toEqual(first(spec))
    expect(first({ ...spec, modalities: [spec.modalities[0], view('c', { features: 9, noise: 1 })] })).toEqual(first(spec))
  })

  test('noise does not change the outcome', () => {
    const noisy = { ...spec, modalities: spec.modalities.map((m) => ({ ...m, noise: 0.9 })) }
    expect(outcome(synthetic(session, noisy, 7))).toEqual(outcome(synthetic(session, spec, 7)))
  })

  test('it takes nothing of the session', () => {
    const before = session.memory.mark()
    synthetic(session, spec, 7)
    expect(session.memory.mark()).toBe(before)
  })
})

test('ids, names and sizes', () => {
  const data = synthetic(session, specOf(100, [view('a', { features: 2 }), view('b')]), 1)
  expect(data.ids.slice(0, 2)).toEqual(['s001', 's002'])
  expect(data.ids[99]).toBe('s100')
  expect(data.modalities.map((m) => [m.name, m.columns.map((c) => c.name)])).toEqual([
    ['a', ['a_1', 'a_2']],
    ['b', ['b_1', 'b_2', 'b_3']],
  ])
  expect(data.modalities.every((m) => m.present.length === 100 && m.present.every((v) => v === 1))).toBe(true)
  expect(data.target).toMatchObject({ task: 'regression', outputs: ['y'] })
  expect(outcome(data)).toHaveLength(100)
})

test('the demo: three quarters of its outcome hang on imaging', () => {
  const [imaging, clinical] = DEMO.modalities
  const only = (m: View) => ({
    ...DEMO,
    modalities: DEMO.modalities.map((v) => ({ ...v, features: 1, share: v.name === m.name ? 1 : 0 })),
  })
  const part = (m: View) => mean(Array.from({ length: 20 }, (_, seed) => variance(outcome(synthetic(session, only(m), seed)))))
  expect(part(imaging) / (part(imaging) + part(clinical))).toBeCloseTo(0.75, 1)
})

test('interactions are products of private latents, with whole effects of which a third are 0', () => {
  // 40 of 400 products; an effect cut from (-3, 3) is 0, ±1 or ±2, each third alike: mean square 10 / 6.
  const spec = (share: number): SyntheticSpec => ({
    ...specOf(4000, [view('a', { latents: 20, share: 0 }), view('b', { latents: 20, share: 0 })]),
    interaction: { share, fraction: 0.1 },
  })
  const spreads = Array.from({ length: 12 }, (_, seed) => variance(outcome(synthetic(session, spec(1), seed))))
  expect(mean(spreads)).toBeGreaterThan(55) // 66.7, and its standard error over 12 seeds is about 3
  expect(mean(spreads)).toBeLessThan(79)
  const once = outcome(synthetic(session, spec(1), 3))
  const twice = outcome(synthetic(session, spec(2), 3))
  expect(Array.from(twice, (v, i) => Math.abs(v - 2 * once[i])).every((e) => e < 1e-9)).toBe(true)
})

test('without the cut to whole numbers the effects of interactions have the mean square of a uniform draw', () => {
  const spec = (truncated: boolean): SyntheticSpec => ({
    ...specOf(4000, [view('a', { latents: 20, share: 0 }), view('b', { latents: 20, share: 0 })]),
    interaction: { share: 1, fraction: 0.1, truncated },
  })
  const spreads = Array.from({ length: 12 }, (_, seed) => variance(outcome(synthetic(session, spec(false), seed))))
  expect(mean(spreads)).toBeGreaterThan(100) // 40 products of mean square 3, and the standard error over 12 seeds is about 5
  expect(mean(spreads)).toBeLessThan(140)
  const { truncated, ...left } = spec(true).interaction ?? {}
  expect(truncated).toBe(true)
  const unsaid = { ...spec(true), interaction: left } as SyntheticSpec
  expect(digest(synthetic(session, unsaid, 1))).toBe(digest(synthetic(session, spec(true), 1)))
})

test('without interactions nothing of the rest changes', () => {
  const plain = specOf(50, [view('a'), view('b')])
  const none = { ...plain, interaction: { share: 1, fraction: 0 } }
  expect(digest(synthetic(session, none, 2))).toBe(digest(synthetic(session, plain, 2)))
})

describe('the oracle', () => {
  const modalities = [view('scan'), view('visit', { latents: 0 }), view('lab', { latents: 2 })]
  const spec: SyntheticSpec = { ...specOf(400, modalities, { latents: 3, transform: 'linear', share: 1 }) }
  const data = synthetic(session, spec, 5)
  const views = (data.oracle ?? []).map((_, m) => columns({ ...data, modalities: data.oracle ?? [] }, m))

  test('is the latents of each modality that has any, and the shared ones with those of the last', () => {
    expect(data.oracle?.map(({ name, columns: c }) => [name, c.length])).toEqual([
      ['scan', 4],
      ['lab', 5],
    ])
  })

  test('leaves nothing of a linear outcome over, and neither view does alone', () => {
    expect(leftOver(views.flat(), outcome(data))).toBeLessThan(1e-9)
    for (const mine of views) expect(leftOver(mine, outcome(data))).toBeGreaterThan(0.1)
  })

  test('is no part of what is learned from: the fingerprint is the same without', () => {
    const { oracle, ...rest } = data
    expect(oracle).toHaveLength(2)
    expect(digest(data)).toBe(digest(rest))
  })
})
