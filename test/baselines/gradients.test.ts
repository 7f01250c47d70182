// The gradient of every rival's objective against differences of its definition in f64, with nothing in common with the code but
// what a student says (train/reference.ts). TOLERANCE as in test/gradients.test.ts.

import { describe, expect, test } from 'vitest'
import { allAtOnce, firstStacker, stackerOf, stackerSpec } from '../../src/baselines/all-at-once.ts'
import { cooperate } from '../../src/baselines/cooperative.ts'
import { together } from '../../src/baselines/joint.ts'
import { repelled } from '../../src/baselines/negative-correlation.ts'
import { coalesced, orders } from '../../src/baselines/shapley.ts'
import type { Pattern } from '../../src/fusion/availability.ts'
import type { Objective } from '../../src/train/objective.ts'
import { type Plan, planOf, trainBatch } from '../../src/train/step.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { begin, blocksOf, held, type Made, make, PLAIN, specOf } from '../train/cohort.ts'
import { network, slope, sourcesAt, speak, taskOf } from '../train/reference.ts'

const TOLERANCE = 4e-6

function close(what: string, mine: ArrayLike<number>, expected: ArrayLike<number>): void {
  const size = Math.max(...Array.from(expected, Math.abs))
  expect(size, `${what}: a gradient of zeros says nothing`).toBeGreaterThan(0)
  expect(Math.max(...Array.from(expected, (v, p) => Math.abs(mine[p] - v))) / size, what).toBeLessThanOrEqual(TOLERANCE)
}

/** Outputs by student and row; undefined where the student does not see the row. */
type Said = (number[] | undefined)[][]
/** The loss that student i lowers, given all outputs of the rows. */
type Definition = (made: Made, said: Said, rows: Int32Array, i: number) => number

const FEATURES = [5, 4, 3]
const PATTERNS: Pattern[] = ['111', '011', '110', '100', '001', '111', '010', '101', '000']
const ROWS = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 2)

const known = new WeakMap<Made, ReturnType<typeof sourcesAt>[]>()
/** What the sources hold in each row: found once, because it is asked for with every difference. */
function readersOf(made: Made): ReturnType<typeof sourcesAt>[] {
  const readers = known.get(made) ?? PATTERNS.map((_, row) => sourcesAt(made, row))
  known.set(made, readers)
  return readers
}

function outputsOf(made: Made, i: number, block: ArrayLike<number>, rows: Int32Array): Said[number] {
  const { students, sees } = made.problem
  return Array.from(rows, (row) => (sees[i][row] ? speak(students[i].spec, FEATURES, block, readersOf(made)[row]) : undefined))
}

const outputs = (made: Made, blocks: readonly ArrayLike<number>[], rows: Int32Array): Said =>
  blocks.map((block, i) => outputsOf(made, i, block, rows))

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
/** The mean over the rows where there is a value. */
function overRows(values: readonly (number | undefined)[]): number {
  const known = values.filter((v) => v !== undefined)
  return sum(known) / known.length
}
const added = (outs: readonly (number[] | undefined)[]): number[] | undefined => {
  const known = outs.filter((o) => o !== undefined)
  return known.length > 0 ? known[0].map((_, d) => sum(known.map((o) => o[d]))) : undefined
}
const mean = (outs: readonly (number[] | undefined)[]): number[] | undefined => {
  const n = outs.filter((o) => o !== undefined).length
  return added(outs)?.map((v) => v / n)
}
const squares = (a: readonly number[], b: readonly number[]) => sum(a.map((v, d) => (v - b[d]) ** 2))
const at = (said: Said, b: number) => said.map((mine) => mine[b])

