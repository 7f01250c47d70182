// An evaluation for people, as lines.

import type { DecisionPoint, ThresholdMetrics } from '../src/metrics/roc.ts'
import type { MethodResult } from '../src/recipe/recipe.ts'
import type { Duel, Intervals, Subgroup } from './evaluation.ts'
import { COLUMNS, digits, table } from './report.ts'
import { counted } from './sentences.ts'

/** What was asked for besides the scores. */
export interface More {
  readonly intervals?: { readonly level: number; readonly scores: Intervals }
  readonly by?: { readonly column: string; readonly level: number; readonly groups: readonly Subgroup[] }
  readonly threshold?: ThresholdMetrics & { readonly positive: string }
  /** The class whom to treat is about, and the curve. */
  readonly positive?: string
  readonly decisionCurve?: readonly DecisionPoint[]
  readonly comparison?: Duel & { readonly model: string; readonly level: number }
}

/** A score with its interval. */
const between = (value: number | undefined, interval: { low: number; high: number } | undefined): string =>
  value === undefined || !interval ? '-' : `${digits(value)} (${digits(interval.low)} to ${digits(interval.high)})`

const percent = (level: number): string => `${+(100 * level).toFixed(4)} %`
const share = (v: number): string => (Number.isNaN(v) ? '-' : v.toFixed(3))

export function evaluationLines({ name, test }: MethodResult, more: More): string[] {
  const scores = (test ?? {}) as Record<string, number>
  const columns = COLUMNS.filter(([key]) => key in scores)
  const { intervals, by, threshold, positive, decisionCurve, comparison } = more
  const lines: string[] = []
  if (intervals) {
    lines.push('', `${name}, with ${percent(intervals.level)} bootstrap intervals:`)
    lines.push(...table(columns.map(([key, title]) => [title, between(scores[key], intervals.scores[key])])))
  }
  if (by) {
    lines.push('', `by ${by.column}, with ${percent(by.level)} bootstrap intervals:`)
    const shown = columns.filter(([key]) => ['accuracy', 'auc', 'mse', 'r2'].includes(key))
    const rows = by.groups.map(({ name: group, rows, test: own, intervals: mine }) => [
      group,
      String(rows),
      ...shown.map(([key]) => between((own as Record<string, number> | undefined)?.[key], mine[key])),
    ])
    lines.push(...table([[by.column, 'rows', ...shown.map(([, title]) => title)], ...rows]))
  }
  if (threshold) {
    const { tp, fp, fn, tn } = threshold.counts
    lines.push('', `"${threshold.positive}" from a probability of ${threshold.threshold} up:`)
    lines.push(
      ...table([
        ['sensitivity', `${share(threshold.sensitivity)} (${tp} of ${tp + fn})`],
        ['specificity', `${share(threshold.specificity)} (${tn} of ${tn + fp})`],
        ['positive predictive value', `${share(threshold.ppv)} (${tp} of ${tp + fp})`],
        ['negative predictive value', `${share(threshold.npv)} (${tn} of ${tn + fn})`],
      ]),
    )
  }
  if (decisionCurve) {
    lines.push(
      '',
      `net benefit per row of treating whom "${positive}" is said of, at some thresholds (treating nobody has 0; --positive names another class):`,
    )
    const tenths = decisionCurve.filter((_, i) => (i + 1) % 10 === 0)
    lines.push(
      ...table([['threshold', 'model', 'everybody'], ...tenths.map((p) => [String(p.threshold), share(p.model), share(p.all)])]),
    )
  }
  if (comparison) {
    lines.push(
      '',
      `less ${comparison.model}, on ${counted(comparison.rows, 'row')}, with ${percent(comparison.level)} bootstrap intervals:`,
    )
    const { differences, roc, mcnemar } = comparison
    lines.push(...table(columns.map(([key, title]) => [title, between(differences[key]?.difference, differences[key])])))
    if (roc) lines.push(`DeLong's test of the areas: p = ${roc.p.toPrecision(2)}`)
    if (mcnemar)
      lines.push(
        `right alone on ${mcnemar.onlyFirst} and ${mcnemar.onlySecond}; McNemar's exact test: p = ${mcnemar.p.toPrecision(2)}`,
      )
  }
  return lines
}
