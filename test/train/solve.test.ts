import { describe, expect, test } from 'vitest'
import type { Solver } from '../../src/fusion/student.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { type FittedRows, type Norm, penalisedPath, penaltiesOf } from '../../src/train/penalised.ts'
import type { Problem } from '../../src/train/problem.ts'
import { type Part, solve } from '../../src/train/solve.ts'
import type { Solved, Start } from '../../src/train/stage.ts'
import { type Plan, planOf } from '../../src/train/step.ts'
import { numbers } from '../kernels/harness.ts'
import { blocksOf, type Made, type Making, make, specOf } from './cohort.ts'

const ROWS = 60
const FEATURES = [6, 4]
const all = Int32Array.from({ length: ROWS }, (_, row) => row)
const folds = [0, 1, 2].map((f) => all.filter((row) => row % 3 === f))
const PARTS: Part[] = folds.map((held) => ({ train: all.filter((row) => !held.includes(row)), held }))

const specs = [
  specOf('raw raw', 2, { hidden: [5] }),
  specOf('raw raw', 2),
  specOf('raw skip', 2),
  specOf('raw raw', 2, { hidden: [32] }),
]
const SOLVED = [undefined, 'ridge', 'lasso', 'random'] as const
const making: Making = { specs, features: FEATURES, rows: ROWS }

/** A target that is linear in the first features, and noise: weak penalties are too weak for it. */
function targetOf(task: 'classification' | 'regression', noise = 1) {
  const random = numbers(1)
  const [a] = FEATURES.map((width) => random.f32(ROWS * width, -1.5, 1.5))
  const error = numbers(8).f32(2 * ROWS, -2 * noise, 2 * noise)
  const score = (row: number, d: number) => a[6 * row + d] - 0.5 * a[6 * row + 3] + error[2 * row + d]
  const values = Array.from({ length: 2 * ROWS }, (_, i) => score(Math.floor(i / 2), i % 2))
  return task === 'regression' ? Float32Array.from(values) : Int32Array.from(all, (row) => (score(row, 0) > 0 ? 1 : 0))
}

/** Its value, and after how many turns. */
function run<T>(work: Generator<unknown, T>): { value: T; turns: number } {
  let turns = 0
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return { value: turn.value, turns }
    turns++
  }
}

function made(more: Partial<Making> = {}, solved: Problem['solved'] = SOLVED): Made & { plan: Plan } {
  const one = make({ ...making, target: targetOf(more.task ?? 'regression'), ...more })
  const problem = { ...one.problem, solved }
  return { ...one, problem, plan: planOf(problem, 64) }
}

const startsOf = (plan: Plan) => blocksOf(plan.problem).map((block) => ({ block }))
const solvedOf = (plan: Plan, parts = PARTS, last = all): Solved => run(solve(plan, startsOf(plan), parts, last)).value

/** By hand: what a linear student looks at of the rows it sees, what that should give, and what they count. */
function seenBy({ problem, tables, target }: Made, i: number, among: Int32Array) {
  const { ports } = problem.students[i]
  const seen = among.filter((row) => problem.sees[i][row])
  const weight = (row: number) => problem.target.weights?.[row] ?? 1
  const count = seen.reduce((sum, row) => sum + weight(row), 0)
  return {
    count,
    x: Float32Array.from(
      [...seen].flatMap((row) =>
        ports.flatMap(({ source, width }) => [...tables.get(source)!.values.subarray(row * width, (row + 1) * width)]),
      ),
    ),
    target: targetRows(target, seen),
    shares: Float32Array.from(seen, (row) => weight(row) / count),
    rows: seen.length,
  }
}

const targetRows = (target: Made['target'], rows: Int32Array) =>
  target instanceof Int32Array
    ? Int32Array.from(rows, (row) => target[row])
    : Float32Array.from([...rows].flatMap((row) => [target[2 * row], target[2 * row + 1]]))

/** By hand: the path on some rows. */
function pathOf(of: Made, i: number, among: Int32Array, norm: Norm, more?: (block: Float32Array) => boolean) {
  const { session, target } = of.problem
  const { memory } = session
  const mark = memory.mark()
  const mine = seenBy(of, i, among)
  const rows: FittedRows = {
    x: memory.put(mine.x),
    rows: mine.rows,
    width: of.problem.students[i].head.widths[0],
    task: target.task,
    target: memory.put(mine.target),
    outputs: 2,
    weights: memory.put(mine.shares),
  }
  const path = run(penalisedPath(session, rows, norm, more))
  memory.release(mark)
  return path
}