/** Every student's gradient and loss after one batch, against the definition. */
function check(
  made: Made,
  objective: (plan: Plan) => Objective,
  definition: Definition,
  /** The loss as reported for student i; each one's share of it where it is a sum over all. */
  reported: (total: Float64Array, i: number) => number = (total, i) => total[i],
): void {
  const blocks = blocksOf(made.problem)
  const plan = planOf(made.problem, ROWS.length)
  begin(plan, blocks)
  const { losses } = trainBatch(plan, ROWS, objective(plan), PLAIN)
  const gradients = held(plan, 'first')
  const said = outputs(made, blocks, ROWS)
  made.problem.students.forEach((_, i) => {
    const loss = (block: ArrayLike<number>) => {
      const moved = [...said]
      moved[i] = outputsOf(made, i, block, ROWS)
      return definition(made, moved, ROWS, i)
    }
    expect(reported(losses.total, i) / loss(blocks[i])).toBeCloseTo(1, 5)
    close(`student ${i}`, gradients[i], slope(loss, blocks[i]))
  })
}

const SINGLE = ['raw skip skip', 'skip raw skip', 'skip skip mlp(3,2)']
const COHORT = ['raw skip skip', 'skip raw skip', 'raw raw skip', 'mlp(4,2) raw raw', 'skip mlp(3) raw', 'raw skip raw']
const specs = (names: readonly string[], D: number) => names.map((e) => specOf(e, D, { hidden: [6, 5], activation: 'tanh' }))

const TASKS: [string, 'regression' | 'classification', number, number][] = [
  ['one value', 'regression', 1, 0],
  ['three values', 'regression', 3, 0],
  ['four classes', 'classification', 4, 0],
  ['two classes, smoothed', 'classification', 2, 0.2],
]

