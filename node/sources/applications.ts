// The paper's settings for its two applications. A sliced extractor is cut from one network per modality, which is trained on
// the task before: `sliced(128,70)` up to its layer of width 70, frozen where the name says so.

import type { TrainConfig } from '../../src/train/config.ts'
import type { Application } from './study.ts'

const COMMON = {
  head: [64, 32],
  rho: [0, 0.99, 3],
  optimizer: { kind: 'adam', rate: 1e-3 },
} as const satisfies TrainConfig

/** Every cut of a frozen encoder: hidden widths, then latent widths from large to small. */
const cuts = (hidden: readonly number[], latents: readonly number[]): string[] =>
  latents.map((_, k) => `frozen-sliced(${[...hidden, ...latents.slice(0, k + 1)].join(',')})`)

/** Alzheimer's disease: 100 students; behavior and clinical are always looked at. Test 0.25, validation 0.25 of the rest. */
export const NACC: Application = {
  config: {
    ...COMMON,
    extractors: {
      profile: ['raw', ...cuts([128], [70, 50, 30]), 'skip'],
      behavior: ['raw', ...cuts([64], [30])],
      clinical: ['raw', ...cuts([64], [20])],
      mri: ['raw', ...cuts([128], [90, 60, 30]), 'skip'],
    },
    budget: 100,
    epochs: 15,
    batch: 64,
    validation: 0.1875,
    test: 0.25,
  },
  encoder: { epochs: 20, rate: { profile: 1e-3, behavior: 1e-3, clinical: 1e-3, mri: 1e-3 } },
}

/** Odours from the hippocampus: 0.65 of the trials are for training. */
export const TRIAL_SHARES = { validation: 0.25, test: 0.1 }

const rat = (lfp: readonly string[], spikes: readonly string[]): TrainConfig => ({
  ...COMMON,
  extractors: { lfp: ['raw', ...lfp, 'skip'], spikes: ['raw', ...spikes, 'skip'] },
  budget: 29,
  epochs: 200,
  batch: 16,
  ...TRIAL_SHARES,
})

const encoded = (lfp: readonly number[], spikes: readonly number[]): Application => ({
  config: rat(cuts([], lfp), cuts([], spikes)),
  encoder: { epochs: 200, rate: { lfp: 1e-4, spikes: 1e-3 } },
})

const pca = (widths: readonly number[]): string[] => widths.map((width) => `pca(${width})`)

/** The five rats; 29 students with encoders, 23 with PCA. */
export const RATS: Readonly<Record<string, Application>> = {
  barat: encoded([300, 250, 200], [40, 30, 20, 15]),
  buchanan: encoded([250, 200, 150], [38, 35, 30, 25]),
  mitt: { config: rat(pca([100]), pca([70, 65, 60, 55, 50, 45])) },
  stella: encoded([300, 250, 200], [20, 15, 10, 5]),
  superchris: { config: rat(pca([100]), pca([39, 36, 33, 30, 27, 24])) },
}
