import { type Dataset, modality } from '../data/dataset.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import { randomFrom } from '../wasm/random.ts'
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
}

const TRANSFORMS: Record<Transform, (z: number) => number> = { linear: (z) => z, quadratic: (z) => z * z - z }

/**
 * X = η N + (1 - η) z-score([Z, Z_shared] T), y = Σ share · τ(Z) β + share · τ(Z_shared) β, with Z, T, N standard normal and
 * β uniform on (-3, 3). The outcome has no noise of its own. Source: arXiv 2507.20089, the authors' generator, with streams of
 * its own for each part instead of one.
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
  const { shared } = spec
  const common = latents('shared', shared.latents, shared.transform, shared.share)
  const modalities = spec.modalities.map(({ name, features: p, latents: d, noise, transform, share }) => {
    const own = latents(name, d, transform, share)
    const width = d + shared.latents
    const z = new Float32Array(n * width)
    for (let i = 0; i < n; i++) {
      z.set(own.subarray(i * d, (i + 1) * d), i * width)
      z.set(common.subarray(i * shared.latents, (i + 1) * shared.latents), i * width + d)
    }
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
  const ids = Array.from({ length: n }, (_, i) => `s${String(i + 1).padStart(String(n).length, '0')}`)
  return { ids, modalities, target: { task: 'regression', outputs: ['y'], values: y } }
}