/** By hand: the loss of a block over the rows that a student sees, summed, in f64. */
function heldLoss(of: Made, i: number, held: Int32Array, block: Float32Array): number {
  const { x, target, shares, rows, count } = seenBy(of, i, held)
  const width = of.problem.students[i].head.widths[0]
  let mean = 0
  for (let b = 0; b < rows; b++) {
    const z = [0, 1].map((d) => {
      let sum = block[2 * width + d]
      for (let j = 0; j < width; j++) sum += block[d * width + j] * x[b * width + j]
      return sum
    })
    if (target instanceof Int32Array) mean += shares[b] * (Math.log(Math.exp(z[0]) + Math.exp(z[1])) - z[target[b]])
    else mean += (shares[b] * ((z[0] - target[2 * b]) ** 2 + (z[1] - target[2 * b + 1]) ** 2)) / 2
  }
  return mean * count
}

describe.each([
  ['classification', { task: 'classification' }],
  ['regression', {}],
  ['regression with modalities missing', { patterns: Array.from(all, (row) => ['11', '10', '11', '01', '11'][row % 5]) }],
  ['classification with row weights', { task: 'classification', weights: Float64Array.from(all, (row) => 1 + (row % 4)) }],
] as [string, Partial<Making>][])('%s', (_, more) => {
  const of = made({ ...more, target: targetOf(more.task ?? 'regression') })
  const { plan } = of
  const mark = plan.problem.session.memory.mark()
  const solved = solvedOf(plan)

  test.each([
    [1, 'squares'],
    [2, 'sizes'],
  ] as const)('student %i has the penalty of the smallest loss on held rows, of all parts together', (i, norm) => {
    const paths = PARTS.map(({ train }) => pathOf(of, i, train, norm).value)
    const losses = penaltiesOf(norm, of.problem.target.task).map((_, l) =>
      PARTS.reduce((sum, { held }, p) => sum + heldLoss(of, i, held, paths[p][l]), 0),
    )
    const best = losses.indexOf(Math.min(...losses))
    // Otherwise the first or the last would do as well.
    expect(best).toBeGreaterThan(0)
    expect(best).toBeLessThan(losses.length - 1)
    PARTS.forEach((_, p) => {
      expect(solved.parts[p][i]!.block).toEqual(paths[p][best])
    })
    expect(solved.whole[i]!.block).toEqual(pathOf(of, i, all, norm).value[best])
  })

  test('a hidden layer stays as it was drawn, √6 times as large, the same in all parts', () => {
    const { block } = startsOf(plan)[3]
    const hidden = block.subarray(0, 11 * 32).map((v) => v * Math.sqrt(6))
    for (const start of [...solved.parts.map((part) => part[3]), solved.whole[3]]) {
      const found = start!.block
      expect(found).toHaveLength(block.length)
      expect(found.subarray(0, 11 * 32)).toEqual(hidden)
      expect(found.subarray(11 * 32)).not.toEqual(block.subarray(11 * 32))
    }
    expect(solved.parts[0][3]!.block.subarray(11 * 32)).not.toEqual(solved.parts[1][3]!.block.subarray(11 * 32))
  })

  test('who takes steps is not among them', () => {
    for (const part of [...solved.parts, solved.whole]) expect(part[0]).toBeUndefined()
  })

  test('leaves memory as it was, and gives the same again', () => {
    expect(plan.problem.session.memory.mark()).toBe(mark)
    expect(solvedOf(plan)).toEqual(solved)
    expect(plan.problem.session.memory.mark()).toBe(mark)
  })
})

test('what is behind a hidden layer is ridge on its values', () => {
  const random = specs.slice(3)
  const of = made({ specs: random }, ['random'])
  const { whole } = run(solve(of.plan, startsOf(of.plan), PARTS, all)).value
  const { x, rows } = seenBy(of, 0, all)
  const hidden = new Float32Array(rows * 32)
  for (let b = 0; b < rows; b++) {
    for (let h = 0; h < 32; h++) {
      let sum = whole[0]!.block[320 + h]
      for (let j = 0; j < 10; j++) sum += whole[0]!.block[h * 10 + j] * x[b * 10 + j]
      hidden[b * 32 + h] = Math.max(0, sum)
    }
  }
  const tables = new Map([['0:raw', { values: hidden, width: 32 }]])
  const linear = made({ specs: [specOf('raw', 2)], features: [32], tables, target: of.target }, ['ridge'])
  const last = whole[0]!.block.subarray(352)
  const [nearest, next] = pathOf(linear, 0, all, 'squares')
    .value.map((block) => Math.hypot(...block.map((v, j) => v - last[j])) / Math.hypot(...last))
    .sort((a, b) => a - b)
  // These values were rounded otherwise.
  expect(nearest).toBeLessThan(0.01)
  expect(next).toBeGreaterThan(0.1)
  const said = cohortOutputs(of.plan, whole as readonly Start[], Int32Array.of(7))
  const row = hidden.subarray(7 * 32, 8 * 32)
  for (const d of [0, 1]) {
    const expected = row.reduce((sum, v, h) => sum + v * last[d * 32 + h], last[64 + d])
    expect(said[d]).toBeCloseTo(expected, 4)
  }
})

