import type { StudentSpec } from '../fusion/student.ts'
import type { Premises } from '../train/setting.ts'
import type { Baseline } from './rival.ts'
import { networkOn, trainNetworks } from './single.ts'

const linear = (setting: Premises): StudentSpec => ({
  ...networkOn(setting, () => true),
  hidden: [],
  fills: true,
  solved: 'ridge',
})

/**
 * Tuned ridge: penalised logistic or linear regression on all modalities side by side, its penalty by the loss on rows it was not
 * fitted on. A missing modality is filled with its training mean. On small tables it is hard to beat.
 */
export const ridge: Baseline = {
  usual: true,
  trains: ({ setting }) => [linear(setting)],
  *train(arena) {
    const model = yield* trainNetworks(arena, [linear(arena.setting)])
    return [{ name: 'ridge', model, rule: 'simple-average' }]
  },
}
