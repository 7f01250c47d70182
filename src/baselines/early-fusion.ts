import type { StudentSpec } from '../fusion/student.ts'
import type { Premises } from '../train/setting.ts'
import type { Baseline } from './rival.ts'
import { networkOn, trainNetworks } from './single.ts'

const together = (setting: Premises): StudentSpec => ({ ...networkOn(setting, () => true), fills: true })

/** One network on all modalities side by side. A missing one is filled with its training mean, as that is how it is commonly done. */
export const earlyFusion: Baseline = {
  usual: true,
  trains: ({ setting }) => [together(setting)],
  *train(arena) {
    const model = yield* trainNetworks(arena, [together(arena.setting)])
    return [{ name: 'early-fusion', model, rule: 'simple-average' }]
  },
}
