// The paper's simulations as data (arXiv 2507.20089; sizes and hyper-parameters as in the authors' scripts). Numbered as there:
// in 1.x the modalities complete each other, which favours early fusion; in 2.x both show one shared signal, which favours late.

import type { TrainConfig } from '../train/config.ts'
import type { WarmStart } from '../train/rho.ts'
import type { SyntheticSpec, Transform } from './synthetic.ts'

/** One way to teach a screened cohort, so that ways can be compared on the same seeds. */
export interface Variant {
  readonly name: string
  readonly rho: readonly number[]
  readonly warmStart: WarmStart
  readonly teaching: NonNullable<TrainConfig['teaching']>
  /** Epochs of each ρ > 0, as a multiple of the setting's. */
  readonly lengths: number
}

export interface Experiment {
  readonly name: string
  readonly title: string
  readonly data: SyntheticSpec
  /** Everything of a run but its seed. */
  readonly config: TrainConfig
  /** What is run unless asked otherwise; the first is the one that is compared with the baselines. */
  readonly variants: readonly Variant[]
  /** Compared with, besides the independent cohort. */
  readonly baselines: readonly string[]
  /** The method that the others are compared with; `meta-fusion` when left out. */
  readonly headline?: string
  /** A ρ at which variants are compared, too, instead of only at the one each would choose. */
  readonly fixed?: number
}

/** As the authors' code: numbers as they come, Adam, PCA fitted on validation rows too. Splits 0.2 for testing, 0.2 of the rest. */
const AUTHORS: TrainConfig = {
  standardizeFeatures: false,
  standardizeTarget: false,
  unitPca: false,
  chooseRho: 'teachers',
  pcaRows: 'train+validation',
  optimizer: { kind: 'adam' },
  batch: 64,
  test: 0.2,
  validation: 0.16,
}

const variant = (name: string, more: Partial<Variant> = {}): Variant => ({
  name,
  rho: [0, 0.99, 3],
  warmStart: 'none',
  teaching: {},
  lengths: 1,
  ...more,
})

/** The authors' way: the first ρ > 0 goes on from the screened students. */
const authors = (): Variant => variant('authors', { warmStart: 'first' })

/**
 * The questions on which the defaults were decided: where a ρ > 0 starts from, with the longer training of a warm start given to
 * a cold one too; who teaches; what the divergence is normalised by. `rho` is the one at which single questions are asked.
 */
const sharingStudy = (rho: number): readonly Variant[] => [
  authors(),
  variant('cold'),
  variant('warm', { warmStart: 'all' }),
  variant('warm-weights', { warmStart: 'weights', rho: [rho] }),
  variant('cold-twice', { lengths: 2, rho: [rho] }),
  variant('best-teaches', { teaching: { teachers: 'best' }, rho: [rho] }),
  variant('others-normalised', { teaching: { normalizer: 'others' }, rho: [rho] }),
]

const BASELINES = ['early-fusion', 'late-fusion', 'late-sum', 'single', 'cooperative', 'cooperative-reference', 'oracle'] as const

type View = readonly [features: number, latents: number, noise: number, transform: Transform, share: number]

/** Two modalities, as the paper has them, or more. */
const data = (
  views: readonly View[],
  shared: SyntheticSpec['shared'],
  interaction?: SyntheticSpec['interaction'],
): SyntheticSpec => ({
  rows: 2000,
  modalities: views.map(([features, latents, noise, transform, share], m) => ({
    name: `modality-${m + 1}`,
    features,
    latents,
    noise,
    transform,
    share,
  })),
  shared,
  ...(interaction && { interaction }),
})
const nothing = { latents: 0, transform: 'linear', share: 0 } as const

/** An encoder of the student's own for each width, one hidden layer of 256. */
const encoders = (...widths: number[]): string[] => ['raw', ...widths.map((width) => `mlp(256,${width})`), 'skip']
const pca = (...components: number[]): string[] => components.map((k) => `pca(${k})`)
const by = (first: readonly string[], second: readonly string[]) => ({ 'modality-1': first, 'modality-2': second })

