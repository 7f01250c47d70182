// A simulation of the paper as one training: its data, cohort and ρ, without the baselines.

import { kernels, train } from '../../dist/node/index.js'
import { EXPERIMENTS } from '../../dist/src/experiments/settings.js'
import { synthetic } from '../../dist/src/experiments/synthetic.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'

const SEED = 1
const known = new Map()

/**
 * @param {{ name: string, epochs?: number, workers?: number, config?: object }} asked
 * @returns seconds of the training of students, and of all else
 */
export async function trainingOf({ name, epochs, workers = 1, config = {} }) {
  const { data: spec, config: setting, variants } = EXPERIMENTS.get(name)
  if (!known.has(name)) known.set(name, synthetic(openTrainSession(kernels('train')), spec, SEED))
  const asked = { ...setting, ...(epochs && { epochs }), seed: SEED, rho: variants[0].rho, baselines: false, ...config }
  const start = performance.now()
  let [from, to] = [start, start]
  const onProgress = ({ stage }) => {
    const now = performance.now()
    if (stage === 'preparing') from = now
    if (stage === 'screening' || stage === 'sharing') to = now
  }
  const { methods } = await train(known.get(name), { config: asked, workers, onProgress })
  const all = (performance.now() - start) / 1000
  const stages = (to - from) / 1000
  return { stages, rest: all - stages, all, of: setting.epochs, mse: methods[0].test.mse }
}
