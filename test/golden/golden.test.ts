// The authors' own code, step by step. Tolerances are those of the recording's README for another float32 implementation,
// where float32 against float64 of the same code was measured; scalars are held an order tighter than the issue asks.

import { describe, expect, test } from 'vitest'
import { inverseLoss, weightsByLoss } from '../../src/fusion/ensemble.ts'
import { greedy, juryOf } from '../../src/train/ensembling.ts'
import { BY_CLUSTER } from '../../src/train/mutual.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { type GridResult, runGrid } from '../../src/train/rho.ts'
import type { StageResult } from '../../src/train/stage.ts'
import { planOf } from '../../src/train/step.ts'
import { type Case, casesIn, problemOf, type Recording } from './case.ts'

const SCALAR = 1e-5 // relative
const WEIGHT = 1e-4 // absolute
const GRADIENT = 5e-5 // absolute
const STEP_LOSS = 5e-5 // absolute
const OUTPUT = 1e-4 // absolute
const TEST_MSE = 1e-4 // relative

function close(mine: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number, what: string, relative = false) {
  expect(mine.length, what).toBe(theirs.length)
  let worst = 0
  for (let i = 0; i < mine.length; i++) {
    const error = Math.abs(mine[i] - theirs[i]) / (relative ? Math.abs(theirs[i]) : 1)
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error)
  }
  expect(worst, what).toBeLessThanOrEqual(tolerance)
}

/** Runs the whole grid and checks every weight, first gradient and step loss on the way. */
function replay(recorded: Case, expected: Recording, prefix: string, warmStart: boolean) {
  const { json, tensor } = recorded
  const problem = problemOf(recorded)
  const { memory } = problem.session
  const plan = planOf(problem, Math.max(json.batch, 32))
  const M = problem.students.length
  const orderPrefix = prefix === 'expect' ? 'order/' : `order/${prefix}_`
  const starts = problem.students.map((_, i) => ({ block: tensor(`init/student${i}`).values as Float32Array }))
  const optimizer = { ...ADAM, rate: json.config.init_lr, decay: json.config.weight_decay }
  const n = problem.train.length
  const grid = {
    rho: json.config.rho_list,
    epochs: json.config.epochs,
    batch: json.batch,
    optimizer,
    warmStart: warmStart ? ('first' as const) : ('none' as const),
    teaching: { ...BY_CLUSTER, normalizer: 'all' as const, burnIn: 0 },
    order: (rho: number, epoch: number) =>
      (tensor(`${orderPrefix}rho${rho}`).values as Int32Array).subarray(epoch * n, (epoch + 1) * n),
  }
  const run = runGrid(plan, starts, grid)
  const steps = Math.ceil(n / json.batch)
  const seen = new Map<number, number>()
  for (let turn = run.next(); ; turn = run.next()) {
    if (turn.done) return { plan, problem, result: turn.value as GridResult }
    const { rho, epoch, losses } = turn.value
    const stage = `${prefix}/rho${rho}`
    const step = seen.get(rho) ?? 0
    seen.set(rho, step + 1)
    close(
      losses.total,
      tensor(`${stage}/step_loss`).values.subarray(step * M, (step + 1) * M),
      STEP_LOSS,
      `${stage} step ${step} loss`,
    )
    close(
      losses.task,
      tensor(`${stage}/step_task_loss`).values.subarray(step * M, (step + 1) * M),
      STEP_LOSS,
      `${stage} step ${step} task`,
    )
    for (let i = 0; i < M; i++) {
      const { block, first, size } = plan.states[i]
      if (step === 0) {
        // Adam's first moment holds the gradient: m = β₁ m₀ + (1 - β₁) g.
        const warm = expected.stages[`rho${rho}`].start_adam_steps[i] > 0
        const before = warm ? tensor(`${stage}/start_exp_avg/student${i}`).values : new Float32Array(size)
        const gradient = memory.f32(first, size).map((m, p) => (m - 0.9 * before[p]) / 0.1)
        close(gradient, tensor(`${stage}/grad_step1/student${i}`).values, GRADIENT, `${stage} gradient of student ${i}`)
      }
      if ((step + 1) % steps === 0) {
        close(
          memory.f32(block, size),
          tensor(`${stage}/epoch${epoch}/student${i}`).values,
          WEIGHT,
          `${stage} epoch ${epoch} student ${i}`,
        )
      }
    }
  }
}

