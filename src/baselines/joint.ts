import type { Objective } from '../train/objective.ts'
import type { Stage } from '../train/stage.ts'
import { addLossGradient, type Plan, smoothed } from '../train/step.ts'
import { meanOf } from './mean.ts'
import { amongTrainees, type Baseline, cohortRivals, eachAlone, trainees, trainGroup } from './rival.ts'

/** All students lower one loss, that of their mean output, of those who see a row. */
export function together(plan: Plan): Objective {
  const { problem, dOut, cohort } = plan
  const { session, target, sees } = problem
  const { memory } = session
  const D = target.outputs
  const slope = memory.alloc(4 * cohort.capacity * D)
  const average = meanOf(plan)
  let rows: Int32Array = new Int32Array()
  let mean: ReturnType<typeof average>
  return {
    look(chosen) {
      rows = chosen
      mean = average(rows)
      memory.f32(slope, rows.length * D).fill(0)
      addLossGradient(plan, slope, mean.told, mean.rowWeights, rows.length)
    },
    judged: () => mean.loss,
    trained: (_, B, judged) => smoothed(plan, mean.said, mean.rowWeights, B, judged),
    gradient(i, B) {
      const d = memory.f32(dOut, B * D)
      const whole = memory.f32(slope, B * D)
      for (let k = 0; k < B * D; k++) {
        const b = Math.floor(k / D)
        if (sees[i][rows[b]]) d[k] += whole[k] / mean.speakers[b]
      }
    },
  }
}

const jointly = (name: string, keep: Stage['keep']): Baseline => ({
  validates: true,
  trains: ({ cohort }) => trainees(cohort),
  train: (arena) =>
    amongTrainees(arena, function* (group) {
      const objective = together(group.plan)
      const stage = yield* trainGroup(arena, group, () => objective, { keep })
      return yield* cohortRivals(arena, name, group, eachAlone(group, stage))
    }),
})

/** The cohort trained as one network, without ρ, as its last epoch left it: the authors' joint training. */
export const joint = jointly('joint', 'last')

/** The same as it was at its best validation loss. */
export const jointBestEpoch = jointly('joint-best-epoch', 'best')