describe.each(TASKS)('%s', (_, task, D, smoothing) => {
  describe.each([
    ['complete rows', undefined],
    ['modalities missing', PATTERNS],
  ])('%s', (_, patterns) => {
    const made = (names: readonly string[]) =>
      make({ specs: specs(names, D), features: FEATURES, rows: 9, task, smoothing, ...(patterns ? { patterns } : {}), seed: 12 })
    const lossAt = (of: Made, out: number[] | undefined, row: number) => {
      if (!out) return undefined
      const { loss, blurred } = taskOf(of)
      return smoothing > 0 ? (1 - smoothing) * loss(out, row) + smoothing * blurred(out) : loss(out, row)
    }

    test.each([
      ['each on a modality', SINGLE, -1, false],
      ['and one on all', [...SINGLE, 'raw raw raw'], 3, false],
      ['and one on all that the others do not see', [...SINGLE, 'raw raw raw'], 3, true],
    ])('cooperative learning of networks, %s', (_, names, interaction, blind) => {
      const rho = 0.6
      const size = task === 'classification' ? 0.5 : 1 / D
      const definition: Definition = (of, said, rows, i) =>
        overRows(
          Array.from(rows, (row, b) => {
            const mine = said[i][b]
            if (!mine) return undefined
            const heard = blind && i !== interaction ? said.filter((_, j) => j !== interaction) : said
            const task = lossAt(of, added(at(heard, b)), row) as number
            if (i === interaction)
              return (
                task +
                (rho / (1 - rho)) *
                  size *
                  squares(
                    mine,
                    mine.map(() => 0),
                  )
              )
            const others = said.filter((_, j) => j !== i && j !== interaction).map((said) => said[b])
            return task + rho * size * sum(others.map((other) => (other ? squares(mine, other) : 0)))
          }),
        )
      check(made(names), (plan) => cooperate(plan, { rho, interaction, blind }), definition)
    })

    test('one loss on the mean', () => {
      const definition: Definition = (of, said, rows) =>
        overRows(Array.from(rows, (row, b) => lossAt(of, mean(at(said, b)), row)))
      check(made(COHORT), together, definition)
    })

    test('every coalition of four', () => {
      const four = made(COHORT.slice(0, 4))
      const definition: Definition = (of, said, rows) =>
        overRows(
          Array.from(rows, (row, b) => {
            const outs = at(said, b)
            if (!outs.some(Boolean)) return undefined
            return sum(
              outs.map((mine, i) => {
                if (!mine) return 0
                const worth = Array.from({ length: 16 }, (_, c) => c).filter((c) => (c >> i) & 1)
                const coalition = (c: number) => mean(outs.map((o, j) => ((c >> j) & 1 ? o : undefined)))
                return sum(worth.map((c) => lossAt(of, coalition(c), row) as number)) / worth.length
              }),
            )
          }),
        )
      check(four, (plan) => coalesced(plan, randomFrom(plan.problem.session, 1)), definition)
    })

    test('random orders of six', () => {
      const six = made(COHORT)
      const random = randomFrom(six.problem.session, 3)
      const drawn = Array.from({ length: 10 }, () => [...random.permutation(6)])
      const definition: Definition = (of, said, rows) =>
        overRows(
          Array.from(rows, (row, b) => {
            const outs = at(said, b)
            if (!outs.some(Boolean)) return undefined
            const worth = (i: number, order: number[]) =>
              lossAt(of, mean(order.slice(0, order.indexOf(i) + 1).map((j) => outs[j])), row) as number
            return sum(outs.map((mine, i) => (mine ? sum(drawn.map((order) => worth(i, order))) / drawn.length : 0)))
          }),
        )
      check(six, (plan) => coalesced(plan, randomFrom(plan.problem.session, 3)), definition)
    })

    if (task === 'regression') {
      test('negative correlation', () => {
        const rho = 0.3
        const definition: Definition = (of, said, rows) =>
          overRows(
            Array.from(rows, (row, b) => {
              const outs = at(said, b)
              if (!outs.some(Boolean)) return undefined
              return sum(
                outs.map((mine, i) => {
                  if (!mine) return 0
                  const others = mean(outs.filter((_, j) => j !== i))
                  return (lossAt(of, mine, row) as number) - (others ? (rho * squares(mine, others)) / D : 0)
                }),
              )
            }),
          )
        check(
          made(COHORT),
          (plan) => repelled(plan, rho),
          definition,
          (total) => sum([...total]),
        )
      })
    }

    test('students and the network that stacks them', () => {
      const rho = 0.7
      const of = made(COHORT)
      const N = COHORT.length
      const spec = stackerSpec(N, D)
      const first = firstStacker(spec, randomFrom(of.problem.session, 9))
      const stacked = (block: ArrayLike<number>, said: Said, b: number) =>
        network(
          said.flatMap((mine) => mine[b] ?? new Array(D).fill(0)),
          spec.widths,
          spec.activation,
          block,
        )
      const judged = (block: ArrayLike<number>, said: Said, rows: Int32Array) =>
        overRows(Array.from(rows, (row, b) => (at(said, b).some(Boolean) ? lossAt(of, stacked(block, said, b), row) : undefined)))
      const given = outputs(of, blocksOf(of.problem), ROWS)
      const definition: Definition = (_, said, rows, i) => {
        const divergence = Array.from(rows, (_, b) => {
          const mine = said[i][b]
          if (!mine) return undefined
          const others = given.filter((_, j) => j !== i).flatMap((other) => (other[b] ? [other[b]] : []))
          return others.length > 0 ? sum(others.map((other) => taskOf(of).apart(mine, other))) / others.length : 0
        })
        return judged(first, said, rows) + rho * overRows(divergence)
      }
      const stackers: ReturnType<typeof stackerOf>[] = []
      check(
        of,
        (plan) => {
          stackers.push(stackerOf(plan, first))
          return allAtOnce(plan, spec, stackers[0], rho, PLAIN)
        },
        definition,
      )
      // A plain step keeps the gradient as its velocity.
      const { memory } = of.problem.session
      close(
        'stacker',
        memory.f32(stackers[0].first, first.length),
        slope((block) => judged(block, given, ROWS), first),
      )
    })
  })
})

test('so many random orders as ⌊n ln n⌋, for every cohort there can be', () => {
  for (let n = 1; n <= 4096; n++) expect(orders(n), `${n}`).toBe(Math.floor(n * Math.log(n)))
})

test('a batch has its random orders, and the next one others', () => {
  const made = make({ specs: specs(COHORT, 1), features: FEATURES, rows: 9 })
  const plan = planOf(made.problem, 9)
  begin(plan, blocksOf(made.problem))
  const objective = coalesced(plan, randomFrom(made.problem.session, 3))
  const still = { ...PLAIN, rate: 1e-30 }
  const totals = [0, 1].map(() => trainBatch(plan, made.problem.train, objective, still).losses.total[0])
  expect(totals[1]).not.toBe(totals[0])
})
