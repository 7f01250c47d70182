// How often a training takes its cohort through training rows: what its plan and its progress count.

import { canSpeak } from '../fusion/availability.ts'
import { cohortFolds } from '../train/model.ts'
import { stagesAgain } from '../train/rho.ts'
import type { Premises } from '../train/setting.ts'

/** Training rows of each stage of the cohort. */
export interface Stages {
  /** Screening and each ρ > 0. */
  readonly grid: readonly number[]
  /** For stacking on out-of-fold rows, of each fold: as many times as at the ρ that takes most, if no student diverges. */
  readonly folds: readonly (readonly number[])[]
}

export function stagesOf(premises: Premises): Stages {
  const { resolved, specs, patterns, splits } = premises
  const { rho, ensembles, stacking } = resolved
  const { length } = splits.train
  const each = onceOf(premises)
  const grid = [0, ...rho.filter((r) => r > 0)].flatMap(() => each)
  if (!ensembles.includes('stacking') || stacking.rows !== 'out-of-fold' || premises.folds) return { grid, folds: [] }
  const heard = splits.train.filter((row) => specs.some((spec) => canSpeak(spec, patterns[row])))
  const fold = cohortFolds(premises, heard)
  const times = Math.max(...rho.map((r) => stagesAgain(resolved, r)))
  const folds = Array.from(new Set(fold), (k) => Array<number>(times).fill(length - fold.filter((own) => own === k).length))
  return { grid, folds }
}

/** Training rows of each time that a training takes students through: once, and where cross-fitted without each fold before. */
export const onceOf = ({ splits: { train }, folds = [] }: Premises): number[] => [
  ...folds.map((fold) => train.length - fold.length),
  train.length,
]

/** Steps of one student in all of them. */
export const stepsOf = ({ grid, folds }: Stages, resolved: Premises['resolved']): number =>
  stepsOver([...grid, ...folds.flat()], resolved)

/** Steps of one student that is taken through so many rows, one time after the other. */
export const stepsOver = (rows: readonly number[], { epochs, batch }: Premises['resolved']): number =>
  rows.reduce((sum, count) => sum + epochs * Math.ceil(count / batch), 0)
