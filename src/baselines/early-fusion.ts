import type { Baseline } from './rival.ts'
import { networkOn, trainNetworks } from './single.ts'

/** One network on all modalities side by side. A missing one is filled with its training mean, as that is how it is commonly done. */
export const earlyFusion: Baseline = {
  usual: true,
  work: () => 1,
  *train(arena) {
    const model = yield* trainNetworks(arena, [{ ...networkOn(arena.setting, () => true), fills: true }])
    return [{ name: 'early-fusion', model, rule: 'simple-average' }]
  },
}
