import type { Objective } from '../train/objective.ts'
import type { StageResult } from '../train/stage.ts'
import { lossOf, type Plan } from '../train/step.ts'
import { meanOf } from './mean.ts'
import { amongTrainees, type Baseline, bestOf, cohortRivals, eachAlone, notForClasses, trainees, trainGroup } from './rival.ts'

/**
 * Negative correlation learning (Liu & Yao, Neural Networks 1999): all students lower the sum of
 * mean (f_i - y)² - ρ mean (f_i - f̄_{-i})², with f̄_{-i} the mean of the others who see the row; gradients reach all of them.
 *
 * f_i - f̄_{-i} is n / (n - 1) times f_i - f̄ for n students, and the slopes of Σ (f_i - f̄)² through f̄ cancel, so it is the task's
 * gradient less ρ (n / (n - 1))² of that against the plain mean.
 */
export function repelled(plan: Plan, rho: number): Objective {
  const { problem, outputs, dOut, target, cohort } = plan
  const { session, sees } = problem
  const { kernels, memory } = session
  const D = problem.target.outputs
  const own = memory.alloc(4 * cohort.capacity)
  const apart = memory.alloc(4 * cohort.capacity)
  const average = meanOf(plan)
  let rows: Int32Array = new Int32Array()
  let mean: ReturnType<typeof average>

  /** What each row counts for student i in the task, and in how far it is from the mean. */
  function weigh(i: number, B: number): void {
    const w = memory.f32(mean.rowWeights, B)
    const [task, spread] = [memory.f32(own, B), memory.f32(apart, B)]
    for (let b = 0; b < B; b++) {
      const n = mean.speakers[b]
      task[b] = sees[i][rows[b]] ? w[b] : 0
      spread[b] = n > 1 ? task[b] * ((n / (n - 1)) * (n / (n - 1))) : 0
    }
  }

  return {
    look(chosen) {
      rows = chosen
      mean = average(rows)
    },
    judged: () => mean.loss,
    trained(i, B) {
      weigh(i, B)
      const out = outputs + 4 * i * B * D
      return lossOf(plan, out, own, B) - (rho * kernels.squaredError(out, mean.said, apart, B, D)) / D
    },
    gradient(i, B) {
      weigh(i, B)
      const out = outputs + 4 * i * B * D
      kernels.addGradient(dOut, out, target, own, 2 / D, B, D)
      kernels.addGradient(dOut, out, mean.said, apart, (-2 / D) * rho, B, D)
    },
  }
}

const STRENGTHS = [0.1, 0.3, 0.5]

/** The cohort by negative correlation learning, ρ by the validation loss of its mean. */
export const negativeCorrelation: Baseline = {
  validates: true,
  refusal: notForClasses,
  trains: ({ cohort }) => STRENGTHS.flatMap(() => trainees(cohort)),
  train: (arena) =>
    amongTrainees(arena, function* (group) {
      const results: StageResult[] = []
      for (const rho of STRENGTHS) {
        const objective = repelled(group.plan, rho)
        results.push(yield* trainGroup(arena, group, () => objective, { rho }))
      }
      const { chosen, rhoLosses } = bestOf(results)
      return yield* cohortRivals(arena, 'negative-correlation', group, eachAlone(group, chosen), { rhoLosses })
    }),
}
