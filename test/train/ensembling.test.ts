import { describe, expect, test } from 'vitest'
import { ableStudents, type Pattern } from '../../src/fusion/availability.ts'
import { inverseLoss, RULES, weightsByLoss } from '../../src/fusion/ensemble.ts'
import { ensemblesOf, greedy, type Judged, type Jury, juryOf, patternsWorth } from '../../src/train/ensembling.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { countPauses, finish } from '../finish.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'
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
