// Results of many seeds side by side, as the paper prints them.

import { nearBest, paired, summarize } from '../metrics/summary.ts'

/** What a repetition measured, by method. */
export type Scores = Readonly<Record<string, number>>

/** A method over the seeds. `values` are in the order of the seeds. */
export interface MethodSummary {
  readonly name: string
  readonly mean: number
  /** Standard error of the mean over seeds; null of fewer than two. */
  readonly se: number | null
  readonly n: number
  readonly values: readonly number[]
  /** Within one standard error of the best method; never said of an oracle or of the best student in hindsight: nobody has those. */
  readonly bold: boolean
}

/** Headline method minus another, on the same seeds. */
export interface PairedSummary {
  readonly against: string
  readonly difference: number
  readonly se: number | null
  /** Two-sided p-values of the paired t-test and of the signed-rank test; null of fewer than two seeds. */
  readonly p: number | null
  readonly wilcoxon: number | null
}

export interface Table {
  readonly methods: readonly MethodSummary[]
  readonly paired: readonly PairedSummary[]
}

/** Whether a method knows what nobody has: the factors behind the data, or which student will do best. */
export const isOracle = (name: string): boolean => name.startsWith('oracle') || name.endsWith('cohort-best')
const known = (value: number): number | null => (Number.isFinite(value) ? value : null)

/**
 * @param seeds the scores of every seed, in the same order for all; only methods that every seed has are compared
 * @param headline the method that the others are compared with
 * @param better whether low or high scores are good
 */
export function tableOf(seeds: readonly Scores[], headline: string, better: 'lower' | 'higher'): Table {
  const names = Object.keys(seeds[0] ?? {}).filter((name) => seeds.every((scores) => Number.isFinite(scores[name])))
  const values = new Map(names.map((name) => [name, seeds.map((scores) => scores[name])]))
  const summaries = names.map((name) => summarize(values.get(name) as number[]))
  const fair = nearBest(
    summaries.map((s, i) => (isOracle(names[i]) ? { ...s, mean: Number.NaN } : s)),
    better,
  )
  const mine = values.get(headline)
  return {
    methods: names.map((name, i) => ({
      name,
      mean: summaries[i].mean,
      se: known(summaries[i].se),
      n: summaries[i].n,
      values: values.get(name) as number[],
      bold: fair[i],
    })),
    paired: names
      .filter((name) => mine && name !== headline)
      .map((name) => {
        const { difference, se, p, wilcoxon } = paired(mine as number[], values.get(name) as number[])
        return { against: name, difference, se: known(se), p: known(p), wilcoxon: seeds.length < 2 ? null : known(wilcoxon) }
      }),
  }
}

/** `5.04 (0.48)` with the decimals asked for; the standard error is left out where there is none. */
export const meanText = ({ mean, se }: Pick<MethodSummary, 'mean' | 'se'>, decimals: number): string =>
  `${mean.toFixed(decimals)}${se === null ? '' : ` (${se.toFixed(decimals)})`}`

/** A table in Markdown: mean (SE), bold within one standard error of the best, and how far the headline method is from each. */
export function markdown({ methods, paired: differences }: Table, headline: string, decimals: number): string {
  const against = new Map(differences.map((d) => [d.against, d]))
  const signed = (v: number) => `${v < 0 ? '−' : '+'}${Math.abs(v).toFixed(decimals)}`
  const rows = methods.map((method) => {
    const text = meanText(method, decimals)
    const d = against.get(method.name)
    const difference = d ? `${signed(d.difference)}${d.se === null ? '' : ` ± ${d.se.toFixed(decimals)}`}` : ''
    return `| ${method.name} | ${method.bold ? `**${text}**` : text} | ${difference} | ${d?.p == null ? '' : pText(d.p)} |`
  })
  const n = methods[0]?.n ?? 0
  return [
    `| method | mean (SE) of ${n} seed${n === 1 ? '' : 's'} | ${headline} minus it | p |`,
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** A p-value with two digits. */
export const pText = (p: number): string => (p >= 0.001 ? p.toFixed(3) : p < 1e-9 ? '< 1e-9' : p.toExponential(0))
