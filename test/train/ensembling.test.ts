import { describe, expect, test } from 'vitest'
import { ableStudents, type Pattern } from '../../src/fusion/availability.ts'
import { inverseLoss, RULES, rulesOf, weightsByLoss } from '../../src/fusion/ensemble.ts'
import {
  bag,
  ensemblesOf,
  type GreedyMetric,
  greedy,
  type Judged,
  type Jury,
  juryOf,
  patternsWorth,
  weigh,
} from '../../src/train/ensembling.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { countPauses, finish } from '../finish.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'
import { combineOutputs } from './combine.ts'
import { softmax } from './reference.ts'

const session = trainSession()
const SPEC = { best: 3, prune: 0.2, most: 30 }
const BUILD = { rules: RULES, average: 'logits', greedy: SPEC, bagging: { share: 0.6 } } as const
const random = randomFrom(session, 3)

/** Students that miss a target by errors of their own, of growing size. */
function judged(students: number, rows: number, width: number, classes = false, seed = 1): Judged {
  const random = numbers(seed)
  const target = classes ? random.i32(rows, width) : random.f32(rows * width, -2, 2)
  const outputs = random.f32(students * rows * width)
  for (let i = 0; i < students; i++) {
    for (let b = 0; b < rows; b++) {
      for (let d = 0; d < width; d++) {
        const at = (i * rows + b) * width + d
        const truth = classes ? (target[b] === d ? 1.5 : 0) : target[b * width + d]
        outputs[at] = truth + outputs[at] * (0.8 + 0.25 * ((5 * i) % students))
      }
    }
  }
  return { outputs, students, target, width }
}

/** The loss of an average by definition. */
function lossOf({ outputs, students, target, width }: Judged, weights: ArrayLike<number>): number {
  const rows = outputs.length / students / width
  let sum = 0
  for (let b = 0; b < rows; b++) {
    const mix = Array.from({ length: width }, (_, d) =>
      Array.from({ length: students }, (_, i) => weights[i] * outputs[(i * rows + b) * width + d]).reduce((x, y) => x + y, 0),
    )
    if (target instanceof Int32Array) sum -= Math.log(softmax(mix)[target[b]])
    else sum += mix.reduce((total, v, d) => total + (v - target[b * width + d]) ** 2, 0) / width
  }
  return sum / rows
}
const one = (students: number, i: number) => Array.from({ length: students }, (_, j) => (j === i ? 1 : 0))

const TASKS: [string, Judged][] = [
  ['one output', judged(9, 30, 1)],
  ['three outputs', judged(9, 30, 3, false, 2)],
  ['four classes', judged(9, 30, 4, true, 3)],
]

describe.each(TASKS)('the jury on %s', (_, given) => {
  const everyone = Array.from({ length: given.students }, (_, i) => i)

  test('each student alone', () => {
    const jury = juryOf(session, given)
    everyone.forEach((i) => {
      expect(jury.losses[i]).toBeCloseTo(lossOf(given, one(given.students, i)), 5)
    })
    jury.close()
  })

  test('those taken, and one more on trial, each by the inverse of its loss', () => {
    const jury = juryOf(session, given)
    const taken: number[] = []
    for (const i of [4, 0, 7]) {
      expect(jury.loss(i)).toBeCloseTo(lossOf(given, inverseLoss(jury.losses, [...taken, i])), 5)
      jury.take(i)
      taken.push(i)
      // A trial leaves nothing behind.
      jury.loss(2)
      expect(jury.loss()).toBeCloseTo(lossOf(given, inverseLoss(jury.losses, taken)), 5)
    }
    jury.close()
  })

  test('when it closes, the memory is as it was', () => {
    const before = session.memory.mark()
    const jury = juryOf(session, given)
    expect(session.memory.mark()).toBeGreaterThan(before)
    jury.close()
    expect(session.memory.mark()).toBe(before)
  })
})

