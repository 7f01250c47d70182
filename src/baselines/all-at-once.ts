// Students and the network that stacks them, trained at once.

import { canSpeak, type Pattern } from '../fusion/availability.ts'
import type { Ensembles } from '../fusion/ensemble.ts'
import type { Window } from '../nn/dense.ts'
import { layoutOf } from '../nn/layout.ts'
import { type MlpSpec, mlp, mlpLayers, mlpShapes } from '../nn/mlp.ts'
import { denseInputGradient } from '../train/backward/dense.ts'
import { mlpGradient } from '../train/backward/mlp.ts'
import { patternsWorth } from '../train/ensembling.ts'
import { firstBlocks } from '../train/init.ts'
import { modelOf } from '../train/model.ts'
import type { Losses, Objective } from '../train/objective.ts'
import { noSteps, type OptimizerSpec, type OptimizerState, optimize } from '../train/optimizer.ts'
import type { Group, Setting } from '../train/setting.ts'
import { mutual } from '../train/sharing.ts'
import type { StageResult } from '../train/stage.ts'
import { addLossGradient, lossOf, type Plan, smoothed } from '../train/step.ts'
import type { Random } from '../wasm/random.ts'
import { type Arena, amongTrainees, type Baseline, bestOf, type Contest, eachAlone, trainees, trainGroup } from './rival.ts'

/** The stacking network as the authors have it: from all students' outputs side by side, N·D → N·D → D. */
export const stackerSpec = (students: number, outputs: number): MlpSpec => ({
  widths: [students * outputs, students * outputs, outputs],
  activation: 'relu',
})

/** First weights of a stacking network. */
export function firstStacker(spec: MlpSpec, random: Random): Float32Array {
  const layout = layoutOf(mlpShapes('head', spec))
  const student = { spec: { extractors: [], hidden: [], activation: spec.activation, outputs: 0 }, ports: [], head: spec, layout }
  return firstBlocks([student], ['stacker'], random)[0]
}

/** A stacking network in memory, with what its optimizer remembers. */
export function stackerOf({ problem: { session } }: Plan, block: Float32Array): OptimizerState {
  const { memory } = session
  const size = block.length
  const at = memory.alloc(12 * size)
  memory.f32(at, size).set(block)
  memory.f32(at + 4 * size, 2 * size).fill(0)
  return { block: at, first: at + 4 * size, second: at + 8 * size, size, steps: noSteps() }
}

/** Room to run a stacking network on the outputs of a plan's students. A student that does not see a row says 0 to it. */
function stacking(plan: Plan, spec: MlpSpec, at: number) {
  const { problem, cohort } = plan
  const { session, target, sees } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const N = cohort.students.length
  const room = (width: number): Window => ({ at: memory.alloc(4 * cohort.capacity * width), ld: width })
  const layers = mlpLayers(spec, at)
  const input = room(N * D)
  const hidden = spec.widths.slice(1, -1).map(room)
  const said = room(D)
  return {
    layers,
    input,
    hidden,
    said,
    room,
    /** @param outputs of the students on the rows, (N, B, D) */
    run(outputs: Float32Array, rows: Int32Array): void {
      const B = rows.length
      const x = memory.f32(input.at, B * N * D).fill(0)
      sees.forEach((mine, i) => {
        rows.forEach((row, b) => {
          if (mine[row]) x.set(outputs.subarray((i * B + b) * D, (i * B + b + 1) * D), (b * N + i) * D)
        })
      })
      mlp(kernels, said, input, layers, hidden, B)
    },
  }
}

/**
 * Student i lowers task(stacker(f), y) + ρ Σ_{j≠i} D(f_i, f_j) / (N - 1), with the stacker and the others constants of the batch;
 * then the stacker takes a step along its own gradient at the same outputs. Everyone is judged by what the stacker says.
 */
