import { describe, expect, test } from 'vitest'
import { ShapeError } from '../../src/core/errors.ts'
import { nearBest, paired, type Summary, summarize, tTwoSided } from '../../src/metrics/summary.ts'

describe('a summary', () => {
  test('has the mean, the deviation of one and the error of the mean', () => {
    // The control group of R's PlantGrowth; scipy 1.17.1: mean, std(ddof=1), stats.sem.
    const { n, mean, sd, se } = summarize([4.17, 5.58, 5.18, 6.11, 4.5, 4.61, 5.17, 4.53, 5.33, 5.14])
    expect(n).toBe(10)
    expect(mean).toBeCloseTo(5.032, 14)
    expect(sd).toBeCloseTo(0.5830913783924057, 14)
    expect(se).toBeCloseTo(0.18438968397270916, 14)
  })

  test('of equal values has no deviation, to the bit', () => {
    expect(summarize([0.1, 0.1, 0.1])).toEqual({ n: 3, mean: 0.1, sd: 0, se: 0 })
  })

  test('of large values keeps their digits', () => {
    expect(summarize(Float64Array.of(1e9 + 1, 1e9 + 2, 1e9 + 3))).toMatchObject({ mean: 1e9 + 2, sd: 1 })
  })

  test('of one value has no error, of none not even a mean', () => {
    expect(summarize([3])).toEqual({ n: 1, mean: 3, sd: Number.NaN, se: Number.NaN })
    expect(summarize([])).toEqual({ n: 0, mean: Number.NaN, sd: Number.NaN, se: Number.NaN })
  })
})

// 2 * stats.t.sf(abs(t), df) of scipy 1.17.1.
describe("Student's t", () => {
  test.each([
    [0, 5, 1],
    [1e-9, 3, 0.9999999992648948],
    [0.5, 1, 0.7048327646991335],
    [0.999, 2, 0.4230348234826726],
    [1, 1, 0.5],
    [1, 2, 0.4226497308103742],
    [1, 9, 0.3434363961379136],
    [2.5, 4, 0.06676654481198814],
    [2.5, 19, 0.02174041116839744],
    [12.706204736174698, 1, 0.05],
    [2.262157162798205, 9, 0.05],
    [-3, 8, 0.01707168123378265],
    [10, 19, 5.263026162335899e-9],
    [30, 7, 1.1788468880733144e-8],
    [1.5, 99, 0.13679681771597335],
    [2, 1000, 0.04577034649325166],
    [40, 49, 4.454656326027987e-39],
  ])('lies as far out as %d with %i degrees of freedom with the chance %d', (t, df, p) => {
    expect(tTwoSided(t, df) / p).toBeCloseTo(1, 12) // Of p itself, also in the far tail: sums of some hundred terms round a little.
  })

  test('has the same chance from both sides of where the formula changes', () => {
    for (let df = 1; df <= 40; df++) expect(tTwoSided(1 - 1e-15, df) / tTwoSided(1, df)).toBeCloseTo(1, 13)
  })

  test('of no freedom or no value is none', () => {
    expect(tTwoSided(1, 0)).toBeNaN()
    expect(tTwoSided(Number.NaN, 4)).toBeNaN()
    expect(tTwoSided(Number.POSITIVE_INFINITY, 4)).toBe(0)
  })
})

// Cushny and Peebles (1905), hours of sleep gained by ten patients with either drug: the example of Student's own paper.
const DEXTRO = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2]
const LAEVO = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

