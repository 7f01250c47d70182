// A worker that does jobs of one training.

import { jobsOn, ownArrays, type Supplies } from '../../src/recipe/jobs.ts'
import type { Numerics } from '../../src/wasm/shelf.ts'
import { init, kernels } from '../../web/index.ts'
import { serve } from './serve.ts'

/** What every worker of a training is given. */
export interface Ground {
  readonly supplies: Supplies
  readonly numerics: Numerics
}

serve(async ({ supplies, numerics }: Ground) => {
  await init({ numerics })
  return jobsOn(kernels('train', numerics), supplies)
}, ownArrays)
