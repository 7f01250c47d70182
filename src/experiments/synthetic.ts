import { type Dataset, modality } from '../data/dataset.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import { type Random, randomFrom } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'

/** How an outcome depends on a latent factor z. */
export type Transform = 'linear' | 'quadratic'

/**
 * The paper's data: latent factors, some private to a modality and some shared by all, seen through noisy random projections.
 * Per modality: features, private latents, noise ratio η, transform and the share of its latents in the outcome.
 */
export interface SyntheticSpec {
  readonly rows: number
  readonly modalities: readonly {
    readonly name: string
    readonly features: number
    readonly latents: number
    readonly noise: number
    readonly transform: Transform
    readonly share: number
  }[]
  readonly shared: { readonly latents: number; readonly transform: Transform; readonly share: number }
  /**
   * Products of one private latent of each modality: their share in the outcome, the fraction of them that count, and whether
   * their coefficients are cut to whole numbers as in the authors' generator (they are when left out), or go on as drawn.
   */
  readonly interaction?: { readonly share: number; readonly fraction: number; readonly truncated?: boolean }
}

const TRANSFORMS: Record<Transform, (z: number) => number> = { linear: (z) => z, quadratic: (z) => z * z - z }

/**
 * X = η N + (1 - η) z-score([Z, Z_shared] T), y = Σ share · τ(Z) β + share · τ(Z_shared) β + share · (Z₁ ⊗ Z₂ …) β, with Z, T, N
 * standard normal and β uniform on (-3, 3); the interactions' β are cut to whole numbers, as in the authors' generator
 * (arXiv 2507.20089), unless asked otherwise. The oracle's views are Z₁, …, and the last with the shared latents beside it. The
 * outcome has no noise of its own. Each part draws from a stream of its own; the transform with a sine, which no setting of the
 * paper uses, is left out, because a host's sine has no fixed bits.
 */
export function synthetic(session: Session<TrainKernels>, spec: SyntheticSpec, seed: number): Dataset {
  const { kernels, memory } = session
  const random = randomFrom(session, seed).fork('synthetic')
  const n = spec.rows
  const y = new Float64Array(n)
  const latents = (name: string, count: number, transform: Transform, share: number) => {
    const z = random.fork(`latents ${name}`).normal(n * count)
    const beta = random.fork(`effects ${name}`).uniform(count, -3, 3)
    for (let i = 0; i < n; i++) {
      for (let d = 0; d < count; d++) y[i] += share * TRANSFORMS[transform](z[i * count + d]) * beta[d]
    }
    return z
  }
  const { shared, interaction } = spec
  const common = latents('shared', shared.latents, shared.transform, shared.share)
  const privates: Float32Array[] = []
  const modalities = spec.modalities.map(({ name, features: p, latents: d, noise, transform, share }) => {
    const own = latents(name, d, transform, share)
    privates.push(own)
    const width = d + shared.latents
    const z = beside(own, d, common, shared.latents)
    const mark = memory.mark()
    const x = memory.alloc(4 * n * p)
    const projection = memory.put(random.fork(`projection ${name}`).normal(width * p))
    kernels.gemmNN(x, memory.put(z), projection, n, p, width, p, width, p, false)
    const mean = memory.alloc(4 * p)
    const variance = memory.alloc(4 * p)
    kernels.columnMoments(mean, variance, x, n, p, p)
    const scale = memory.put(memory.f32(variance, p).map(Math.sqrt))
    kernels.standardize(x, x, mean, scale, n, p, p, p)
    const signal = memory.f32(x, n * p).slice()
    memory.release(mark)
    const noisy = random.fork(`noise ${name}`).normal(n * p)
    return modality(
      name,
      signal.map((v, i) => noise * noisy[i] + (1 - noise) * v),
      Array.from({ length: p }, (_, j) => `${name}_${j + 1}`),
    )
  })
  if (interaction) interact(y, privates, spec, interaction, random)
  const oracle = spec.modalities.flatMap(({ name, latents: d }, m) => {
    const width = m === spec.modalities.length - 1 ? d + shared.latents : d
    const z = width > d ? beside(privates[m], d, common, shared.latents) : privates[m]
    return width > 0 ? [modality(name, z, width)] : []
  })
  const ids = Array.from({ length: n }, (_, i) => `s${String(i + 1).padStart(String(n).length, '0')}`)
  return { ids, modalities, target: { task: 'regression', outputs: ['y'], values: y }, oracle }
}

/** Two tables of as many rows, (rows, a) and (rows, b), side by side. */
function beside(left: Float32Array, a: number, right: Float32Array, b: number): Float32Array {
  const out = new Float32Array(left.length + right.length)
  for (let row = 0; row * (a + b) < out.length; row++) {
    out.set(left.subarray(row * a, (row + 1) * a), row * (a + b))
    out.set(right.subarray(row * b, (row + 1) * b), row * (a + b) + a)
  }
  return out
}

/** Adds share · (Z₁ ⊗ Z₂ …) β to y: the last modality's latent fastest, a random fraction of the products with an effect. */
function interact(
  y: Float64Array,
  latents: readonly Float32Array[],
  { modalities }: SyntheticSpec,
  { share, fraction, truncated = true }: NonNullable<SyntheticSpec['interaction']>,
  random: Random,
): void {
  const sizes = modalities.map((m) => m.latents)
  const products = sizes.reduce((a, b) => a * b, 1)
  const count = Math.floor(products * fraction)
  const chosen = random.fork('interactions').permutation(products).subarray(0, count)
  const beta = random.fork('effects interactions').uniform(count, -3, 3)
  chosen.forEach((product, k) => {
    const effect = share * (truncated ? Math.trunc(beta[k]) : beta[k])
    const place = sizes.map(() => 0)
    for (let m = sizes.length - 1, rest = product; m >= 0; m--) {
      place[m] = rest % sizes[m]
      rest = Math.floor(rest / sizes[m])
    }
    for (let i = 0; i < y.length; i++) {
      y[i] += effect * latents.reduce((z, values, m) => z * values[i * sizes[m] + place[m]], 1)
    }
  })
}