describe('rows of different weight', () => {
  const repeat = ({ outputs, students, target, width }: Judged, times: number[]): Judged => {
    const rows = times.flatMap((n, row) => Array<number>(n).fill(row))
    const part = (values: Float32Array | Int32Array, per: number, from: number) =>
      rows.flatMap((row) => [...values.subarray((from + row) * per, (from + row + 1) * per)])
    const all = Array.from({ length: students }, (_, i) => part(outputs, width, i * times.length)).flat()
    const wanted = target instanceof Int32Array ? Int32Array.from(part(target, 1, 0)) : Float32Array.from(part(target, width, 0))
    return { outputs: Float32Array.from(all), students, target: wanted, width }
  }

  test.each(TASKS)('%s: a row of weight three is a row three times', (_, given) => {
    const times = Array.from({ length: 30 }, (_, row) => 1 + (row % 3))
    const [weighed, repeated] = [{ ...given, weights: times }, repeat(given, times)].map((of) => {
      const jury = juryOf(session, of)
      const { members, trace } = greedy(jury, SPEC)
      jury.close()
      return { losses: jury.losses, members, trace }
    })
    expect(weighed.members).toEqual(repeated.members)
    weighed.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(repeated.losses[i], 6)
    })
    weighed.trace.forEach((loss, i) => {
      expect(loss).toBeCloseTo(repeated.trace[i], 6)
    })
    expect(weighed.losses).not.toEqual(juryOf(session, given).losses)
  })

  test('a pattern’s students are judged by the weights of its own rows', () => {
    const specs = ['raw skip', 'skip raw', 'raw raw'].map((e) => specOf(e))
    const rows: Pattern[] = Array.from({ length: 36 }, (_, row) => (row % 3 ? '11' : '10'))
    const given = judged(3, 36, 1)
    const losses = Float64Array.of(1, 1, 1)
    const able = (p: Pattern) => ableStudents(specs, p)
    const of = (weights: (row: number) => number) =>
      finish(
        ensemblesOf(
          session,
          { ...given, weights: rows.map((_, row) => weights(row)) },
          rows,
          ['11', '10'],
          able,
          losses,
          BUILD,
          random,
        ),
      ).weights['weighted-average'] as Float32Array[]
    const plain = of(() => 1)
    // Of '11' only the rows with all modalities are looked at; of '10' all, by the first student alone.
    expect(of((row) => (row % 3 ? 1 : 9))).toEqual(plain)
    const other = of((row) => (row % 3 === 1 ? 1 : 9))
    expect(other[0]).not.toEqual(plain[0])
    expect(other[1]).toEqual(Float32Array.of(1, 0, 0))
  })
})

