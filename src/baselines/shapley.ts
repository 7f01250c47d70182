import type { Objective } from '../train/objective.ts'
import { addLossGradient, lossOf, type Plan, smoothed } from '../train/step.ts'
import type { Random } from '../wasm/random.ts'
import { meanOf } from './mean.ts'
import { amongTrainees, type Baseline, cohortRivals, eachAlone, trainees, trainGroup } from './rival.ts'

/** Up to so many students, every coalition is looked at. */
const EXACT = 4

/**
 * Students joining one after the other. After each, or only when the last is there (`whole`), the coalition's mean output is judged,
 * and counts `weight` for the student that came last, or for every member.
 */
interface Chain {
  readonly members: ArrayLike<number>
  readonly whole: boolean
  readonly weight: number
}

/** Every coalition of up to four students: each student's mean over those it is in. */
function coalitions(students: number): Chain[] {
  return Array.from({ length: 2 ** students - 1 }, (_, c) => ({
    members: Array.from({ length: students }, (_, i) => i).filter((i) => ((c + 1) >> i) & 1),
    whole: true,
    weight: 1 / 2 ** (students - 1),
  }))
}

/** ⌊n ln n⌋ by exact operations, the same on every host: ln x = 2 artanh((x - 1) / (x + 1)) of x in [1, 2), and of 2. */
export function orders(n: number): number {
  const ln = (x: number) => {
    const t = (x - 1) / (x + 1)
    let sum = 0
    for (let k = 61, power = t * t; k > 0; k -= 2) sum = sum * power + 1 / k
    return 2 * t * sum
  }
  let [x, halvings] = [n, 0]
  for (; x >= 2; x /= 2) halvings++
  return Math.floor(n * (ln(x) + halvings * ln(2)))
}

/**
 * All students lower Σ_i of the mean task loss of the mean output of coalitions that i is in: all of them for up to four students,
 * else ⌊N ln N⌋ random orders of each batch, in which i's coalition are those before it and i. The authors' `shapley`, which
 * weighs coalitions alike. In a row, only students who see it are of a coalition; gradients reach all members.
 */
export function coalesced(plan: Plan, random: Random): Objective {
  const { problem, outputs, dOut, cohort } = plan
  const { session, target, sees } = problem
  const { kernels, memory } = session
  const N = cohort.students.length
  const D = target.outputs
  const row = 4 * cohort.capacity * D
  const classes = target.task === 'classification'
  const said = memory.alloc(N * row)
  const told = classes ? memory.alloc(N * row) : said
  const slope = memory.alloc(N * row)
  const weight = memory.alloc(4 * cohort.capacity)
  const average = meanOf(plan)
  const draw = (): Chain[] => {
    const K = orders(N)
    return Array.from({ length: K }, () => ({ members: random.permutation(N), whole: false, weight: 1 / K }))
  }
  const exact = N <= EXACT ? coalitions(N) : undefined
  let chains = exact ?? draw()
  let mean: ReturnType<typeof average>
  let total = 0
  /** Gradient of the total in each student's outputs, (N, B, D). */
  let pull = new Float64Array()

  /** Adds the loss of a chain's coalitions to the total, and its gradient to the pull. */
  function judge({ members, whole, weight: share }: Chain, rows: Int32Array): void {
    const B = rows.length
    const last = members.length - 1
    const judged = (p: number) => !whole || p === last
    const sum = new Float64Array(B * D)
    const count = Array.from({ length: members.length }, () => new Float64Array(B))
    for (let p = 0; p <= last; p++) {
      const mine = memory.f32(outputs + 4 * members[p] * B * D, B * D)
      const w = memory.f32(weight, B)
      const rowWeights = memory.f32(mean.rowWeights, B)
      const at = 4 * p * B * D
      const coalition = memory.f32(said + at, B * D)
      for (let b = 0; b < B; b++) {
        const here = sees[members[p]][rows[b]]
        const n = here + (p > 0 ? count[p - 1][b] : 0)
        count[p][b] = n
        w[b] = rowWeights[b] * share * (whole ? n : here)
        for (let k = b * D; k < (b + 1) * D; k++) {
          if (here) sum[k] += mine[k]
          coalition[k] = n > 0 ? sum[k] / n : 0
        }
      }
      if (!judged(p)) continue
      if (classes) kernels.softmax(told + at, said + at, B, D)
      total += smoothed(plan, said + at, weight, B, lossOf(plan, said + at, weight, B))
      memory.f32(slope + at, B * D).fill(0)
      addLossGradient(plan, slope + at, told + at, weight, B)
    }
    // A member has a share in every coalition from its own on.
    const drawn = new Float64Array(B * D)
    for (let p = last; p >= 0; p--) {
      const [i, d] = [members[p], memory.f32(slope + 4 * p * B * D, B * D)]
      for (let k = 0; k < B * D; k++) {
        const b = Math.floor(k / D)
        if (judged(p) && count[p][b] > 0) drawn[k] += d[k] / count[p][b]
        if (sees[i][rows[b]]) pull[i * B * D + k] += drawn[k]
      }
    }
  }

  return {
    look(rows) {
      mean = average(rows)
      total = 0
      pull = new Float64Array(N * rows.length * D)
      for (const chain of chains) judge(chain, rows)
    },
    judged: () => mean.loss,
    trained: () => total,
    gradient(i, B) {
      const d = memory.f32(dOut, B * D)
      for (let k = 0; k < B * D; k++) d[k] += pull[i * B * D + k]
    },
    finish() {
      chains = exact ?? draw()
    },
  }
}

/** The cohort trained for its coalitions, as its last epoch left it, as in the authors' code. */
export const shapley: Baseline = {
  validates: true,
  trains: ({ cohort }) => trainees(cohort),
  train: (arena) =>
    amongTrainees(arena, function* (group) {
      const objective = coalesced(group.plan, arena.setting.random.fork('shapley'))
      const stage = yield* trainGroup(arena, group, () => objective, { keep: 'last' })
      return yield* cohortRivals(arena, 'shapley', group, eachAlone(group, stage))
    }),
}
