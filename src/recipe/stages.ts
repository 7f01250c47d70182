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
  const grid = [0, ...rho.filter((r) => r > 0)].map(() => length)
  if (!ensembles.includes('stacking') || stacking.rows !== 'out-of-fold') return { grid, folds: [] }
  const heard = splits.train.filter((row) => specs.some((spec) => canSpeak(spec, patterns[row])))
  const fold = cohortFolds(premises, heard)
  const times = Math.max(...rho.map((r) => stagesAgain(resolved, r)))
  const folds = Array.from(new Set(fold), (k) => Array<number>(times).fill(length - fold.filter((own) => own === k).length))
  return { grid, folds }
}

/** Steps of one student in all of them. */
export const stepsOf = ({ grid, folds }: Stages, { epochs, batch }: Premises['resolved']): number =>
  [...grid, ...folds.flat()].reduce((sum, rows) => sum + epochs * Math.ceil(rows / batch), 0)
