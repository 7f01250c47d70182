import { ConfigError } from '../core/errors.ts'

/**
 * How a student looks at one modality.
 * - `skip`: not at all
 * - `raw`: its prepared features as they are
 * - `pca`: its leading principal components, a frozen linear layer
 * - `mlp`: a network of the student's own, trained end to end; widths are hidden … latent, the latent layer linear
 */
export type Extractor =
  | { readonly kind: 'skip' }
  | { readonly kind: 'raw' }
  | { readonly kind: 'pca'; readonly components: number }
  | { readonly kind: 'mlp'; readonly widths: readonly number[] }

/** `skip`, `raw`, `pca(30)`, `mlp(128,64)`: the form in names, configurations and files. */
export function extractorName(extractor: Extractor): string {
  if (extractor.kind === 'pca') return `pca(${extractor.components})`
  if (extractor.kind === 'mlp') return `mlp(${extractor.widths.join(',')})`
  return extractor.kind
}

/** The extractor of a name. @throws ConfigError */
export function parseExtractor(text: string): Extractor {
  if (text === 'skip' || text === 'raw') return { kind: text }
  const match = /^(pca|mlp)\((\d+(?:,\d+)*)\)$/.exec(text.replaceAll(' ', ''))
  const widths = match?.[2].split(',').map(Number) ?? []
  if (match && widths.every((w) => w >= 1 && w <= 65536)) {
    if (match[1] === 'mlp') return { kind: 'mlp', widths }
    if (widths.length === 1) return { kind: 'pca', components: widths[0] }
  }
  throw new ConfigError(`"${text}" is no extractor: write skip, raw, pca(30) or mlp(128,64)`)
}

/** How many numbers it makes of a modality with `features` prepared features. */
export function extractorWidth(extractor: Extractor, features: number): number {
  if (extractor.kind === 'skip') return 0
  if (extractor.kind === 'raw') return features
  return extractor.kind === 'pca' ? extractor.components : extractor.widths[extractor.widths.length - 1]
}

/** The rows an extractor reads: a frozen one reads what was computed once for all rows, the others the prepared features. */
export const sourceName = (modality: number, extractor: Extractor): string =>
  `${modality}:${extractor.kind === 'pca' ? extractorName(extractor) : 'raw'}`