describe('greedy selection', () => {
  const many = Array.from({ length: 12 }, (_, s) => judged(6 + s, 20 + s, s % 3 === 2 ? 3 : 1, s % 3 === 2, 50 + s))

  test('the trace falls with every member, and ends no higher than its starting set', () => {
    for (const given of many) {
      const jury = juryOf(session, given)
      const { members, trace, weights } = greedy(jury, SPEC)
      expect(trace).toHaveLength(members.length - 2)
      for (let s = 1; s < trace.length; s++) expect(trace[s]).toBeLessThan(trace[s - 1])
      const order = [...jury.losses.keys()].sort((a, b) => jury.losses[a] - jury.losses[b])
      expect(members.slice(0, 3)).toEqual(order.slice(0, 3))
      expect(trace[0]).toBeCloseTo(lossOf(given, inverseLoss(jury.losses, order.slice(0, 3))), 5)
      expect(lossOf(given, weights)).toBeCloseTo(trace[trace.length - 1], 5)
      expect(new Set(members).size).toBe(members.length)
      jury.close()
    }
    // Some of them do go on from their start.
    expect(many.some((given) => greedy(juryOf(session, given), SPEC).trace.length > 2)).toBe(true)
  })

  test('each new member is the one that lowers the loss most, and it ends where none lowers it', () => {
    for (const given of many) {
      const jury = juryOf(session, given)
      const { members, trace } = greedy(jury, SPEC)
      const kept = [...jury.losses.keys()]
        .sort((a, b) => jury.losses[a] - jury.losses[b])
        .slice(0, Math.floor(given.students * 0.8))
      for (let s = 3; s <= members.length; s++) {
        const before = members.slice(0, s)
        const trials = kept
          .filter((i) => !before.includes(i))
          .map((i) => [i, lossOf(given, inverseLoss(jury.losses, [...before, i]))])
        const [best, loss] = trials.reduce((a, b) => (b[1] < a[1] ? b : a), [-1, Number.POSITIVE_INFINITY])
        if (s < members.length) expect(best).toBe(members[s])
        // The 1e-6 is what f32 sums may differ by.
        else expect(loss).toBeGreaterThan(trace[s - 3] - 1e-6)
      }
      jury.close()
    }
  })

  test('the worst fifth is left out, even where it would help', () => {
    // The last of five is the only one on the other side of the target.
    const rows = 12
    const errors = [1, 1.01, 1.02, 1.03, -1.2]
    const outputs = Float32Array.from(errors.flatMap((e) => Array(rows).fill(e)))
    const given: Judged = { outputs, students: 5, target: new Float32Array(rows), width: 1 }
    const chosen = (prune: number) => greedy(juryOf(session, given), { ...SPEC, prune }).members
    expect(chosen(0.2)).toEqual([0, 1, 2])
    expect(chosen(0)).toEqual([0, 1, 2, 4])
  })

  test('as many as asked for, at the start and in all', () => {
    const given = judged(20, 200, 1, false, 77)
    const count = (spec: Partial<typeof SPEC>) => greedy(juryOf(session, given), { ...SPEC, ...spec }).members.length
    const free = count({})
    expect(free).toBeGreaterThan(5)
    expect(count({ most: 4 })).toBe(4)
    expect(greedy(juryOf(session, given), { ...SPEC, best: 1 }).trace).toHaveLength(count({ best: 1 }))
    expect(count({ best: 20 })).toBe(16)
  })

  test.each([1, 2, 3])('of %d students all that are kept are members', (students) => {
    const given = judged(students, 15, 1, false, 5)
    const { members, trace, weights } = greedy(juryOf(session, given), SPEC)
    expect(members).toHaveLength(Math.max(1, Math.floor(students * 0.8)))
    expect(trace).toHaveLength(1)
    expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
  })

  test('of equals the first, and equals do not help', () => {
    const given = judged(1, 20, 1)
    const outputs = Float32Array.from(
      Array(6)
        .fill([...given.outputs])
        .flat(),
    )
    expect(greedy(juryOf(session, { ...given, outputs, students: 6 }), SPEC).members).toEqual([0, 1, 2])
  })

  test('a student without any error does not end in a division by zero', () => {
    const given = judged(4, 20, 1)
    const outputs = given.outputs.slice()
    outputs.set(given.target as Float32Array, 20)
    const { members, weights, trace } = greedy(juryOf(session, { ...given, outputs }), SPEC)
    expect(members[0]).toBe(1)
    expect(weights[1]).toBeCloseTo(1, 6)
    expect(trace.every(Number.isFinite)).toBe(true)
  })
})

