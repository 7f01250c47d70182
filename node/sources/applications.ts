// The paper's settings for its two applications. The cuts of a modality are of one network, frozen.

import type { Dataset } from '../../src/data/dataset.ts'
import { fitPreparation, preparedWidth } from '../../src/data/prepare.ts'
import type { Splits } from '../../src/data/split.ts'
import { type Extractor, extractorName, extractorWidth, isCut, parseExtractor } from '../../src/fusion/extractor.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { rowsWith } from '../../src/train/setting.ts'
import type { Application } from './study.ts'

const COMMON = {
  head: [64, 32],
  rho: [0, 0.99, 3],
  optimizer: { kind: 'adam', rate: 1e-3 },
  warmStart: 'first',
  chooseRho: 'teachers',
  unskew: false,
  clip: 0,
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
    encoders: { '*': { epochs: 20, rate: 1e-3 } },
    budget: 100,
    epochs: 15,
    batch: 64,
    validation: 0.1875,
    test: 0.25,
  },
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
  config: {
    ...rat(cuts([], lfp), cuts([], spikes)),
    encoders: { lfp: { epochs: 200, rate: 1e-4 }, spikes: { epochs: 200, rate: 1e-3 } },
  },
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

/**
 * The setting without what the training rows cannot carry: a latent wider than the features that vary in them, or more principal
 * components than features or rows. Narrower cuts keep their place without the wider ones.
 * @returns the setting, and what was left out, one sentence each
 */
export function fittingConfig(
  config: TrainConfig,
  data: Dataset,
  { train }: Pick<Splits, 'train'>,
): { config: TrainConfig; notes: string[] } {
  const rows = rowsWith(data, train)
  const notes: string[] = []
  const extractors = data.modalities.map((modality, m): [string, string[]] => {
    const features = preparedWidth(fitPreparation(modality, train))
    const given = (config.extractors?.[modality.name] ?? []).map(parseExtractor)
    const { kept, left } = fitting(given, features, Math.min(features, rows[m] - 1))
    for (const extractor of left)
      notes.push(`${extractorName(extractor)} of "${modality.name}" is left out: its training rows have too few features for it`)
    return [modality.name, kept.map(extractorName)]
  })
  const cut = new Set(extractors.flatMap(([name, kept]) => (kept.map(parseExtractor).some(isCut) ? [name, '*'] : [])))
  const encoders = Object.entries(config.encoders ?? {}).filter(([name]) => cut.has(name))
  const fit = { extractors: Object.fromEntries(extractors), encoders: Object.fromEntries(encoders) }
  return { config: { ...config, ...fit }, notes }
}

/** @param components the most that a PCA can have */
function fitting(given: readonly Extractor[], features: number, components: number): Record<'kept' | 'left', Extractor[]> {
  const left = given.filter((e) => extractorWidth(e, features) > (e.kind === 'pca' ? components : features))
  const wide = new Set(left.filter(isCut).map((e) => e.widths.length - 1))
  const narrowed = (e: Extractor): Extractor => (isCut(e) ? { ...e, widths: e.widths.filter((_, l) => !wide.has(l)) } : e)
  return { kept: given.filter((e) => !left.includes(e)).map(narrowed), left }
}