test('the one part whose rows are the last ones is fitted once', () => {
  const { plan } = made()
  const part = { train: all.subarray(0, 40), held: all.subarray(40) }
  const once = run(solve(plan, startsOf(plan), [part], part.train))
  const twice = run(solve(plan, startsOf(plan), [part], part.train.slice()))
  for (const i of [1, 2, 3]) expect(once.value.whole[i]).toBe(once.value.parts[0][i])
  expect(twice.value).toEqual(once.value)
  expect(twice.turns).toBeGreaterThan(once.turns)
})

describe('a path', () => {
  const noise = targetOf('regression', 2)
  const part = { train: all.subarray(0, 12), held: all.subarray(12) }

  test.each([
    ['ridge', 'squares'],
    ['lasso', 'sizes'],
  ] as [Solver, Norm][])('of %s is left where the loss on held rows is half as large again as it was', (solver, norm) => {
    const of = made({ specs: [specs[1]], target: noise }, [solver])
    const { plan } = of
    const solved = run(solve(plan, startsOf(plan), [part], part.train))
    let least = Number.POSITIVE_INFINITY
    const left = pathOf(of, 0, part.train, norm, (block) => {
      const loss = heldLoss(of, 0, part.held, block)
      least = Math.min(least, loss)
      return loss <= 1.5 * least
    })
    expect(solved.turns).toBe(left.turns)
    expect(left.value.length).toBeLessThan(penaltiesOf(norm, 'regression').length)
    expect(solved.turns).toBeLessThan(pathOf(of, 0, part.train, norm).turns)
    expect(heldLoss(of, 0, part.held, solved.value.whole[0]!.block)).toBeCloseTo(least, 3)
  })

  test('is not left on the word of a few rows', () => {
    const of = made({ specs: [specs[1]], target: noise }, ['ridge'])
    const few = { train: part.train, held: part.held.subarray(0, 19) }
    const { turns } = run(solve(of.plan, startsOf(of.plan), [few], few.train))
    expect(turns).toBe(pathOf(of, 0, few.train, 'squares').turns)
  })

  test('that one part leaves is nobody’s: the penalty is among those that all parts came to', () => {
    const of = made({ specs: [specs[1]], target: noise }, ['ridge'])
    // Judged by its own rows, the second part would have no penalty at all.
    const own = { train: all, held: all }
    const [alone, both] = [[own], [part, own]].map((parts) => run(solve(of.plan, startsOf(of.plan), parts, all)).value)
    const path = pathOf(of, 0, all, 'squares').value
    const place = ({ whole }: Solved) => path.findIndex((block) => block.every((v, j) => v === whole[0]!.block[j]))
    expect(place(alone)).toBe(penaltiesOf('squares', 'regression').length - 1)
    const [first, ...later] = pathOf(of, 0, part.train, 'squares').value.map((block) => heldLoss(of, 0, part.held, block))
    let least = first
    const turned = later.findIndex((loss) => {
      least = Math.min(least, loss)
      return loss > 1.5 * least
    })
    expect(turned).toBeGreaterThanOrEqual(0)
    expect(place(both)).toBeGreaterThanOrEqual(0)
    expect(place(both)).toBeLessThanOrEqual(turned + 1)
  })
})

test('a student that sees no held row has the strongest penalty; of no row at all, zeros', () => {
  const patterns = Array.from(all, (row) => (row < 30 ? '11' : '01'))
  const of = made({ specs: [specs[2]], patterns }, ['ridge'])
  const [seen, unseen] = [all.subarray(0, 30), all.subarray(30)]
  const { parts } = solvedOf(of.plan, [{ train: seen, held: unseen }], seen)
  expect(parts[0][0]!.block).toEqual(pathOf(of, 0, seen, 'squares').value[0])
  const none = solvedOf(of.plan, [{ train: unseen, held: seen }], unseen)
  expect(none.whole[0]!.block).toEqual(new Float32Array(14))
})
