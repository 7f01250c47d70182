// The generator beside the authors' own (20 seeds of theirs, by their code), on the paper's six settings. Both draw from streams of
// their own, so means over seeds are compared: with the authors' standard deviation s between seeds and n seeds of ours, a mean is off
// by |ours - theirs| / (s √(1/20 + 1/n)) joint standard errors. Seeds 1 … 20 for what concerns the outcome, 1, 2, 3 for the features.
// With s from 20 seeds, one comparison in 17 lies beyond 2 and one in 140 beyond 3 by chance alone. The rule for all 60 or so: at most
// a tenth beyond 2, at most one beyond 3, none beyond 4. The largest eigenvalue behind the signal is compared at 100 features only: at
// more, the authors' numbers are of a randomised decomposition, which falls short there.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Dataset, Modality } from '../../src/data/dataset.ts'
import { EXPERIMENTS, type Experiment } from '../../src/experiments/settings.ts'
import { type SyntheticSpec, synthetic } from '../../src/experiments/synthetic.ts'
import { project } from '../../src/fusion/projection.ts'
import { fitPca, pcaLayer } from '../../src/train/pca.ts'
import type { Pointer } from '../../src/wasm/memory.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { finish } from '../finish.ts'
import { trainSession } from '../kernels/kernels.ts'

interface Statistic {
  readonly mean: number
  readonly sd: number
}
const golden: { seeds: number; settings: Record<string, Record<string, Statistic>> } = JSON.parse(
  readFileSync(new URL('../golden/generator_stats.json', import.meta.url), 'utf8'),
)
/** What one seed measures, by the authors' names. */
type Measured = Record<string, number>
type Columns = readonly ArrayLike<number>[]

const session = trainSession()
const { kernels, memory } = session
const ROWS = 2000
const FITTED = 1600
const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const specOf = (name: string): SyntheticSpec => (EXPERIMENTS.get(name) as Experiment).data

const columnsOf = ({ columns }: Modality): Columns =>
  columns.map((column) => {
    if (column.kind !== 'number') throw new Error('features are numbers')
    return column.values
  })
const outcome = ({ target }: Dataset): Float64Array => {
  if (target.task !== 'regression') throw new Error('the outcome is a number')
  return Float64Array.from(target.values)
}
const mean = (x: ArrayLike<number>): number => moment(x, 1, 0)
/** The k-th moment about a value: the mean, unless another is given. */
function moment(x: ArrayLike<number>, k: number, about: number = mean(x)): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) {
    let power = x[i] - about
    for (let factor = 1; factor < k; factor++) power *= x[i] - about
    sum += power
  }
  return sum / x.length
}

/** R² on the last rows of least squares on the first ones, by the normal equations. */
function explained(columns: Columns, y: ArrayLike<number>): number {
  const design = [Float64Array.from({ length: ROWS }, () => 1), ...columns.map((c) => Float64Array.from(c))]
  const inner = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0
    for (let i = 0; i < FITTED; i++) sum += a[i] * b[i]
    return sum
  }
  const system = design.map((a, p) => Float64Array.from([...design.map((b, q) => (q < p ? 0 : inner(a, b))), inner(a, y)]))
  const D = design.length
  // The matrix is symmetric and positive: elimination needs no pivots, and the lower half is known by the upper.
  for (let p = 0; p < D; p++) {
    for (let q = p + 1; q < D; q++) {
      const factor = system[p][q] / system[p][p]
      for (let r = q; r <= D; r++) system[q][r] -= factor * system[p][r]
    }
  }
  const slope = new Float64Array(D)
  for (let p = D - 1; p >= 0; p--) {
    let rest = system[p][D]
    for (let q = p + 1; q < D; q++) rest -= system[p][q] * slope[q]
    slope[p] = rest / system[p][p]
  }
  const test = Array.from(y).slice(FITTED)
  const left = test.map((v, i) => v - design.reduce((sum, c, p) => sum + slope[p] * c[FITTED + i], 0))
  return 1 - mean(left.map((e) => e * e)) / moment(test, 2)
}

