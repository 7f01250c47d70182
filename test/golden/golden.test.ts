// The authors' own code, step by step: the pipeline from screening to the scores of every ensemble.

import { describe, expect, test } from 'vitest'
import { inverseLoss, weightsByLoss } from '../../src/fusion/ensemble.ts'
import { greedy, juryOf } from '../../src/train/ensembling.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { runGrid } from '../../src/train/rho.ts'
import type { StageResult } from '../../src/train/stage.ts'
import { planOf } from '../../src/train/step.ts'
import {
  average,
  BY_TEACHERS,
  type Case,
  casesIn,
  checkStage,
  close,
  courseOf,
  follow,
  GREEDY,
  OUTPUT,
  problemOf,
  type Recording,
  SCALAR,
  startsOf,
  TEST_MSE,
  teachingOf,
  testScore,
} from './case.ts'

/** Whether the first ρ > 0 goes on from the screened students. */
const isWarm = ({ stages }: Recording) => Object.values(stages).some((stage) => stage.start_adam_steps.some((steps) => steps > 0))

/** Runs the whole grid and checks every weight, first gradient and step loss on the way. */
function replay(recorded: Case, expected: Recording, prefix: string) {
  const { json } = recorded
  const problem = problemOf(recorded)
  const plan = planOf(problem, Math.max(json.batch, 32))
  const starts = startsOf(recorded, '', problem.students.length)
  const orderPrefix = prefix === 'expect' ? 'order/' : `order/${prefix}_`
  const grid = {
    ...courseOf(recorded, (rho) => `${orderPrefix}rho${rho}`),
    rho: json.config.rho_list,
    ...BY_TEACHERS,
    warmStart: isWarm(expected) ? ('first' as const) : ('none' as const),
    teaching: teachingOf(recorded),
  }
  const stageAt = (rho: number) => ({ at: `${prefix}/rho${rho}`, recorded: expected.stages[`rho${rho}`] })
  return { plan, problem, result: follow(recorded, plan, runGrid(plan, starts, grid), stageAt) }
}

const own = casesIn('pipeline')
test('the four recorded cases are there', () => expect(own.filter(({ ours }) => ours)).toHaveLength(4))

for (const recorded of own) {
  const pipelines: [string, Recording][] = [['expect', recorded.json.expect]]
  if (recorded.json.expect.cold) pipelines.push(['cold', recorded.json.expect.cold])
  for (const [prefix, expected] of pipelines) {
    describe(`${recorded.name}, ${isWarm(expected) ? 'first ρ > 0 warm as in the reference' : 'every ρ from the first weights'}`, () => {
      const { tensor, json } = recorded
      const { plan, problem, result } = replay(recorded, expected, prefix)
      const M = problem.students.length

      test('every epoch loss, best epoch and best loss of every ρ', () => {
        for (const { stage } of result.results) checkStage(stage, expected.stages[`rho${stage.rho}`], `rho ${stage.rho}`)
      })

      test('teachers, the chosen ρ and the losses it was chosen by', () => {
        expect(result.teachers.members).toEqual(expected.clustering.cluster_idxs)
        expect(result.teachers.k).toBe(expected.clustering.k)
        close(result.teachers.weights, expected.clustering.weights, 1e-6, 'teacher weights')
        // A lone teacher's loss is the same at every ρ: then we ask all students, and the authors take the first ρ.
        if (expected.clustering.cluster_idxs.length < 2) return
        expect(result.chosen.stage.rho).toBe(expected.best_rho)
        for (const { stage, loss } of result.results) {
          close([loss], [expected.avg_val_loss_of_cluster[stage.rho]], SCALAR, `teachers' loss at rho ${stage.rho}`, true)
        }
      })

      test('outputs of the best checkpoints', () => {
        for (const { stage } of result.results) {
          const at = `${prefix}/rho${stage.rho}`
          close(
            cohortOutputs(plan, stage.best, problem.validation),
            tensor(`${at}/val_outputs`).values,
            OUTPUT,
            `${at} validation`,
          )
          close(cohortOutputs(plan, stage.best, problem.test), tensor(`${at}/test_outputs`).values, OUTPUT, `${at} test`)
        }
      })

      test('greedy selection, averages and their test scores', () => {
        const y = tensor('data/val/y').values as Float32Array | Int32Array
        const classification = json.config.task_type === 'classification'
        const judge = (stage: StageResult) => ({
          outputs: cohortOutputs(plan, stage.best, problem.validation),
          students: M,
          target: y,
          width: json.config.output_dim,
        })
        const shared = result.results.find(({ stage }) => stage.rho === expected.best_rho)?.stage as StageResult
        const jury = juryOf(problem.session, judge(shared))
        const chosen = greedy(jury, GREEDY)
        jury.close()
        if (expected.greedy_ens_idxs) expect(chosen.members).toEqual(expected.greedy_ens_idxs)
        for (const [stage, theirs] of [
          [shared, expected.test],
          [result.independent, expected.test_indep],
        ] as const) {
          const outputs = cohortOutputs(plan, stage.best, problem.test)
          const everyone = Array.from({ length: M }, (_, i) => i)
          const same = (mine: number, what: string, value: number) =>
            classification ? expect(mine, what).toBe(value) : close([mine], [value], TEST_MSE, what, true)
          const size = outputs.length / M
          everyone.forEach((i) => {
            same(testScore(recorded, outputs.subarray(i * size, (i + 1) * size)), `student ${i}`, theirs.cohort[i])
          })
          const methods = {
            simple_average: weightsByLoss('simple-average', stage.losses, everyone, 3),
            weighted_average: weightsByLoss('weighted-average', stage.losses, everyone, 3),
            best_single: weightsByLoss('best-single', stage.losses, everyone, 3),
            greedy_ensemble: inverseLoss(stage.losses, chosen.members),
          }
          for (const [name, weights] of Object.entries(methods))
            if (name in theirs) same(testScore(recorded, average(outputs, weights)), name, theirs[name])
        }
      })
    })
  }
}