const LINEAR = { ...AUTHORS, extractors: by(encoders(400, 300, 200), encoders(300, 200, 100)), head: [128, 64] }
const deep = (first: readonly string[], second: readonly string[]): TrainConfig => ({
  ...AUTHORS,
  extractors: by([...first, 'skip'], [...second, 'skip']),
  head: [300, 200, 100],
  epochs: 30,
})
const EARLY = deep(pca(80, 70, 60, 50), pca(90, 80, 70, 60))
const LATE = deep(pca(120, 100, 80, 60), pca(120, 100, 80, 60))

const complementary = (noise: number) =>
  data(
    [
      [2000, 20, noise, 'quadratic', 1],
      [100, 20, 0.1, 'linear', 1],
    ],
    nothing,
    { share: 1, fraction: 0.1 },
  )
const redundant = (noise: number) =>
  data(
    [
      [2000, 50, noise, 'linear', 0],
      [400, 30, 0.3, 'linear', 0],
    ],
    { latents: 20, transform: 'quadratic', share: 1 },
  )

const standard = { variants: [authors()], baselines: BASELINES }
const negative = {
  data: redundant(0.3),
  // The paper tries 1, 3 and 5 too; every ρ is trained on its own, so 10 is the same without them.
  variants: [
    variant('adaptive', { rho: [0, 10] }),
    variant('adversarial', { rho: [10], teaching: { teachers: 'worst-cluster' } }),
  ],
  baselines: [],
  fixed: 10,
  headline: 'adaptive@10/cohort-mean',
}

const LIST: readonly Experiment[] = [
  {
    name: '1.1',
    title: 'complementary, linear',
    data: data(
      [
        [500, 20, 0.4, 'linear', 1],
        [400, 30, 0.4, 'linear', 1],
      ],
      nothing,
    ),
    config: { ...LINEAR, epochs: 10 },
    ...standard,
  },
  { name: '1.2', title: 'complementary, quadratic, little noise', data: complementary(0.1), config: EARLY, ...standard },
  { name: '1.3', title: 'complementary, quadratic, much noise', data: complementary(0.5), config: EARLY, ...standard },
  {
    name: '2.1',
    title: 'redundant, linear',
    data: data(
      [
        [500, 50, 0.4, 'linear', 0],
        [400, 30, 0.4, 'linear', 0],
      ],
      { latents: 20, transform: 'linear', share: 1 },
    ),
    config: { ...LINEAR, epochs: 30 },
    ...standard,
  },
  { name: '2.2', title: 'redundant, quadratic, equal noise', data: redundant(0.3), config: LATE, ...standard },
  { name: '2.3', title: 'redundant, quadratic, one noisy modality', data: redundant(0.5), config: LATE, ...standard },
  { name: 'negative-small', title: 'negative learning, 7 students', config: deep(pca(80, 60, 50), pca(60)), ...negative },
  {
    name: 'negative-large',
    title: 'negative learning, 19 students',
    config: deep(pca(100, 80, 60, 50), pca(100, 80, 60)),
    ...negative,
  },
  {
    name: 'four-modalities',
    title: 'four complementary modalities',
    data: data(
      [
        [300, 20, 0.5, 'quadratic', 1],
        [200, 20, 0.1, 'linear', 1],
        [100, 10, 0.2, 'linear', 1],
        [50, 10, 0.1, 'linear', 1],
      ],
      nothing,
    ),
    config: {
      ...AUTHORS,
      extractors: { 'modality-1': pca(50, 30), 'modality-2': pca(80, 50, 30), 'modality-3': pca(30), 'modality-4': pca(20) },
      head: [300, 200, 100],
      epochs: 10,
    },
    variants: [authors()],
    baselines: ['early-fusion', 'late-fusion', 'late-sum', 'single', 'oracle'],
  },
]

/** `1.1-sharing` and so on: the variants compared with each other, without the baselines. */
const study = ({ name, title, ...of }: Experiment, rho: number): Experiment => ({
  ...of,
  name: `${name}-sharing`,
  title: `${title}: ways to start and to teach`,
  variants: sharingStudy(rho),
  baselines: [],
  fixed: rho,
})

/** The paper's simulations and the studies on some of them, by name. */
export const EXPERIMENTS: ReadonlyMap<string, Experiment> = new Map(
  [...LIST, study(LIST[0], 3), study(LIST[1], 0.99), study(LIST[4], 0.99)].map((experiment) => [experiment.name, experiment]),
)