const squares = (columns: Columns): Columns => columns.map((c) => Array.from(c, (v) => v * v))
const products = ([first, second]: readonly Columns[]): Columns =>
  first.flatMap((a) => second.map((b) => Array.from(a, (v, i) => v * b[i])))

const latentsOf = ({ oracle = [] }: Dataset): Columns[] => oracle.map(columnsOf)

/** Features have streams of their own, so the outcome is the same beside one of each modality. */
const bare = (spec: SyntheticSpec): SyntheticSpec => ({
  ...spec,
  modalities: spec.modalities.map((m) => ({ ...m, features: 1 })),
})

/** The variance of the outcome through one part alone: a modality's private latents, or behind the last modality the interactions. */
function partOf(spec: SyntheticSpec, seed: number, part: number): number {
  const { modalities, interaction, ...rest } = bare(spec)
  const share = (of: number, i: number) => (i === part ? of : 0)
  const only = {
    ...rest,
    modalities: modalities.map((view, m) => ({ ...view, share: share(view.share, m) })),
    ...(interaction && { interaction: { ...interaction, share: share(interaction.share, modalities.length) } }),
  }
  return moment(outcome(synthetic(session, only, seed)), 2)
}

function ofOutcome(spec: SyntheticSpec, seed: number): Measured {
  const data = synthetic(session, bare(spec), seed)
  const y = outcome(data)
  const variance = moment(y, 2)
  const linear = latentsOf(data).flat()
  return {
    y_mean: mean(y),
    y_var: variance,
    y_skew: moment(y, 3) / variance ** 1.5,
    y_excess_kurtosis: moment(y, 4) / variance ** 2 - 3,
    R2_oracle_linear_test: explained(linear, y),
    // Where all is linear, squares have nothing to add.
    ...((spec.interaction || spec.shared.transform === 'quadratic') && {
      R2_oracle_linear_plus_squares_test: explained([...linear, ...squares(linear)], y),
    }),
    // In 2.x the shared latents are all of the outcome.
    ...(spec.shared.share === 0 && {
      var_component_mod1: partOf(spec, seed, 0),
      var_component_mod2: partOf(spec, seed, 1),
    }),
    ...(spec.interaction && { var_component_interaction: partOf(spec, seed, 2) }),
  }
}

/** Row-major in the session. */
function put(columns: Columns): Pointer {
  const D = columns.length
  const x = new Float32Array(ROWS * D)
  columns.forEach((column, j) => {
    for (let i = 0; i < ROWS; i++) x[i * D + j] = column[i]
  })
  return memory.put(x)
}

/** Vectors (count, width) made orthonormal, one against all before it. */
function orthonormal(vectors: Float32Array, width: number): Float32Array {
  const out = Float64Array.from(vectors)
  const inner = (a: number, b: number) => {
    let sum = 0
    for (let j = 0; j < width; j++) sum += out[a + j] * out[b + j]
    return sum
  }
  for (let v = 0; v < out.length; v += width) {
    for (let before = 0; before < v; before += width) {
      const along = inner(before, v)
      for (let j = 0; j < width; j++) out[v + j] -= along * out[before + j]
    }
    const length = Math.sqrt(inner(v, v))
    for (let j = 0; j < width; j++) out[v + j] /= length
  }
  return Float32Array.from(out)
}

const ALL = Int32Array.from({ length: ROWS }, (_, i) => i)

/**
 * The leading variances, at least `rank`, and the scores (ROWS, rank) on the first components. All eigenvectors of many features
 * would take minutes: there the space of the first ones, and of some more, is found by powers of the covariance.
 */