export function allAtOnce(plan: Plan, spec: MlpSpec, stacker: OptimizerState, rho: number, optimizer: OptimizerSpec): Objective {
  const { problem, outputs, dOut, cohort, weights } = plan
  const { session, target, sees } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const N = cohort.students.length
  const { layers, input, hidden, said, room, run } = stacking(plan, spec, stacker.block)
  const told = target.task === 'classification' ? room(D) : said
  const [dSaid, dInput] = [room(D), room(N * D)]
  const turns = [room(N * D).at, room(N * D).at]
  const slopes = hidden.map(({ ld }, l) => ({ at: turns[l % 2], ld }))
  const gradient = memory.alloc(4 * stacker.size)
  const rowWeights = weights.groups[weights.anyone].task
  let rows: Int32Array = new Int32Array()
  let loss = 0
  const base: Objective = {
    look(chosen) {
      rows = chosen
      const B = rows.length
      run(memory.f32(outputs, N * B * D), rows)
      if (told !== said) kernels.softmax(told.at, said.at, B, D)
      loss = lossOf(plan, said.at, rowWeights, B)
      memory.f32(dSaid.at, B * D).fill(0)
      addLossGradient(plan, dSaid.at, told.at, rowWeights, B)
      const below = mlpGradient(kernels, gradient, dSaid, input, layers, hidden, slopes, B)
      denseInputGradient(kernels, dInput, below, layers[0], B, 0, N * D)
    },
    judged: () => loss,
    trained: (_, B, judged) => smoothed(plan, said.at, rowWeights, B, judged),
    gradient(i, B) {
      const d = memory.f32(dOut, B * D)
      const whole = memory.f32(dInput.at, B * N * D)
      for (let b = 0; b < B; b++) {
        if (!sees[i][rows[b]]) continue
        for (let k = 0; k < D; k++) d[b * D + k] += whole[(b * N + i) * D + k]
      }
    },
    finish: () => optimize(kernels, optimizer, stacker, gradient),
  }
  return mutual(plan, { rho, teachers: new Float32Array(N).fill(1), normalizer: 'others' }, base)
}

/** Students and their stacking network, both of the epoch at which the latter was best on validation rows. */
export interface Stacked {
  readonly stage: StageResult
  readonly spec: MlpSpec
  /** The stacking network's parameters, layer by layer: weight (outputs, inputs), bias (outputs). */
  readonly block: Float32Array
}

/** Trains a group and its stacking network at one ρ. */
function* trainStacked(arena: Arena, group: Group, rho: number): Contest<Stacked> {
  const { plan } = group
  const { session, resolved, random } = arena.setting
  const { memory } = session
  const mark = memory.mark()
  const spec = stackerSpec(group.specs.length, plan.problem.target.outputs)
  const stacker = stackerOf(plan, firstStacker(spec, random.fork('weights')))
  const objective = allAtOnce(plan, spec, stacker, rho, resolved.optimizer)
  const held = () => memory.f32(stacker.block, stacker.size).slice()
  let block = held()
  let least = Number.POSITIVE_INFINITY
  // The students are kept when the loss they are all judged by is least; so is what stacks them.
  const keep = (last: Losses | undefined) => {
    if (!last || !(last.task[0] < least)) return
    least = last.task[0]
    block = held()
  }
  const each = (_: number, last: Losses | undefined) => {
    keep(last)
    return objective
  }
  const stage = yield* trainGroup(arena, group, each, { rho })
  keep(stage.epochs.at(-1)?.validation)
  memory.release(mark)
  return { stage, spec, block }
}

/**
 * The students of the cohort and the network that stacks them, trained at once; ρ by what that network says of the validation
 * rows. A student that cannot see a row says 0 to it.
 */
export const trainedAtOnce: Baseline = {
  validates: true,
  trains: ({ setting, cohort }) => setting.resolved.rho.flatMap(() => trainees(cohort)),
  train: (arena) =>
    amongTrainees(arena, function* (group): Contest {
      const { setting, provenance } = arena
      const results: Stacked[] = []
      for (const rho of setting.resolved.rho) results.push(yield* trainStacked(arena, group, rho))
      const { chosen, rhoLosses } = bestOf(results.map(({ stage }) => stage))
      const { block } = results.find(({ stage }) => stage === chosen) as Stacked
      const stage = eachAlone(group, chosen)
      const origin = { ...provenance, rho: stage.rho, rhoLosses }
      // Those that diverged together have no finite loss and, where no pattern is listed, predict nothing.
      const said = stackedEnsembles(setting, group, block)
      const ensembles = Number.isFinite(chosen.losses[0]) ? said : { ...said, patterns: [], weights: { stacking: [] } }
      return [{ name: 'all-at-once', model: modelOf(setting, group, stage, ensembles, origin), rule: 'stacking' }]
    }),
}

/** Stacking alone: for each pattern its weights are alike over those that are heard. */
function stackedEnsembles({ names, patterns, resolved }: Setting, { specs }: Group, block: Float32Array): Ensembles {
  const heard = (pattern: Pattern) => specs.map((spec) => canSpeak(spec, pattern))
  const listed = patternsWorth(names.length, new Set(patterns)).filter((pattern) => heard(pattern).includes(true))
  const alike = (speak: readonly boolean[]) => {
    const n = speak.filter((s) => s).length
    return Float32Array.from(speak, (s) => (s ? 1 / n : 0))
  }
  const weights = { stacking: listed.map((pattern) => alike(heard(pattern))) }
  return { patterns: listed, weights, average: resolved.average, stacking: block }
}