function checkStage(mine: StageResult, theirs: Recording['stages'][string], what: string) {
  mine.epochs.forEach(({ train, validation }, e) => {
    close(train.total, theirs.train_loss[e], SCALAR, `${what} train loss ${e}`, true)
    close(train.task, theirs.train_task_loss[e], SCALAR, `${what} train task loss ${e}`, true)
    close(validation.total, theirs.val_loss[e], SCALAR, `${what} validation loss ${e}`, true)
    close(validation.task, theirs.val_task_loss[e], SCALAR, `${what} validation task loss ${e}`, true)
  })
  expect([...mine.bestEpoch], `${what} best epochs`).toEqual(theirs.best_epoch)
  close(mine.losses, theirs.best_val_task_loss, SCALAR, `${what} best losses`, true)
}

/** MSE or accuracy of outputs (rows, D) on the test rows. */
function score({ json, tensor }: Case, outputs: Float32Array): number {
  const y = tensor('data/test/y').values
  const D = json.config.output_dim
  let sum = 0
  for (let row = 0; row < y.length; row++) {
    const mine = outputs.subarray(row * D, (row + 1) * D)
    if (json.config.task_type === 'regression') sum += (mine[0] - y[row]) ** 2
    else if (mine.indexOf(Math.max(...mine)) === y[row]) sum++
  }
  return sum / y.length
}

function average(outputs: Float32Array, weights: ArrayLike<number>): Float32Array {
  const size = outputs.length / weights.length
  const sum = new Float32Array(size)
  for (let i = 0; i < weights.length; i++) for (let k = 0; k < size; k++) sum[k] += weights[i] * outputs[i * size + k]
  return sum
}

const own = casesIn(new URL('.', import.meta.url).pathname)
test('the four recorded cases are there', () => expect(own.map((c) => c.name)).toHaveLength(4))

for (const recorded of own) {
  const pipelines: [string, Recording, boolean][] = [['expect', recorded.json.expect, true]]
  if (recorded.json.expect.cold) pipelines.push(['cold', recorded.json.expect.cold, false])
  for (const [prefix, expected, warmStart] of pipelines) {
    describe(`${recorded.name}, ${warmStart ? 'first ρ > 0 warm as in the reference' : 'every ρ from the first weights'}`, () => {
      const { tensor, json } = recorded
      const { plan, problem, result } = replay(recorded, expected, prefix, warmStart)
      const M = problem.students.length

      test('every epoch loss, best epoch and best loss of every ρ', () => {
        for (const { stage } of result.results) checkStage(stage, expected.stages[`rho${stage.rho}`], `rho ${stage.rho}`)
      })

      test('teachers, the chosen ρ and the losses it was chosen by', () => {
        expect(result.teachers.members).toEqual(expected.clustering.cluster_idxs)
        expect(result.teachers.k).toBe(expected.clustering.k)
        close(result.teachers.weights, expected.clustering.weights, 1e-6, 'teacher weights')
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
        const jury = juryOf(problem.session, judge(result.chosen.stage))
        const chosen = greedy(jury, { best: 3, prune: 0.2, most: 30 })
        jury.close()
        expect(chosen.members).toEqual(expected.greedy_ens_idxs)
        for (const [stage, theirs] of [
          [result.chosen.stage, expected.test],
          [result.independent, expected.test_indep],
        ] as const) {
          const outputs = cohortOutputs(plan, stage.best, problem.test)
          const everyone = Array.from({ length: M }, (_, i) => i)
          const same = (mine: number, what: string, value: number) =>
            classification ? expect(mine, what).toBe(value) : close([mine], [value], TEST_MSE, what, true)
          const size = outputs.length / M
          everyone.forEach((i) => {
            same(score(recorded, outputs.subarray(i * size, (i + 1) * size)), `student ${i}`, theirs.cohort[i])
          })
          const methods = {
            simple_average: weightsByLoss('simple-average', stage.losses, everyone, 3),
            weighted_average: weightsByLoss('weighted-average', stage.losses, everyone, 3),
            best_single: weightsByLoss('best-single', stage.losses, everyone, 3),
            greedy_ensemble: inverseLoss(stage.losses, chosen.members),
          }
          for (const [name, weights] of Object.entries(methods))
            same(score(recorded, average(outputs, weights)), name, theirs[name])
        }
      })
    })
  }
}
