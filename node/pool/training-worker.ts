// A worker that does jobs of one training.

import { jobsOn, ownArrays, type Supplies } from '../../src/recipe/jobs.ts'
import { kernels } from '../kernels.ts'
import { serve } from './serve.ts'

serve(async (supplies: Supplies) => jobsOn(kernels('train'), supplies), ownArrays)