describe('what greedy goes by', () => {
  const score = (given: Judged, weights: ArrayLike<number>, metric: GreedyMetric): number => {
    const { outputs, students, target, width } = given
    const rows = outputs.length / students / width
    const mix = Array.from({ length: rows }, (_, b) =>
      Array.from({ length: width }, (_, d) =>
        everyone(students).reduce((sum, i) => sum + weights[i] * outputs[(i * rows + b) * width + d], 0),
      ),
    )
    if (!(target instanceof Int32Array)) {
      const truth = Array.from({ length: rows }, (_, b) => [...target.subarray(b * width, (b + 1) * width)])
      if (metric === 'mae') return mean(mix.flatMap((row, b) => row.map((v, d) => Math.abs(v - truth[b][d]))))
      return mean(
        everyone(width).map((d) => {
          const centre = mean(truth.map((row) => row[d]))
          const [e, v] = [
            mean(mix.map((row, b) => (row[d] - truth[b][d]) ** 2)),
            mean(truth.map((row) => (row[d] - centre) ** 2)),
          ]
          return 1 - e / v
        }),
      )
    }
    const said = mix.map((row) => row.indexOf(Math.max(...row)))
    const hits = (k: number) => said.filter((v, b) => v === k && target[b] === k).length
    const [true_, told] = [(k: number) => target.filter((v) => v === k).length, (k: number) => said.filter((v) => v === k).length]
    if (metric === 'accuracy') return mean(said.map((v, b) => Number(v === target[b])))
    if (metric === 'balanced-accuracy') return mean(everyone(width).map((k) => hits(k) / true_(k)))
    if (metric === 'macro-f1') return mean(everyone(width).map((k) => (2 * hits(k)) / (true_(k) + told(k))))
    const p = mix.map(softmax)
    return mean(
      everyone(width).map((k) => {
        const pairs = p
          .flatMap((a, i) => p.map((b, j) => [target[i] === k && target[j] !== k, a[k], b[k]] as const))
          .filter(([both]) => both)
        return mean(pairs.map(([, a, b]) => (a > b ? 1 : a === b ? 0.5 : 0)))
      }),
    )
  }
  const everyone = (n: number) => Array.from({ length: n }, (_, i) => i)
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const better: Record<string, 1 | -1> = { mae: -1 }
  /** Students so bad that a few of them are better than one. */
  const blurred = (given: Judged): Judged => {
    const noise = numbers(34).f32(given.outputs.length, -3, 3)
    return { ...given, outputs: given.outputs.map((v, i) => v + noise[i]) }
  }

  const cases = [
    ...(['mae', 'r2'] as const).map((metric) => [metric, judged(9, 40, 2, false, 31)] as const),
    ...(['accuracy', 'balanced-accuracy', 'macro-f1', 'auc'] as const).map(
      (metric) => [metric, blurred(judged(9, 40, 3, true, 33))] as const,
    ),
  ]

  test.each(cases)('%s: each member betters it most, and it ends where none does', (metric, given) => {
    const sign = better[metric] ?? 1
    const { weights, selection } = weigh(
      session,
      given,
      { ...BUILD, rules: ['greedy'], greedy: { ...SPEC, best: 1, metric } },
      random,
    )
    const { members, trace } = selection!
    const jury = juryOf(session, given)
    expect(weights.get('greedy')).toEqual(inverseLoss(jury.losses, members))
    const ranked = [...jury.losses.keys()].sort((a, b) => jury.losses[a] - jury.losses[b])
    expect(members[0]).toBe(ranked[0])
    expect(members.length).toBeGreaterThan(1)
    members.forEach((_, s) => {
      const taken = members.slice(0, s + 1)
      expect(trace[s]).toBeCloseTo(score(given, inverseLoss(jury.losses, taken), metric), 5)
      if (s > 0) expect(sign * trace[s]).toBeGreaterThan(sign * trace[s - 1])
      const others = ranked.slice(0, 7).filter((i) => !taken.includes(i))
      const trials = others.map((i) => sign * score(given, inverseLoss(jury.losses, [...taken, i]), metric))
      const limit = sign * (trace[s + 1] ?? trace[s]) + 1e-6
      for (const trial of trials) expect(trial).toBeLessThanOrEqual(limit)
    })
    jury.close()
  })

  test('a score that cannot be had adds nobody: the area under the curve of one class', () => {
    const given = { ...judged(6, 20, 2, true, 35), target: new Int32Array(20) }
    const { selection } = weigh(session, given, { ...BUILD, rules: ['greedy'], greedy: { ...SPEC, metric: 'auc' } }, random)
    expect(selection?.members).toHaveLength(3)
    expect(selection?.trace).toEqual([Number.NaN])
  })

  test('averages of probabilities: the loss is that of the mean probability', () => {
    const given = judged(9, 40, 3, true, 36)
    const jury = juryOf(session, given, { average: 'probabilities' })
    // Alone, a student is the same in either.
    expect(jury.losses).toEqual(juryOf(session, given).losses)
    const { members, trace } = greedy(jury, { ...SPEC, best: 2 })
    expect(members.length).toBeGreaterThan(2)
    const { outputs, target } = given
    trace.forEach((loss, s) => {
      const weights = inverseLoss(jury.losses, members.slice(0, s + 2))
      const losses = everyone(40).map((b) => {
        const p = everyone(9).reduce(
          (sum, i) => sum + weights[i] * softmax([...outputs.subarray((i * 40 + b) * 3, (i * 40 + b) * 3 + 3)])[target[b]],
          0,
        )
        return -Math.log(p)
      })
      expect(loss).toBeCloseTo(mean(losses), 5)
    })
    jury.close()
  })
})

