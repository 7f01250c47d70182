// Which of two scores is better, and what the headline goes by.

import { isOracle } from '../../src/experiments/table.ts'
import { COLUMNS } from '../report.ts'
import type { Method, ReportContext } from './context.ts'

const LOWER: readonly string[] = ['logLoss', 'brier', 'ece', 'mse', 'mae']

/** Whether less of it is better. */
export const lowerIsBetter = (score: string): boolean => LOWER.includes(score)

export const headlineScore = ({ model }: Pick<ReportContext, 'model'>): string =>
  model.target.task === 'classification' ? 'accuracy' : 'mse'

export const scoreTitle = (score: string): string =>
  score === 'balancedAccuracy' ? 'balanced accuracy' : (COLUMNS.find(([key]) => key === score)?.[1] ?? score)

/** The scores that a table shows, in its order. */
export const scoresOf = (methods: readonly Method[]): string[] => {
  const known = methods.find(({ test }) => test)?.test ?? {}
  return COLUMNS.map(([key]) => key).filter((key) => key in known)
}

/** Above 0 where the model is better than the other, in the score's own unit, on the rows that both were scored on. */
export function lead(score: string, { test }: Method, other: Method): number {
  const [mine, theirs] = [other.beside ?? test, other.test].map((scores) => scores?.[score] ?? Number.NaN)
  return lowerIsBetter(score) ? theirs - mine : mine - theirs
}

/** Those that the model can be held against: scored on rows that it was scored on, and knowing no more than anybody could. */
export function rivalsOf([mine, ...others]: readonly Method[]): Method[] {
  return others.filter(({ name, test, beside }) => test && (beside || test.rows === mine.test?.rows) && !isOracle(name))
}

/** The one that the model leads by least, or that leads it by most, the first of equals. */
export function strongest(score: string, mine: Method, rivals: readonly Method[]): Method | undefined {
  const known = rivals.filter((rival) => Number.isFinite(lead(score, mine, rival)))
  return known.length > 0
    ? known.reduce((best, next) => (lead(score, mine, next) < lead(score, mine, best) ? next : best))
    : undefined
}

export const isSingle = ({ name }: Method): boolean => name.startsWith('single:')
