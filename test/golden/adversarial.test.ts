// The authors' adversarial cohort, taught by its worst cluster, beside the adaptive one: step by step.

import { describe, expect, test } from 'vitest'
import { weightsByLoss } from '../../src/fusion/ensemble.ts'
import { chooseTeachers, screeningLosses } from '../../src/train/mutual.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { runGrid, share } from '../../src/train/rho.ts'
import type { StageResult } from '../../src/train/stage.ts'
import { planOf } from '../../src/train/step.ts'
import {
  average,
  BY_TEACHERS,
  casesIn,
  checkStage,
  close,
  courseOf,
  follow,
  OUTPUT,
  problemOf,
  SCALAR,
  startsOf,
  TEST_MSE,
  teachingOf,
  testScore,
} from './case.ts'

const all = casesIn('adversarial')
test('the recorded case is there', () => expect(all.filter(({ ours }) => ours)).toHaveLength(1))

for (const recorded of all) {
  const { json, tensor } = recorded
  const { expect: theirs } = json
  describe(recorded.name, () => {
    const problem = problemOf(recorded)
    const M = problem.students.length
    const plan = planOf(problem, Math.max(json.batch, 32))
    const starts = startsOf(recorded, '', M)
    const teaching = teachingOf(recorded)
    const stageAt = (name: string) => (rho: number) => ({ at: `expect/${name}${rho}`, recorded: theirs.stages[`${name}${rho}`] })
    const course = courseOf(recorded, (rho) => `order/rho${rho}`)
    const grid = { ...course, rho: json.config.rho_list, warmStart: 'none', teaching, ...BY_TEACHERS } as const
    const adaptive = follow(recorded, plan, runGrid(plan, starts, grid), stageAt('rho'))

    const worst = { ...teaching, teachers: 'worst-cluster' } as const
    const teachers = chooseTeachers(problem.session, screeningLosses(plan, adaptive.independent), worst)
    const rho = theirs.fixed_rho as number
    const against = courseOf(recorded, (r) => `order/adversarial_rho${r}`)
    const adversarial = follow(recorded, plan, share(plan, starts, against, rho, worst, teachers), stageAt('adversarial_rho'))

    test('every epoch loss and best epoch, whoever teaches', () => {
      for (const { stage } of adaptive.results) checkStage(stage, theirs.stages[`rho${stage.rho}`], `rho ${stage.rho}`)
      checkStage(adversarial, theirs.stages[`adversarial_rho${rho}`], 'adversarial')
    })

    test('the teachers of both, and the ρ that the best ones choose', () => {
      expect(adaptive.teachers.members).toEqual(theirs.clustering.cluster_idxs)
      close(adaptive.teachers.weights, theirs.clustering.weights, 1e-6, 'adaptive weights')
      expect(adaptive.chosen.stage.rho).toBe(theirs.best_rho)
      for (const { stage, loss } of adaptive.results)
        close([loss], [theirs.avg_val_loss_of_cluster[stage.rho]], SCALAR, `loss at ${stage.rho}`, true)
      expect(teachers.members).toEqual(theirs.adversarial?.worst_cluster_idxs)
      expect(teachers.k).toBe(theirs.adversarial?.k)
      close(teachers.weights, theirs.adversarial?.weights ?? [], 1e-6, 'adversarial weights')
    })

    test('test scores of every student and ensemble: adaptive at the same ρ, independent, adversarial', () => {
      const check = (stage: StageResult, expected: Record<string, unknown>, prefix: string) => {
        const outputs = cohortOutputs(plan, stage.best, problem.test)
        const size = outputs.length / M
        const everyone = Array.from({ length: M }, (_, i) => i)
        const cohort = everyone.map((i) => testScore(recorded, outputs.subarray(i * size, (i + 1) * size)))
        close(cohort, expected[`${prefix}cohort`] as number[], TEST_MSE, `${prefix}cohort`, true)
        for (const [rule, name] of [
          ['simple-average', 'simple_average'],
          ['weighted-average', 'weighted_average'],
          ['best-single', 'best_single'],
        ] as const) {
          const mine = testScore(recorded, average(outputs, weightsByLoss(rule, stage.losses, everyone, 3)))
          close([mine], [expected[prefix + name] as number], TEST_MSE, prefix + name, true)
        }
        return outputs
      }
      const same = adaptive.results.find(({ stage }) => stage.rho === rho)?.stage as StageResult
      check(same, theirs.test_adaptive ?? {}, '')
      check(adaptive.independent, theirs.test_indep, '')
      const outputs = check(adversarial, theirs.test_adversarial ?? {}, 'adversarial_')
      close(outputs, tensor('expect/adversarial_test_outputs').values, OUTPUT, 'adversarial outputs')
    })
  })
}
