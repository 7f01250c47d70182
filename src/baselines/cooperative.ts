// Cooperative learning: networks on single modalities add up to the prediction and are drawn to each other.

import { noEnsembles } from '../fusion/ensemble.ts'
import type { StudentSpec } from '../fusion/student.ts'
import { modelOf } from '../train/model.ts'
import type { Objective } from '../train/objective.ts'
import { canLearn, type Premises } from '../train/setting.ts'
import type { StageResult } from '../train/stage.ts'
import { addLossGradient, lossOf, type Plan, smoothed } from '../train/step.ts'
import type { Pointer } from '../wasm/memory.ts'
import { addedUp } from './late-fusion.ts'
import { type Arena, type Baseline, bestOf, type Contest, type Ground, inRoom, type Rival, trainGroup } from './rival.ts'
import { networkOn, singleNetworks } from './single.ts'

export interface Cooperation {
  /** How strongly they are drawn to each other, 0 ≤ ρ < 1. */
  readonly rho: number
  /** The student on all modalities that learns what the others' sum misses; -1 for none. */
  readonly interaction: number
  /** The authors' code: the others do not see what the interaction network says. */
  readonly blind?: boolean
}

/**
 * Student m of one modality lowers task(Σ f, y) + ρ Σ_{j≠m} mean (f_m - f_j)²; the interaction network e lowers
 * task(Σ f, y) + ρ / (1 - ρ) mean f_e². The others are constants of the batch. In a row, those add up who see it.
 *
 * For two modalities without e this is ½ (y - f₁ - f₂)² + ρ/2 (f₁ - f₂)² of Ding et al., PNAS 2022; more are drawn to each other
 * pairwise, as there. Their form for other likelihoods is the negative log-likelihood of the summed logits, with half the
 * squared distance of the logits, and is what classification does here. Everyone is judged by the task loss of the sum.
 */
export function cooperate(plan: Plan, { rho, interaction, blind = false }: Cooperation): Objective {
  const { problem, weights, outputs, dOut, cohort } = plan
  const { session, target, sees } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const classes = target.task === 'classification'
  const each = classes ? 0.5 : 1 / D
  const modal = cohort.students.map((_, i) => i).filter((i) => i !== interaction)
  const everyone = cohort.students.map((_, i) => i)
  const room = () => memory.alloc(4 * cohort.capacity * D)
  const sumOf = () => {
    const said = room()
    return { said, told: classes ? room() : said }
  }
  const whole = sumOf()
  const heard = blind ? sumOf() : whole
  let rows: Int32Array = new Int32Array()
  let joint = 0

  const weightOf = (i: number): Pointer => weights.groups[weights.of[i]].task
  const saidBy = (i: number, B: number) => memory.f32(outputs + 4 * i * B * D, B * D)

  function addUp({ said, told }: typeof whole, members: readonly number[], B: number): void {
    const sum = memory.f32(said, B * D).fill(0)
    for (const i of members) {
      const mine = saidBy(i, B)
      for (let k = 0; k < B * D; k++) if (sees[i][rows[Math.floor(k / D)]]) sum[k] += mine[k]
    }
    if (classes) kernels.softmax(told, said, B, D)
  }

  /** How far student i is from those it is drawn to, number by number; the interaction network is drawn to 0. */
  function distances(i: number, B: number, tell: (k: number, weight: number, distance: number) => void): void {
    const mine = saidBy(i, B)
    const w = memory.f32(weightOf(i), B)
    const zero = { said: new Float32Array(B * D), sees: sees[i] }
    const others = modal.filter((j) => j !== i).map((j) => ({ said: saidBy(j, B), sees: sees[j] }))
    const strength = i === interaction ? rho / (1 - rho) : rho
    for (const other of i === interaction ? [zero] : others) {
      for (let k = 0; k < B * D; k++) {
        const b = Math.floor(k / D)
        if (w[b] > 0 && other.sees[rows[b]]) tell(k, strength * each * w[b], mine[k] - other.said[k])
      }
    }
  }

  return {
    look(chosen) {
      rows = chosen
      addUp(whole, everyone, rows.length)
      if (blind) addUp(heard, modal, rows.length)
      joint = lossOf(plan, whole.said, weights.groups[weights.anyone].task, rows.length)
    },
    judged: () => joint,
    trained(i, B) {
      let drawn = 0
      distances(i, B, (_, weight, distance) => {
        drawn += weight * distance * distance
      })
      const { said } = i === interaction ? whole : heard
      return smoothed(plan, said, weightOf(i), B, lossOf(plan, said, weightOf(i), B)) + drawn
    },
    gradient(i, B) {
      addLossGradient(plan, dOut, (i === interaction ? whole : heard).told, weightOf(i), B)
      const d = memory.f32(dOut, B * D)
      distances(i, B, (k, weight, distance) => {
        d[k] += 2 * weight * distance
      })
    },
  }
}

/** The networks: one on each modality, then one on all, where some row has all. */
function cooperators(setting: Premises): { specs: StudentSpec[]; interaction: number } {
  const modal = singleNetworks(setting)
  const all = networkOn(setting, () => true)
  return canLearn(setting, all) ? { specs: [...modal, all], interaction: modal.length } : { specs: modal, interaction: -1 }
}

/** The ρ that are tried: those of the run below 1, and 0. */
const strengths = ({ resolved: { rho } }: Premises): number[] =>
  [...new Set([...(rho.includes(0) ? [] : [0]), ...rho])].filter((r) => r < 1)

const train = (arena: Arena, name: string, blind: boolean): Contest => {
  const { setting, provenance } = arena
  const { specs, interaction } = cooperators(setting)
  const notes = interaction < 0 ? ['no training or no validation row has all modalities: there is no interaction network'] : []
  return inRoom(arena, specs, function* (group): Contest<readonly Rival[]> {
    const { memory } = setting.session
    const results: StageResult[] = []
    for (const rho of strengths(setting)) {
      const mark = memory.mark()
      const objective = cooperate(group.plan, { rho, interaction, blind })
      results.push(yield* trainGroup(arena, group, () => objective, { rho }))
      memory.release(mark)
    }
    const { chosen, rhoLosses } = bestOf(results)
    const model = modelOf(setting, group, chosen, noEnsembles(['simple-average']), {
      ...provenance,
      rho: chosen.rho,
      rhoLosses,
      notes: [...provenance.notes, ...notes],
    })
    // Networks that diverged together have no finite loss and, where no pattern is listed, predict nothing.
    const said = Number.isFinite(chosen.losses[0]) ? addedUp(setting, model) : model
    return [{ name, model: said, rule: 'simple-average' }]
  })
}

const trains = ({ setting }: Ground): readonly StudentSpec[] => {
  const { specs } = cooperators(setting)
  return strengths(setting).flatMap(() => specs)
}

/**
 * Cooperative learning with an interaction network, ρ by the validation loss of the sum. A missing modality adds nothing to the
 * sum, in training and in prediction; the interaction network speaks for rows that have all.
 */
export const cooperative: Baseline = {
  validates: true,
  refusal: ({ modalities }) => (modalities.length > 1 ? undefined : 'is for two modalities or more'),
  trains,
  train: (arena) => train(arena, 'cooperative', false),
}

/** The same as in the authors' code, where the two networks do not see what the interaction network says. */
export const cooperativeReference: Baseline = {
  validates: true,
  refusal: ({ modalities, target }) =>
    modalities.length === 2 && target.task === 'regression' ? undefined : 'is for a regression on two modalities',
  // Its own function: it is a training of its own.
  trains: (ground) => trains(ground),
  train: (arena) => train(arena, 'cooperative-reference', true),
}