describe('a paired comparison', () => {
  test('is the t-test of R', () => {
    // R, t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p-value = 0.002833, mean difference -1.58.
    const { n, difference, se, p } = paired(DEXTRO, LAEVO)
    expect(n).toBe(10)
    expect(difference).toBeCloseTo(-1.58, 14)
    expect(difference / se).toBeCloseTo(-4.0621, 4)
    expect(p).toBeCloseTo(0.002833, 6)
  })

  test('is the t-test of scipy', () => {
    // stats.ttest_rel and stats.sem of scipy 1.17.1.
    const a = [0.73, 0.81, 0.69, 0.77, 0.84, 0.71, 0.79, 0.75]
    const { difference, se, p } = paired(a, [0.7, 0.83, 0.64, 0.76, 0.77, 0.67, 0.78, 0.69])
    expect(difference).toBeCloseTo(0.03125, 14)
    expect(se).toBeCloseTo(0.010596074070819127, 14)
    expect(p).toBeCloseTo(0.02143104612275942, 13)
  })

  test('changes its sign, and nothing else, with its sides', () => {
    const there = paired(DEXTRO, LAEVO)
    const back = paired(LAEVO, DEXTRO)
    expect(back).toEqual({ ...there, difference: -there.difference })
  })

  test('of one seed has a difference and no p', () => {
    expect(paired([2], [1])).toEqual({ n: 1, difference: 1, se: Number.NaN, p: Number.NaN, wilcoxon: 1 })
    expect(paired([], [])).toMatchObject({ n: 0, difference: Number.NaN, p: Number.NaN, wilcoxon: 1 })
  })

  test('of differences that are all zero is sure of nothing', () => {
    expect(paired([1, 2, 3], [1, 2, 3])).toEqual({ n: 3, difference: 0, se: 0, p: 1, wilcoxon: 1 })
  })

  test('of differences that are all the same is sure as far as so many signs allow', () => {
    expect(paired([2, 3, 4], [1, 2, 3])).toEqual({ n: 3, difference: 1, se: 0, p: 0, wilcoxon: 0.25 })
  })

  test('is none where a value is none', () => {
    const { difference, se, p, wilcoxon } = paired([1, Number.NaN, 3], [1, 2, 4])
    expect([difference, se, p, wilcoxon]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN])
  })

  test('wants equally many of both', () => {
    expect(() => paired([1, 2], [1])).toThrow(ShapeError)
    expect(() => paired([1, 2], [1])).toThrow('there are 2 and 1 measurements to pair: give both of every seed')
  })
})

describe('the signed-rank test', () => {
  const zeros = (n: number) => new Float64Array(n)

  test('of different sizes is that of scipy', () => {
    // stats.wilcoxon(z, method='exact') of scipy 1.17.1, on Darwin's maize (Fisher 1935).
    const maize = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    expect(paired(maize, zeros(15)).wilcoxon).toBeCloseTo(0.041259765625, 15)
  })

  test('of 50 differences is that of scipy', () => {
    // stats.wilcoxon(k, method='exact') of scipy 1.17.1.
    const k = Array.from({ length: 50 }, (_, i) => ([1, 2].includes((i + 1) ** 2 % 7) ? i + 1 : -i - 1))
    expect(paired(k, zeros(50)).wilcoxon).toBeCloseTo(0.34720687274462314, 13)
  })

  test('of ties and a zero is that of every way to set the signs', () => {
    // stats.wilcoxon(d[d != 0], method=stats.PermutationMethod(n_resamples=np.inf)) of scipy 1.17.1.
    expect(paired([15, -7, 5, 20, 0, -9, 17, -12, 5, -10], zeros(10)).wilcoxon).toBe(0.6328125)
  })
})

describe('near the best', () => {
  const of = (mean: number, se: number): Summary => ({ n: 5, mean, sd: se * Math.sqrt(5), se })

  test('is whatever lies within the standard error of the best', () => {
    const methods = [of(1.25, 9), of(1, 0.25), of(1.26, 9), of(1.1, 0)]
    expect(nearBest(methods, 'lower')).toEqual([true, true, false, true])
    expect(nearBest(methods, 'higher')).toEqual([true, true, true, true])
    expect(nearBest([of(0.9, 0.01), of(0.885, 0.1), of(0.895, 0.1)], 'higher')).toEqual([true, false, true])
  })

  test('is the best alone where its error is not known, and nothing that has no mean', () => {
    expect(nearBest([of(1, Number.NaN), of(1, 3), of(2, 3)], 'lower')).toEqual([true, true, false])
    expect(nearBest([of(Number.NaN, 1), of(2, 3)], 'lower')).toEqual([false, true])
    expect(nearBest([of(Number.NaN, 1)], 'lower')).toEqual([false])
  })
})