function principal(x: Pointer, D: number, rank: number): { variance: Float64Array; scores: Pointer } {
  const width = rank + 20
  if (D <= Math.max(100, width)) {
    const pca = finish(fitPca(session, { at: x, width: D }, ALL, D))
    const kept = { ...pca, components: pca.components.slice(0, rank * D), variance: pca.variance.slice(0, rank) }
    return { variance: pca.variance, scores: project(session, { at: x, width: D }, pcaLayer(kept, 0, 'pca', false), ROWS).at }
  }
  const [seen, turned] = [memory.alloc(4 * ROWS * width), memory.alloc(4 * width * D)]
  let basis = orthonormal(randomFrom(session, 1).normal(width * D), D)
  const see = () => kernels.gemmNT(seen, x, memory.put(basis), ROWS, width, D, width, D, D, false)
  for (let power = 0; power < 3; power++) {
    see()
    kernels.gemmTN(turned, seen, x, width, D, ROWS, D, width, D, false)
    basis = orthonormal(memory.f32(turned, width * D), D)
  }
  see()
  return principal(seen, width, rank)
}

/** The squared correlations between two sets of scores, each uncorrelated and centred, summed. */
function correlation(a: Pointer, p: number, b: Pointer, q: number): number {
  const at = memory.alloc(4 * p * q)
  kernels.gemmTN(at, a, b, p, q, ROWS, q, p, q, false)
  const lengths = (from: Pointer, width: number) => {
    const sums = new Float64Array(width)
    memory.f32(from, ROWS * width).forEach((v, i) => {
      sums[i % width] += v * v
    })
    return sums
  }
  const [first, second] = [lengths(a, p), lengths(b, q)]
  return memory.f32(at, p * q).reduce((sum, v, i) => sum + (v * v) / (first[Math.floor(i / q)] * second[i % q]), 0)
}

function ofFeatures(spec: SyntheticSpec, seed: number): Measured {
  const mark = memory.mark()
  const { modalities } = synthetic(session, spec, seed)
  const ranks = spec.modalities.map(({ latents }) => latents + spec.shared.latents)
  const measured: Measured = {}
  const scores = modalities.map((modality, m) => {
    const columns = columnsOf(modality)
    const variances = columns.map((c) => moment(c, 2))
    const { variance, scores: at } = principal(put(columns), columns.length, ranks[m])
    const total = (mean(variances) * columns.length * ROWS) / (ROWS - 1)
    measured[`x${m + 1}_var_mean`] = mean(variances)
    measured[`x${m + 1}_var_sd_over_columns`] = Math.sqrt(moment(variances, 2))
    measured[`x${m + 1}_share_top_r`] = variance.subarray(0, ranks[m]).reduce((a, b) => a + b, 0) / total
    measured[`x${m + 1}_eig_r`] = variance[ranks[m] - 1]
    if (columns.length <= 100) measured[`x${m + 1}_eig_r_plus_1`] = variance[ranks[m]]
    return at
  })
  measured.cross_corr_fro2 = correlation(scores[0], ranks[0], scores[1], ranks[1])
  memory.release(mark)
  return measured
}

interface Compared {
  readonly what: string
  readonly ours: number
  readonly theirs: number
  /** Joint standard errors. */
  readonly off: number
}

/** The means of what every seed measured beside the authors', but for what cannot vary. */
function compare(name: string, measured: readonly Measured[], skip: (what: string) => boolean = () => false): Compared[] {
  return Object.keys(measured[0]).flatMap((what) => {
    const { mean: theirs, sd } = golden.settings[name][what]
    if (sd < 1e-9 || skip(what)) return []
    const ours = mean(measured.map((m) => m[what]))
    const off = Math.abs(ours - theirs) / (sd * Math.sqrt(1 / golden.seeds + 1 / measured.length))
    return [{ what: `${name} ${what}`, ours, theirs, off }]
  })
}

// 1.3 is 1.2 and 2.3 is 2.2 with another noise in the first modality: the outcome and the second modality are the same numbers.
const OUTCOMES = ['1.1', '1.2', '2.1', '2.2']
const FEATURES = ['1.1', '1.2', '1.3', '2.1', '2.2', '2.3']
const TWINS = ['1.3', '2.3']

const outcomes = new Map<string, Measured[]>()
let compared: Compared[]

