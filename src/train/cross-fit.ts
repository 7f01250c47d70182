// A stage as its problem says: checkpoints by validation rows, or cross-fitted. Cross-fitted, a copy of the cohort is trained without
// each fold and says what the fold's rows would be; when to stop, how sure to be, who teaches, ρ and ensembles go by those outputs.
// Then the cohort is trained once on all rows, each student for as long as its copies did best, so a model is no larger for it.

import { during } from '../core/during.ts'
import type { Random } from '../wasm/random.ts'
import { targetOf } from './frame.ts'
import { knownTarget } from './judged.ts'
import { outputsNow } from './outputs.ts'
import { scaleOf } from './scale.ts'
import { type Part, solve } from './solve.ts'
import { type BatchDone, type EpochLosses, runStage, type Stage, type StageResult, type Start } from './stage.ts'
import type { Plan } from './step.ts'

/** When a student may be stopped, as shares of a stage's epochs. */
const SHARES: readonly number[] = [0.06, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 1]

/** Rows at which half of what the outputs say of their own scale is believed. */
export const BELIEF = 50

/** Trains a stage, its students that take no steps solved before. */
export function* trainStage(plan: Plan, stage: Stage): Generator<BatchDone, StageResult> {
  const { folds, train, validation, solved } = plan.problem
  const idle = { rho: stage.rho, epoch: 0, losses: plan.trained.losses, batches: 0 }
  const parts: Part[] = folds ? folds.map((held) => ({ train: without(train, held), held })) : [{ train, held: validation }]
  const last = folds ? train : parts[0].train
  const found = solved && (stage.solutions ?? (yield* during(solve(plan, stage.starts, parts, last), () => idle)))
  const startsOf = (own: readonly (Start | undefined)[] = []) => stage.starts.map((start, i) => own[i] ?? start)
  const told = found ? { solutions: found } : {}
  if (!folds) return { ...(yield* runStage(plan, { ...stage, starts: startsOf(found?.whole) })), ...told }

  const { students, sees, target, session } = plan.problem
  const [M, n, D] = [students.length, train.length, target.outputs]
  const marks = stage.keep === 'last' ? [stage.epochs] : marksOf(stage.epochs)
  // Each row is held in every repeat once.
  const repeats = folds.reduce((sum, held) => sum + held.length, 0) / n
  // Outputs (marks, M, n, D) of the copies that have not seen the row, their mean over repeats.
  const said = new Float32Array(marks.length * M * n * D)
  const place = new Map(Array.from(train, (row, at) => [row, at]))
  const sums: EpochLosses['validation'][] = []
  for (const [f, held] of folds.entries()) {
    const places = Array.from(held, (row) => place.get(row) as number)
    let passed = 0
    const take = (upTo: number) => {
      for (; passed < marks.length && marks[passed] <= upTo; passed++) {
        const now = outputsNow(plan, held)
        for (let i = 0; i < M; i++) {
          places.forEach((at, b) => {
            const to = ((passed * M + i) * n + at) * D
            for (let d = 0; d < D; d++) said[to + d] += now[(i * held.length + b) * D + d] / repeats
          })
        }
      }
    }
    const copy = yield* runStage(
      { ...plan, problem: { ...plan.problem, validation: held } },
      {
        ...stage,
        starts: startsOf(found?.parts[f]),
        order: (epoch) => without(stage.order(epoch), held),
        keepMoments: false,
        after: take,
      },
    )
    take(stage.epochs)
    addLosses(
      sums,
      copy.epochs,
      sees.map((mine) => count(held, mine) / count(train, mine) / repeats),
    )
  }

  const bestEpoch = new Int32Array(M)
  const outOfFold = new Float32Array(M * n * D)
  const losses = new Float64Array(M)
  const scales = new Float64Array(M).fill(1)
  const known = knownTarget(plan, train)
  for (let i = 0; i < M; i++) {
    const mine = Array.from(train.keys()).filter((at) => sees[i][train[at]])
    const weights = target.weights && mine.map((at) => target.weights?.[train[at]] as number)
    let best = { mark: 0, loss: Number.POSITIVE_INFINITY, scale: 1 }
    for (let c = 0; c < marks.length; c++) {
      if (c > 0 && solved?.[i]) break
      const epoch = sums[Math.min(marks[c], sums.length) - 1]
      const raw = epoch.task[i]
      const outputs = pick(said.subarray((c * M + i) * n * D, (c * M + i + 1) * n * D), mine, D)
      const judged =
        stage.scaled && Number.isFinite(raw) && mine.length > 0
          ? scaleOf(session, outputs, targetOf(known, Int32Array.from(mine), D), D, weights, mine.length / (mine.length + BELIEF))
          : { loss: raw, scale: 1 }
      if (judged.loss < best.loss) best = { mark: c, ...judged }
      yield idle
    }
    bestEpoch[i] = marks[best.mark]
    losses[i] = best.loss
    scales[i] = best.scale
    const from = (best.mark * M + i) * n * D
    for (let j = 0; j < n * D; j++) outOfFold[i * n * D + j] = said[from + j] * best.scale
  }
  const refit = yield* runStage(plan, {
    ...stage,
    starts: startsOf(found?.whole),
    keep: bestEpoch,
    patience: 0,
    keepMoments: false,
  })
  const best = refit.best.map(({ block }, i) => ({
    block: scaled(block, students[i].head.widths.at(-2) as number, D, scales[i]),
  }))
  // A refit may end before its copies did: of later epochs there are no training losses.
  const epochs = sums.map((validation, e) => ({ train: refit.epochs[Math.min(e, refit.epochs.length - 1)].train, validation }))
  return {
    rho: stage.rho,
    best,
    losses: losses.map((loss, i) => (Number.isFinite(refit.losses[i]) ? loss : Number.POSITIVE_INFINITY)),
    bestEpoch,
    epochs,
    outOfFold,
    ...told,
  }
}