describe('a bag', () => {
  test('is as many draws as its share of the students, at least one, each counted', () => {
    for (const [students, share, draws] of [
      [24, 0.6, 14],
      [5, 0.6, 3],
      [1, 0.6, 1],
      [3, 2, 6],
    ]) {
      const weights = bag(students, share, random.fork(`${students}`))
      expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
      for (const w of weights) expect(w * draws).toBeCloseTo(Math.round(w * draws), 5)
    }
  })

  test('is drawn with replacement, from all, and again the same', () => {
    const bags = Array.from({ length: 50 }, (_, n) => bag(6, 1, random.fork(`${n}`)))
    expect(bags.some((w) => Math.max(...w) > 0.3)).toBe(true)
    for (let i = 0; i < 6; i++) expect(bags.some((w) => w[i] > 0)).toBe(true)
    expect(new Set(bags.map(String)).size).toBeGreaterThan(40)
    expect(bag(6, 1, random.fork('7'))).toEqual(bags[7])
  })
})

test('a score that is not finite is none: a trace is what a file can hold', () => {
  // Ten who miss by the largest f32: one alone has a finite loss, the sum of ten shares is rounded beyond it.
  const half = Math.fround(1.7014117e38)
  const given: Judged = {
    outputs: new Float32Array(120).fill(half),
    students: 10,
    target: new Float32Array(12).fill(-half),
    width: 1,
  }
  const all = { best: 10, prune: 0, most: 10 }
  const jury = juryOf(session, given)
  expect(jury.losses.every(Number.isFinite)).toBe(true)
  expect(greedy(jury, all).trace).toEqual([Number.POSITIVE_INFINITY])
  jury.close()
  expect(weigh(session, given, { ...BUILD, rules: ['greedy'], greedy: all }, random).selection!.trace).toEqual([Number.NaN])
})

describe('outputs that were kept', () => {
  test('are combined as the weights of their rule say; a student that diverged has no say', () => {
    for (const [, given] of TASKS) {
      const { students, width, target } = given
      const test = judged(students, 12, width, target instanceof Int32Array, 41).outputs
      const outputs = given.outputs.slice()
      outputs.fill(Number.NaN, (2 * outputs.length) / students, (3 * outputs.length) / students)
      const rules = rulesOf(target instanceof Int32Array ? 'classification' : 'regression')
      const all = combineOutputs(session, { validation: { ...given, outputs }, test }, { ...BUILD, rules }, random)
      expect([...all.keys()]).toEqual(rules.filter((rule) => rule !== 'stacking'))
      const others = [...Array(students).keys()].filter((i) => i !== 2)
      const losses = others.map((i) => lossOf(given, one(students, i)))
      const weights = inverseLoss(losses, [...losses.keys()])
      for (let b = 0; b < 12; b++) {
        const mix = Array.from({ length: width }, (_, d) =>
          others.reduce((sum, i, k) => sum + weights[k] * test[(i * 12 + b) * width + d], 0),
        )
        const expected = target instanceof Int32Array ? softmax(mix) : mix
        expected.forEach((v, d) => {
          expect(all.get('weighted-average')![b * width + d]).toBeCloseTo(v, 4)
        })
      }
    }
  })
})

