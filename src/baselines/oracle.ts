import { during } from '../core/during.ts'
import { settingOf } from '../train/setting.ts'
import { earlyFusion } from './early-fusion.ts'
import { lateFusion } from './late-fusion.ts'
import type { Arena, Baseline, Rival } from './rival.ts'
import { single } from './single.ts'

const SAME = [earlyFusion, lateFusion, single]

/**
 * Early fusion, late fusion and single networks on what the data were made of (`oracle` of the data set), trained as the others
 * are: what they could do if nothing hid it. Every row has all of it.
 */
export const oracle: Baseline = {
  validates: true,
  refusal: (data) => (data.oracle ? undefined : 'is for data that know what they were made of'),
  // As large as those of the data set: latents are fewer than features.
  trains: (ground) => SAME.slice(0, 2).flatMap(({ trains }) => trains(ground)),
  *train(arena) {
    const { data, splits, resolved } = arena.setting
    const { seed, heads, activation, epochs, batch, optimizer, schedule, patience, dropout } = resolved
    const { standardizeFeatures, unskew, clip, standardizeTarget, labelSmoothing, classWeights, average } = resolved
    const inputs = { ids: data.ids, modalities: data.oracle ?? [] }
    const course = { seed, head: heads[0], activation, epochs, batch, optimizer, schedule, patience, dropout }
    const losses = { standardizeFeatures, unskew, clip, standardizeTarget, labelSmoothing, classWeights, average }
    const config = { ...course, ...losses, extractors: { '*': ['raw'] } }
    const setting = yield* during(settingOf(arena.module, { ...inputs, target: data.target }, splits, config), () => undefined)
    const own: Arena = { ...arena, setting, kept: new Map() }
    const rivals: Rival[] = []
    for (const { train } of SAME) rivals.push(...(yield* train(own)))
    return rivals.map((rival) => ({ ...rival, name: `oracle:${rival.name}`, inputs }))
  },
}