/** Folds of rows, as equal in size and in classes as can be; of groups, as many in each, and each whole. */
export function crossFolds(
  rows: Int32Array,
  folds: number,
  random: Random,
  labels: ArrayLike<number> | undefined,
  groups: readonly string[] | undefined,
): Int32Array[] {
  const together = new Map<string | number, number[]>()
  for (const row of rows) {
    const key = groups ? groups[row] : row
    const mine = together.get(key)
    if (mine) mine.push(row)
    else together.set(key, [row])
  }
  const units = [...together.values()]
  // By class in turn, at random within one: each fold gets every so manieth of a class.
  const order = Array.from(random.permutation(units.length)).sort((a, b) => label(units[a]) - label(units[b]))
  function label([row]: readonly number[]): number {
    return labels ? labels[row] : 0
  }
  const parts = Array.from({ length: Math.min(folds, units.length) }, () => [] as number[])
  order.forEach((u, at) => {
    parts[at % parts.length].push(...units[u])
  })
  return parts.map((part) => Int32Array.from(part).sort())
}

const marksOf = (epochs: number): number[] => [...new Set(SHARES.map((share) => Math.max(1, Math.round(share * epochs))))]

function without(rows: Int32Array, left: Int32Array): Int32Array {
  const out = new Set(left)
  return rows.filter((row) => !out.has(row))
}

const count = (rows: Int32Array, mine: Uint8Array): number => rows.reduce((sum, row) => sum + mine[row], 0)

/** Adds the validation losses of a fold's copy, by each student's share of the rows that it sees. A copy that ended early stays as it was. */
function addLosses(sums: EpochLosses['validation'][], epochs: readonly EpochLosses[], shares: readonly number[]): void {
  const last = sums.at(-1)
  while (last && sums.length < epochs.length) sums.push({ task: last.task.slice(), total: last.total.slice() })
  const M = epochs[0].validation.task.length
  if (!last) for (const _ of epochs) sums.push({ task: new Float64Array(M), total: new Float64Array(M) })
  sums.forEach((sum, e) => {
    const { task, total } = epochs[Math.min(e, epochs.length - 1)].validation
    for (let i = 0; i < M; i++) {
      if (shares[i] === 0) continue
      sum.task[i] += shares[i] * task[i]
      sum.total[i] += shares[i] * total[i]
    }
  })
}

function pick(values: Float32Array, rows: readonly number[], D: number): Float32Array {
  const out = new Float32Array(rows.length * D)
  rows.forEach((at, b) => {
    out.set(values.subarray(at * D, (at + 1) * D), b * D)
  })
  return out
}

/** A block whose outputs are so many times as large: the last layer's weights and biases are. */
export function scaled(block: Float32Array, inputs: number, D: number, scale: number): Float32Array {
  if (scale === 1) return block
  const out = block.slice()
  for (let j = out.length - (inputs + 1) * D; j < out.length; j++) out[j] *= scale
  return out
}
