import { noEnsembles } from '../fusion/ensemble.ts'
import type { Model } from '../fusion/model.ts'
import type { StudentSpec } from '../fusion/student.ts'
import { modelOf, temperedAlone } from '../train/model.ts'
import { canLearn, type Premises } from '../train/setting.ts'
import { alone } from '../train/step.ts'
import { type Arena, type Baseline, type Contest, type Ground, inRoom, trainGroup } from './rival.ts'

/** A network on some modalities as they are, with the head of the cohort. */
export const networkOn = ({ head, names }: Premises, uses: (m: number) => boolean): StudentSpec => ({
  ...head,
  extractors: names.map((_, m) => ({ kind: uses(m) ? 'raw' : 'skip' })),
})

/** One network on each modality that there is anything to learn from. */
export const singleNetworks = (setting: Premises): StudentSpec[] =>
  setting.names.map((_, m) => networkOn(setting, (other) => other === m)).filter((spec) => canLearn(setting, spec))

/** Networks trained for themselves, as one model. */
export const trainNetworks = (arena: Arena, specs: readonly StudentSpec[]): Contest<Model> =>
  inRoom(arena, specs, function* (group) {
    const stage = yield* trainGroup(arena, group, () => alone(group.plan), { scaled: true })
    const ensembles = noEnsembles(['simple-average'], arena.setting.resolved.average)
    return modelOf(arena.setting, group, temperedAlone(arena.setting, group, stage), ensembles, arena.provenance)
  })

export const trainsSingles = ({ setting }: Ground): readonly StudentSpec[] => singleNetworks(setting)

/** The networks on one modality: trained once, whoever asks. */
export function* trainSingles(arena: Arena): Contest<Model> {
  const known = arena.kept.get('singles')
  if (known) return known
  const model = yield* trainNetworks(arena, singleNetworks(arena.setting))
  arena.kept.set('singles', model)
  return model
}

/** `single:<modality>`: one network on one modality as it is. It predicts the rows that have it. */
export const single: Baseline = {
  usual: true,
  trains: trainsSingles,
  *train(arena) {
    const model = yield* trainSingles(arena)
    return arena.setting.names.map((name, m) => {
      const students = model.students.filter(({ spec }) => spec.extractors[m].kind !== 'skip')
      return { name: `single:${name}`, model: { ...model, students }, rule: 'simple-average' }
    })
  },
}