beforeAll(() => {
  compared = [
    ...OUTCOMES.flatMap((name) => {
      const measured = seeds(20).map((seed) => ofOutcome(specOf(name), seed))
      outcomes.set(name, measured)
      return compare(name, measured)
    }),
    ...FEATURES.flatMap((name) => {
      const measured = seeds(3).map((seed) => ofFeatures(specOf(name), seed))
      return compare(name, measured, (what) => what.startsWith('x2_') && TWINS.includes(name))
    }),
  ]
}, 120_000)

/** What lies beyond so many joint standard errors, with its numbers. */
const beyond = (errors: number) => compared.filter(({ off }) => off > errors)

describe('the authors’ generator', () => {
  test('is met by every mean over seeds', () => {
    expect(compared.length).toBeGreaterThan(60)
    expect(beyond(4)).toEqual([])
    expect(beyond(3).length).toBeLessThanOrEqual(1)
    expect(beyond(2).length).toBeLessThanOrEqual(compared.length / 10)
  })

  test('knows a wrong generator: with another noise ratio, or another share, the rule would not hold', () => {
    const noisier = { ...specOf('1.2') }
    const [first, second] = noisier.modalities
    const wrong = {
      ...noisier,
      modalities: [
        { ...first, noise: 0.12 },
        { ...second, share: 0.5 },
      ],
    }
    const features = compare('1.2', [ofFeatures(wrong, 1)])
    const parts = compare(
      '1.2',
      seeds(4).map((seed) => ofOutcome(wrong, seed)),
    )
    const off = (list: Compared[], what: string) => list.find((c) => c.what === `1.2 ${what}`)?.off
    expect(off(features, 'x1_var_mean')).toBeGreaterThan(4)
    expect(off(features, 'x1_share_top_r')).toBeGreaterThan(4)
    expect(off(parts, 'var_component_mod2')).toBeGreaterThan(4)
  })
})

test.each([
  ['1.1', 'R2_oracle_linear_test'],
  ['2.1', 'R2_oracle_linear_test'],
  ['2.2', 'R2_oracle_linear_plus_squares_test'],
])('%s: %s is 1 in every seed, theirs and ours', (name, what) => {
  expect(golden.settings[name][what]).toEqual({ mean: 1, sd: 0 })
  for (const measured of outcomes.get(name) ?? []) expect(measured[what]).toBeCloseTo(1, 9)
})

test('1.2: latents, their squares and the products of two say all of the outcome', () => {
  expect(golden.settings['1.2'].R2_oracle_linear_squares_interactions_test.mean).toBe(1)
  const data = synthetic(session, bare(specOf('1.2')), 1)
  const latents = latentsOf(data)
  expect(explained([...latents.flat(), ...squares(latents.flat()), ...products(latents)], outcome(data))).toBeCloseTo(1, 9)
})

test('a twin differs in the noise of its first modality alone', () => {
  for (const [name, twin] of [
    ['1.2', '1.3'],
    ['2.2', '2.3'],
  ]) {
    for (const what of Object.keys(golden.settings[name]).filter((w) => !w.startsWith('x1_') && w !== 'cross_corr_fro2')) {
      expect(golden.settings[twin][what]).toEqual(golden.settings[name][what])
    }
    const [one, two] = [name, twin].map((of) => specOf(of))
    expect(two.modalities.map((m, i) => ({ ...m, noise: one.modalities[i].noise }))).toEqual(one.modalities)
    expect(two.modalities[1]).toEqual(one.modalities[1])
    expect({ ...two, modalities: [] }).toEqual({ ...one, modalities: [] })
  }
})

test('the theory of the features: η² + (1 - η)²', () => {
  for (const name of FEATURES) {
    specOf(name).modalities.forEach(({ noise }, m) => {
      const { mean: theirs, sd } = golden.settings[name][`x${m + 1}_var_mean`]
      expect(Math.abs(theirs - (noise ** 2 + (1 - noise) ** 2))).toBeLessThan((3 * sd) / Math.sqrt(golden.seeds))
    })
  }
})