describe('patterns worth an ensemble of their own', () => {
  test.each([
    [1, ['1']],
    [2, ['11', '10', '01']],
    [3, ['111', '110', '101', '100', '011', '010', '001']],
  ])('of %d modalities all', (modalities, expected) => {
    expect(patternsWorth(modalities, [])).toEqual(expected)
  })

  test('of six still all 63, of seven those that occur, all together, all but one and each alone', () => {
    const six = patternsWorth(6, ['000000'])
    expect(new Set(six).size).toBe(63)
    expect(six).not.toContain('000000')
    const seen = ['1000000', '0000000', '1110000', '1000000', '0000001']
    const full = '1111111'
    const without = ['1111110', '1111101', '1111011', '1110111', '1101111', '1011111', '0111111']
    const alone = ['1000000', '0100000', '0010000', '0001000', '0000100', '0000010', '0000001']
    expect(new Set(patternsWorth(7, seen))).toEqual(new Set([full, ...without, ...alone, '1110000']))
    expect(patternsWorth(7, seen)).toHaveLength(16)
    expect(patternsWorth(7, seen)).toEqual(patternsWorth(7, seen).sort().reverse())
  })

  test('of many that occur, as many as are asked for, the most frequent ones, whatever the order of rows', () => {
    const [often, seldom, other] = ['1110000', '0001111', '1111000']
    const seen = [seldom, often, other, often]
    const always = patternsWorth(7, [])
    expect(patternsWorth(7, seen, 1).filter((p) => !always.includes(p))).toEqual([often])
    expect(patternsWorth(7, seen, 2)).toEqual(patternsWorth(7, [...seen].reverse(), 2))
    expect(patternsWorth(7, seen, 3).filter((p) => !always.includes(p))).toEqual([other, often, seldom])
  })
})

