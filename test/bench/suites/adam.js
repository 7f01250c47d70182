// Adam on as many parameters as the large workload has, against the rate at which memory can be read and written in its pattern.

import { ADAM } from '../../../dist/src/train/optimizer.js'
import { openTrainSession } from '../../../dist/src/wasm/session.js'
import { init, kernels } from '../../../dist/web/index.js'
import { openProbe } from '../machine.js'
import { interleave, summary } from '../rounds.js'

await init({ numerics: 'fast' })

const PARAMETERS = 9_582_056

/** Block, gradient and both moments are read, all but the gradient written. */
const BYTES = 28

export async function run({ record, rounds = 9, wants }) {
  const ids = ['adam/of-triad', 'adam/relaxed/of-triad', 'adam/strict/rate', 'adam/relaxed/rate']
  if (!wants(...ids)) return
  const { triad, triadRate } = openProbe(true)
  const times = await interleave({ triad, strict: adamOf('exact'), relaxed: adamOf('fast') }, { rounds })
  const rate = (ms) => (BYTES * PARAMETERS) / ms / 1e6
  const ofTriad = (cpu) => summary(cpu.map((ms, round) => rate(ms) / triadRate(times.triad.cpu[round])))
  record({ id: ids[0], unit: '', ...ofTriad(times.strict.cpu) })
  record({ id: ids[1], unit: '', ...ofTriad(times.relaxed.cpu) })
  record({ id: ids[2], unit: 'GB/s', ...summary(times.strict.cpu.map(rate)) })
  record({ id: ids[3], unit: 'GB/s', ...summary(times.relaxed.cpu.map(rate)) })
}

function adamOf(numerics) {
  const { kernels: k, memory } = openTrainSession(kernels('train', numerics))
  const [p, g, m, v] = [0.5, 0.25, 0, 0].map((value) => {
    const at = memory.alloc(4 * PARAMETERS)
    memory.f32(at, PARAMETERS).fill(value)
    return at
  })
  const { rate, beta1, beta2, epsilon } = ADAM
  return () => k.adam(p, g, m, v, PARAMETERS, rate, 1, beta1, beta2, 1 - beta1, 1 - beta2, epsilon, 0)
}
