// The authors' baselines and their cooperative learning, step by step: as they wrote it, with its flaw removed, and of two networks
// without the one on both modalities.

import { describe, expect, test } from 'vitest'
import { cooperate } from '../../src/baselines/cooperative.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { runStage, type StageResult } from '../../src/train/stage.ts'
import { alone, type Plan, planOf } from '../../src/train/step.ts'
import {
  average,
  type Case,
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
  type Together,
  testScore,
} from './case.ts'

const all = casesIn('together')
test('the recorded case is there', () => expect(all.filter(({ ours }) => ours)).toHaveLength(1))

/** The networks of `of`, and how to train them at a ρ while every step is checked. */
function trainer(recorded: Case, of: 'baselines' | 'coop' | 'coop_fixed' | 'coop2') {
  const together = recorded.json.expect[of] as Together
  const problem = problemOf(recorded, together.students)
  const plan = planOf(problem, Math.max(recorded.json.batch, 32))
  const starts = startsOf(recorded, `${of}/`, together.students.length)
  const { order, ...course } = courseOf(recorded, (rho) => `order/${of}_rho${rho}`)
  const run = (rho: number, objective: (plan: Plan) => ReturnType<typeof alone>, tasks = true): StageResult => {
    const once = objective(plan)
    const stage = {
      ...course,
      rho,
      objective: () => once,
      starts,
      order: (epoch: number) => order(rho, epoch),
      keepMoments: false,
    }
    const stageAt = () => ({ at: `expect/${of}/${of}_rho${rho}`, recorded: together.stages[`${of}_rho${rho}`] })
    return follow(recorded, plan, runStage(plan, stage), stageAt, tasks)
  }
  return { problem, plan, run }
}

for (const recorded of all) {
  const { baselines } = recorded.json.expect
  if (baselines) {
    describe(`${recorded.name}, networks alone`, () => {
      const { problem, plan, run } = trainer(recorded, 'baselines')
      const stage = run(0, alone)
      const outputs = cohortOutputs(plan, stage.best, problem.test)
      const M = baselines.students.length

      test('every epoch loss and best epoch', () => checkStage(stage, baselines.stages.baselines_rho0, 'baselines'))

      test('outputs and test scores, one by one and their mean', () => {
        close(outputs, recorded.tensor('expect/baselines/test_outputs').values, OUTPUT, 'test outputs')
        const size = outputs.length / M
        const modalities = Array.from({ length: M - 1 }, (_, i) => i)
        const mine: Record<string, number> = Object.fromEntries([
          ...modalities.map((i) => [`modality_${i + 1}`, testScore(recorded, outputs.subarray(i * size, (i + 1) * size))]),
          ['early_fusion', testScore(recorded, outputs.subarray((M - 1) * size))],
          [
            'late_fusion',
            testScore(
              recorded,
              average(
                outputs.subarray(0, (M - 1) * size),
                modalities.map(() => 1 / (M - 1)),
              ),
            ),
          ],
        ])
        expect(Object.keys(mine).sort()).toEqual(Object.keys(baselines.test).sort())
        for (const [name, value] of Object.entries(mine)) close([value], [baselines.test[name]], TEST_MSE, name, true)
      })
    })
  }

  for (const of of ['coop', 'coop_fixed', 'coop2'] as const) {
    const theirs = recorded.json.expect[of]
    if (!theirs) continue
    describe(`${recorded.name}, ${of}`, () => {
      const { problem, plan, run } = trainer(recorded, of)
      const blind = of === 'coop'
      const interaction = theirs.idx_early ?? -1
      const strengths = recorded.json.config.rho_list.filter((rho) => rho < 1)
      // The authors' task loss of a step leaves out what the networks do not see; ours is of the sum, as in validation.
      const stages = strengths.map((rho) => run(rho, (p) => cooperate(p, { rho, interaction, blind }), !blind))

      test('every epoch loss and best epoch at every ρ', () => {
        for (const stage of stages) {
          const expected = theirs.stages[`${of}_rho${stage.rho}`]
          if (!blind) {
            checkStage(stage, expected, `${of} ${stage.rho}`)
            continue
          }
          stage.epochs.forEach(({ train, validation }, e) => {
            close(train.total, expected.train_loss[e], SCALAR, `train loss ${e} at ${stage.rho}`, true)
            close(validation.task, expected.val_task_loss[e], SCALAR, `validation loss ${e} at ${stage.rho}`, true)
          })
          expect([...stage.bestEpoch]).toEqual(expected.best_epoch)
          close(stage.losses, expected.best_val_task_loss, SCALAR, `best losses at ${stage.rho}`, true)
        }
      })

      test('the chosen ρ, and the test score of the sum at every ρ', () => {
        const chosen = stages.reduce((best, next) => (next.losses[0] < best.losses[0] ? next : best))
        expect(chosen.rho).toBe(theirs.best_rho)
        for (const stage of stages) {
          close([stage.losses[0]], [theirs.avg_best_val_task_loss[stage.rho]], SCALAR, `loss at ${stage.rho}`, true)
          const sum = average(
            cohortOutputs(plan, stage.best, problem.test),
            problem.students.map(() => 1),
          )
          close([testScore(recorded, sum)], [theirs.test_per_rho[stage.rho]], TEST_MSE, `score at ${stage.rho}`, true)
        }
      })
    })
  }
}
