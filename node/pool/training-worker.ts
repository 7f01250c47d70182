// A worker that does jobs of one training.

import { jobsOn, ownArrays, type Supplies } from '../../src/recipe/jobs.ts'
import { kernels, type Numerics } from '../kernels.ts'
import { serve } from './serve.ts'

/** What every worker of a training is given. */
export interface Ground {
  readonly supplies: Supplies
  readonly numerics: Numerics
}

serve(async ({ supplies, numerics }: Ground) => jobsOn(kernels('train', numerics), supplies), ownArrays)
