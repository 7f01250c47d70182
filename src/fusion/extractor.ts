import { ConfigError } from '../core/errors.ts'

/**
 * How a student looks at one modality.
 * - `skip`: not at all
 * - `raw`: its prepared features as they are
 * - `pca`: its leading principal components, a frozen linear layer
 * - `mlp`: a network of the student's own, trained end to end; widths are hidden … latent, the latent layer linear
 * - `sliced`: the layers up to the latent of a network that was trained on this modality alone, the latent activated as every
 *   layer; a copy of the student's own, which learns on
 * - `frozen-sliced`: the same layers, the same for everyone, as they were trained
 */
export type Extractor =
  | { readonly kind: 'skip' }
  | { readonly kind: 'raw' }
  | { readonly kind: 'pca'; readonly components: number }
  | { readonly kind: 'mlp'; readonly widths: readonly number[] }
  | Cut

/** Some layers of a network that was trained before the students: widths are hidden … latent. */
export interface Cut {
  readonly kind: 'sliced' | 'frozen-sliced'
  readonly widths: readonly number[]
}

export const isCut = (extractor: Extractor): extractor is Cut => extractor.kind === 'sliced' || extractor.kind === 'frozen-sliced'

/** `skip`, `raw`, `pca(30)`, `mlp(128,64)`, `sliced(128,70)`: the form in names, configurations and files. */
export function extractorName(extractor: Extractor): string {
  if (extractor.kind === 'skip' || extractor.kind === 'raw') return extractor.kind
  return `${extractor.kind}(${extractor.kind === 'pca' ? extractor.components : extractor.widths.join(',')})`
}

/** What may be written, for those who wrote something else. */
export const EXTRACTORS = 'skip, raw, pca(30), mlp(128,64), sliced(128,70) or frozen-sliced(128,70)'

/** The extractor of a name. @throws ConfigError */
export function parseExtractor(text: string): Extractor {
  if (text === 'skip' || text === 'raw') return { kind: text }
  const match = /^(pca|mlp|sliced|frozen-sliced)\((\d+(?:,\d+)*)\)$/.exec(text.replaceAll(' ', ''))
  const widths = match?.[2].split(',').map(Number) ?? []
  if (match && widths.every((w) => w >= 1 && w <= 65536)) {
    const kind = match[1] as 'pca' | 'mlp' | Cut['kind']
    if (kind !== 'pca') return { kind, widths }
    if (widths.length === 1) return { kind, components: widths[0] }
  }
  throw new ConfigError(`"${text}" is no extractor: write ${EXTRACTORS}`)
}

/** How many numbers it makes of a modality with `features` prepared features. */
export function extractorWidth(extractor: Extractor, features: number): number {
  if (extractor.kind === 'skip') return 0
  if (extractor.kind === 'raw') return features
  return extractor.kind === 'pca' ? extractor.components : extractor.widths[extractor.widths.length - 1]
}

/** Whether its rows are computed once, for all students, from the prepared features. */
export const isFrozen = ({ kind }: Extractor): boolean => kind === 'pca' || kind === 'frozen-sliced'

/** The rows an extractor reads: a frozen one reads what was computed once for all rows, the others the prepared features. */
export const sourceName = (modality: number, extractor: Extractor): string =>
  `${modality}:${isFrozen(extractor) ? extractorName(extractor) : 'raw'}`

/** The rows a frozen layer of this name reads: one of several reads the layer before it. */
export function sourceBefore(modality: number, name: string): string {
  const extractor = parseExtractor(name)
  const first = extractor.kind !== 'frozen-sliced' || extractor.widths.length === 1
  return sourceName(modality, first ? { kind: 'raw' } : { ...extractor, widths: extractor.widths.slice(0, -1) })
}
