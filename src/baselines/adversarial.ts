import { chooseTeachers, screeningLosses } from '../train/mutual.ts'
import { share } from '../train/rho.ts'
import { batchOrder } from '../train/setting.ts'
import { type Baseline, cohortRivals, inRoom } from './rival.ts'

/** The cohort taught by its worst cluster, at the largest ρ of the list and from the first weights: shows the harm of bad teachers. */
export const adversarial: Baseline = {
  validates: true,
  refusal: (_, rho) => (Math.max(...rho) > 0 ? undefined : 'needs a rho above 0'),
  trains: ({ cohort }) => cohort,
  train: (arena) =>
    inRoom(arena, arena.cohort, function* (group) {
      const { session, resolved } = arena.setting
      const teaching = { ...resolved.teaching, teachers: 'worst-cluster' } as const
      const teachers = chooseTeachers(session, screeningLosses(group.plan, arena.screened), teaching)
      const order = batchOrder(arena.setting)
      const course = { ...resolved, order: (_: number, epoch: number) => order(epoch) }
      const stage = yield* share(
        group.plan,
        group.starts,
        course,
        Math.max(...resolved.rho),
        teaching,
        teachers,
        arena.screened.solutions,
      )
      return yield* cohortRivals(arena, 'adversarial', group, stage, { teachers: teachers.weights })
    }),
}
