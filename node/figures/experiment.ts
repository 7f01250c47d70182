// What a run over seeds shows: every method, and every student of the cohorts over the dimensions that it looks at.

import type { SeedResult, VariantResult } from '../../src/experiments/run.ts'
import type { Experiment } from '../../src/experiments/settings.ts'
import { isOracle, type MethodSummary } from '../../src/experiments/table.ts'
import { parseExtractor } from '../../src/fusion/extractor.ts'
import { studentName } from '../../src/fusion/student.ts'
import { barChart } from './bar-chart.ts'
import { type HeatMapSpec, heatMap } from './heat-map.ts'

/** What the numbers are called, and how they are printed. */
export interface Labels {
  readonly title: string
  readonly measure: string
  readonly decimals: number
}

/** Bars of all methods, as an SVG document; those that nobody has are marked. @throws ConfigError when Vega is not installed */
export const methodsFigure = ({ title, measure, decimals }: Labels, methods: readonly MethodSummary[]): Promise<string> =>
  barChart({
    title,
    valueTitle: `${measure}, mean ± SE over seeds`,
    bars: methods.map(({ name, mean, se }) => ({ name, value: mean, se: se ?? undefined, marked: isOracle(name) })),
    digits: decimals,
  })

type Panel = HeatMapSpec['panels'][number]

/**
 * Heat maps of the test error of each student, mean over seeds, as an SVG document: before and after sharing; at the experiment's
 * fixed ρ all variants.
 * @returns nothing of other than two modalities, or without seeds
 * @throws ConfigError when Vega is not installed
 */
export async function studentsFigure(
  { title, measure, decimals }: Labels,
  { data, config, fixed }: Experiment,
  results: readonly SeedResult[],
): Promise<string | undefined> {
  const modalities = data.modalities.map(({ name }) => name)
  const lists = modalities.map((name) => config.extractors?.[name] ?? [])
  if (modalities.length !== 2 || results.length === 0) return undefined
  const { students } = results[0]
  const panel = (title: string, variant: number, rho: (of: VariantResult) => number): Panel => {
    const seeds = results.map(({ variants }) => {
      const of = variants[variant]
      return of.cohorts.find((cohort) => cohort.rho === rho(of))?.students ?? []
    })
    const at = (one: string, other: string) => {
      const extractors = [one, other].map(parseExtractor)
      const i = students.indexOf(studentName({ extractors, hidden: [1], activation: 'relu', outputs: 1 }, modalities))
      return mean(seeds.map((errors) => errors[i]))
    }
    return { title, values: lists[0].map((one) => lists[1].map((other) => at(one, other))) }
  }
  const independent = panel('independent (ρ = 0)', 0, () => 0)
  const shared =
    fixed === undefined
      ? [panel('shared (ρ chosen)', 0, ({ rho }) => rho)]
      : results[0].variants.map(({ name }, v) => panel(`${name} (ρ = ${fixed})`, v, () => fixed))
  return heatMap({
    title: `${title}: each student`,
    valueTitle: measure,
    rows: { title: modalities[0], names: lists[0] },
    columns: { title: modalities[1], names: lists[1] },
    panels: fixed === undefined ? [independent, ...shared] : [shared[0], independent, ...shared.slice(1)],
    digits: decimals,
  })
}

/** Of numbers that are all there: what is not finite is null once it has been stored. */
const mean = (values: readonly (number | null | undefined)[]): number | null =>
  values.every((v): v is number => Number.isFinite(v)) ? values.reduce((sum, v) => sum + v, 0) / values.length : null