describe('ensembles by pattern', () => {
  const specs = ['raw skip', 'skip raw', 'raw raw', 'pca(2) skip', 'pca(2) raw'].map((e) => specOf(e))
  const PATTERNS = ['11', '10', '01']
  const M = specs.length

  function ensembles(rows: Pattern[], losses = Float64Array.of(1, 2, 0.5, 3, 4), of = specs) {
    const given = judged(of.length, rows.length, 1, false, 9)
    const work = ensemblesOf(session, given, rows, PATTERNS, (p) => ableStudents(of, p), losses, BUILD, random)
    return { given, ...finish(work) }
  }
  const mixed = (full: number, first: number, second: number): Pattern[] => [
    ...Array(full).fill('11'),
    ...Array(first).fill('10'),
    ...Array(second).fill('01'),
  ]
  /** The same students on some of the rows. */
  const part = (given: Judged, members: number[], keep: (row: number) => boolean): Judged => {
    const n = given.outputs.length / given.students
    const rows = Array.from({ length: n }, (_, row) => row).filter(keep)
    return {
      outputs: Float32Array.from(members.flatMap((i) => rows.map((row) => given.outputs[i * n + row]))),
      students: members.length,
      target: Float32Array.from(rows, (row) => given.target[row]),
      width: 1,
    }
  }

  test('only students that can speak have weight, and it sums to 1', () => {
    const { patterns, weights } = ensembles(mixed(20, 12, 12))
    expect(patterns).toEqual(PATTERNS)
    for (const rule of RULES) {
      patterns.forEach((pattern, p) => {
        const w = weights[rule]![p]
        expect(w).toHaveLength(M)
        const able = ableStudents(specs, pattern)
        specs.forEach((_, i) => {
          if (!able.includes(i)) expect(w[i]).toBe(0)
        })
        expect(w.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 6)
      })
    }
    expect(weights['simple-average']![1]).toEqual(Float32Array.of(0.5, 0, 0, 0.5, 0))
    expect(weights['best-single']!.map((w) => w.filter((v) => v > 0).length)).toEqual([1, 1, 1])
  })

  test('how greedy chose is told for each pattern, of the cohort’s students', () => {
    const { weights, selections, patterns } = ensembles(mixed(20, 12, 12))
    expect(selections).toHaveLength(patterns.length)
    selections!.forEach(({ members, trace }, p) => {
      expect(members.length).toBeGreaterThanOrEqual(trace.length)
      expect([...members].sort()).toEqual([...weights.greedy![p].keys()].filter((i) => weights.greedy![p][i] > 0))
    })
  })

  test('every pattern has a bag of its own', () => {
    const { weights } = ensembles(mixed(20, 12, 12))
    const able = ableStudents(specs, '11')
    expect(weights.bagging![0]).toEqual(bag(able.length, 0.6, random.fork('11')))
    expect(weights.bagging![0].filter((w) => w > 0).length).toBeLessThan(able.length)
  })

  test('a pattern is judged on the rows that all of its students see', () => {
    const rows = mixed(12, 15, 11)
    const { given, weights } = ensembles(rows)
    const of = (pattern: string, p: number, sees: (row: Pattern) => boolean) => {
      const members = ableStudents(specs, pattern)
      const jury: Jury = juryOf(
        session,
        part(given, members, (row) => sees(rows[row])),
      )
      const all = [...members.keys()]
      const spread = (w: Float32Array) =>
        Float32Array.from({ length: M }, (_, i) => (members.includes(i) ? w[members.indexOf(i)] : 0))
      expect(weights.greedy![p]).toEqual(spread(greedy(jury, SPEC).weights))
      for (const rule of ['best-single', 'simple-average', 'weighted-average'] as const) {
        expect(weights[rule]![p]).toEqual(spread(weightsByLoss(rule, jury.losses, all, 3)))
      }
      jury.close()
    }
    of('11', 0, (row) => row === '11')
    of('10', 1, (row) => row[0] === '1')
    of('01', 2, (row) => row[1] === '1')
  })

  test('a modality that no student of a pattern uses does not narrow its rows', () => {
    // Nobody looks at the second modality, and no validation row has it.
    const blind = ['raw skip', 'pca(2) skip', 'pca(3) skip', 'pca(4) skip', 'mlp(3) skip'].map((e) => specOf(e))
    const { patterns, weights } = ensembles(mixed(0, 30, 0), Float64Array.of(1, 2, 0.5, 3, 4), blind)
    expect(patterns).toEqual(['11', '10'])
    expect(weights.greedy![0]).toEqual(weights.greedy![1])
    expect(weights['weighted-average']![0]).not.toEqual(weightsByLoss('weighted-average', [1, 2, 0.5, 3, 4], [0, 1, 2, 3, 4], 3))
  })

  test('a pattern that fewer than ten rows can judge is not listed: a predictor goes by the students’ losses', () => {
    expect(ensembles(mixed(9, 4, 0)).patterns).toEqual(['10'])
    expect(ensembles(mixed(9, 0, 3)).patterns).toEqual(['01'])
    expect(ensembles(mixed(9, 0, 0)).patterns).toEqual([])
    expect(ensembles(mixed(10, 4, 3)).patterns).toEqual(PATTERNS)
    const { weights } = ensembles(mixed(9, 4, 0))
    for (const rule of RULES) expect(weights[rule]!).toHaveLength(1)
  })

  test('it pauses at every pattern, listed or not', () => {
    const rows = mixed(5, 0, 0)
    const work = ensemblesOf(
      session,
      judged(M, 5, 1),
      rows,
      PATTERNS,
      (p) => ableStudents(specs, p),
      new Float64Array(M).fill(1),
      BUILD,
      random,
    )
    expect(countPauses(work)).toEqual({ result: expect.objectContaining({ patterns: [] }), pauses: 1 + 3 })
  })

  test('a student without a finite loss has no say', () => {
    const losses = Float64Array.of(1, 2, Number.POSITIVE_INFINITY, 3, 4)
    for (const rows of [mixed(20, 12, 12), mixed(5, 0, 0)]) {
      const { weights } = ensembles(rows, losses)
      for (const rule of RULES) expect(weights[rule]!.every((w) => w[2] === 0)).toBe(true)
    }
  })

  test('a pattern for which nobody can speak is not listed', () => {
    const { patterns, weights } = ensembles(mixed(20, 0, 0), Float64Array.of(1, Number.POSITIVE_INFINITY, 0.5, 3, 4))
    expect(patterns).toEqual(['11', '10'])
    for (const rule of RULES) expect(weights[rule]!).toHaveLength(2)
  })

  test('it takes nothing of the session', () => {
    const before = session.memory.mark()
    ensembles(mixed(20, 12, 12))
    expect(session.memory.mark()).toBe(before)
  })
})
