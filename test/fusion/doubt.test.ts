import { describe, expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { conflicting } from '../../src/experiments/robustness.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { quantize } from '../../src/formats/quantize.ts'
import { createAssessor } from '../../src/fusion/assess.ts'
import { believe, suspects, suspicion } from '../../src/fusion/doubt.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { hiding } from '../../src/fusion/shapley.ts'
import { speakersOf } from '../../src/fusion/speakers.ts'
import { type Random, randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module, train } from '../recipe/studies.ts'
import { inferSession, modelFor, NAMES } from './models.ts'

const session = openTrainSession(module)

const PRIOR = Float32Array.of(0.5, 0.3, 0.2)
const DOUBT = { chance: 0.2, caution: 1, prior: PRIOR }

/** By the definition, over which set of modalities is the row's own: of probabilities of all, and of each modality alone and of the others. */
function bayes(all: readonly number[], pairs: readonly { alone: number[]; without: number[] }[], { chance, prior } = DOUBT) {
  const everyone = [...pairs.keys()]
  /** P(what a set of modalities shows) / Π P(what each shows): by Bayes' rule for each modality. */
  const seen = (set: readonly number[]) =>
    Array.from(prior, (p, c) => set.reduce((product, m) => product * (Math.max(pairs[m].alone[c], 1e-9) / p), p)).reduce(
      (a, b) => a + b,
    )
  const views = [
    { weight: (1 - chance) * seen(everyone), said: all },
    ...pairs.map(({ without }, k) => ({
      weight: (chance / pairs.length) * seen(everyone.filter((m) => m !== k)),
      said: without,
    })),
  ]
  const sum = views.reduce((total, { weight }) => total + weight, 0)
  return {
    beliefs: views.slice(1).map(({ weight }) => weight / sum),
    values: all.map((_, d) => views.reduce((total, { weight, said }) => total + (weight / sum) * said[d], 0)),
  }
}

/** Probabilities of D classes, some of them next to certain. */
function chancesOf(random: Random, n: number, D: number): number[][] {
  const raw = random.uniform(n * D, 0, 1)
  return Array.from({ length: n }, (_, i) => {
    const odds = Array.from(raw.subarray(i * D, (i + 1) * D), (u) => u ** 6 + 1e-7)
    const sum = odds.reduce((a, b) => a + b, 0)
    return odds.map((o) => Math.fround(o / sum))
  })
}

test.each([
  [1, 1],
  [5, 2],
  [64, 3],
  [3, 8],
])('%i rows, %i modalities in doubt: as the definition says', (B, K) => {
  const D = PRIOR.length
  const said = Array.from({ length: 1 + 2 * K }, (_, w) => chancesOf(randomFrom(session, 7 + w), B, D))
  const chances = Float32Array.from([9, 9, ...said.flat(2)])
  const beliefs = new Float64Array(B * K)
  believe(chances, 2, DOUBT, B, D, K, beliefs)
  for (let b = 0; b < B; b++) {
    const pairs = Array.from({ length: K }, (_, k) => ({ alone: said[1 + 2 * k][b], without: said[2 + 2 * k][b] }))
    const expected = bayes(said[0][b], pairs)
    expect([...beliefs.subarray(b * K, (b + 1) * K)]).toEqual(expected.beliefs.map((v) => expect.closeTo(v, 12)))
    expect([...chances.subarray(2 + b * D, 2 + (b + 1) * D)]).toEqual(expected.values.map((v) => expect.closeTo(v, 6)))
    expect(expected.values.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 6)
  }
  expect([...chances.subarray(0, 2)]).toEqual([9, 9])
})

test('certainties that contradict each other are no infinities', () => {
  // Of all; then each of three alone, and the others: the first says one class, two say another.
  const chances = Float32Array.of(0.5, 0.5, 1, 0, 0, 1, 0, 1, 0.5, 0.5, 0, 1, 0.5, 0.5)
  const beliefs = new Float64Array(3)
  believe(chances, 0, { chance: 0.05, caution: 1, prior: Float32Array.of(0.5, 0.5) }, 1, 2, 3, beliefs)
  expect([...beliefs]).toEqual([expect.closeTo(1, 6), expect.closeTo(0, 6), expect.closeTo(0, 6)])
  expect([...chances.subarray(0, 2)]).toEqual([expect.closeTo(0, 6), expect.closeTo(1, 6)])
})

test('what is believed comes true as often, where modalities are independent given the class and some are strangers', () => {
  const random = randomFrom(session, 3)
  const [n, M, D, S] = [40_000, 3, 3, 4]
  // P(symbol | class) of each modality.
  const likely = Array.from({ length: M }, (_, m) =>
    chancesOf(random.fork(`table ${m}`), D, S).map((row) => row.map((p) => 0.96 * p + 0.04 / S)),
  )
  const draw = (p: ArrayLike<number>, u: number) => {
    let k = 0
    for (let left = u - p[0]; left > 0 && k < p.length - 1; left -= p[k]) k++
    return k
  }
  const [u, v, w, x] = ['class', 'stranger', 'which', 'symbols'].map((name) => random.fork(name).uniform(n * D * M, 0, 1))
  const normal = (p: number[]) => p.map((q) => q / p.reduce((a, b) => a + b, 0))
  const posterior = (symbols: readonly number[], used: readonly number[]) =>
    normal(Array.from(PRIOR, (p, c) => used.reduce((product, m) => product * likely[m][c][symbols[m]], p)))
  const chance = 0.2
  const tallies = Array.from({ length: 5 }, () => ({ believed: 0, strange: 0, rows: 0 }))
  let surplus = 0
  for (let i = 0; i < n; i++) {
    const truth = draw(PRIOR, u[i])
    const stranger = v[i] < chance ? Math.floor(w[i] * M) : -1
    const symbols = Array.from({ length: M }, (_, m) => {
      const owner = m === stranger ? draw(PRIOR, u[n + i]) : truth
      return draw(likely[m][owner], x[i * M + m])
    })
    const everyone = [0, 1, 2]
    const said = [
      posterior(symbols, everyone),
      ...everyone.flatMap((m) => [
        posterior(symbols, [m]),
        posterior(
          symbols,
          everyone.filter((other) => other !== m),
        ),
      ]),
    ]
    const chances = Float32Array.from(said.flat())
    const beliefs = new Float64Array(M)
    believe(chances, 0, { chance, caution: 1, prior: PRIOR }, 1, D, M, beliefs)
    beliefs.forEach((belief, m) => {
      const tally = tallies[Math.min(4, Math.floor(belief * 10))]
      tally.believed += belief
      tally.strange += m === stranger ? 1 : 0
      tally.rows++
    })
    // What the true class gets, less what it would get on average if the probabilities were true.
    surplus += chances[truth] - chances.subarray(0, D).reduce((sum, p) => sum + p * p, 0)
  }
  for (const { believed, strange, rows } of tallies.filter((t) => t.rows > 500)) {
    expect(Math.abs(believed - strange)).toBeLessThan(4 * Math.sqrt(rows / 4))
  }
  expect(tallies.filter((t) => t.rows > 500).length).toBeGreaterThan(2)
  // And the classes' probabilities are as true.
  expect(Math.abs(surplus)).toBeLessThan(4 * Math.sqrt(n / 4))
})

describe('a model that doubts', () => {
  const { data, model, patterns } = modelFor({ task: 'classification' })
  const doubting: Model = { ...model, ensembles: { ...model.ensembles, doubt: DOUBT } }
  const D = model.students[0].spec.outputs
  const predict = (own: Model, shown?: readonly boolean[], rule?: 'greedy' | 'simple-average') =>
    createPredictor(inferSession(), own, rule).predict(shown ? hiding(data, NAMES, shown) : data)

  test('says what follows from three questions for each modality: all, it alone, the others', () => {
    const found = predict(doubting)
    const all = predict(model)
    const alone = NAMES.map((_, m) =>
      predict(
        model,
        NAMES.map((_, other) => other === m),
      ),
    )
    const without = NAMES.map((_, m) =>
      predict(
        model,
        NAMES.map((_, other) => other !== m),
      ),
    )
    const row = ({ values }: typeof all, i: number) => [...values.subarray(i * D, (i + 1) * D)]
    const spoken = (prediction: typeof all, i: number) => prediction.patterns[prediction.patternOf[i]].students.length > 0
    let doubted = 0
    patterns.forEach((pattern, i) => {
      const mine = found.doubts!.beliefs.subarray(i * 3, (i + 1) * 3)
      if (!spoken(all, i)) {
        expect([...mine]).toEqual([Number.NaN, Number.NaN, Number.NaN])
        return
      }
      const here = [0, 1, 2].filter((m) => pattern[m] === '1')
      const asked = here.every((m) => spoken(alone[m], i) && spoken(without[m], i)) ? here : []
      const expected = bayes(
        row(all, i),
        asked.map((m) => ({ alone: row(alone[m], i), without: row(without[m], i) })),
      )
      if (asked.length === 0) {
        expect([...mine]).toEqual([0, 0, 0])
        expect(row(found, i)).toEqual(row(all, i))
        return
      }
      doubted++
      for (const m of [0, 1, 2]) expect(mine[m]).toBeCloseTo(asked.includes(m) ? expected.beliefs[asked.indexOf(m)] : 0, 5)
      expect(row(found, i)).toEqual(expected.values.map((v) => expect.closeTo(v, 5)))
    })
    expect(doubted).toBeGreaterThan(30)
  })

  test('says the same of a row alone and among others, and reports the students of all its modalities', () => {
    const whole = predict(doubting)
    for (const row of [0, 64, 149]) {
      const one = createPredictor(inferSession(), doubting).predict(data, [row])
      expect([...one.values]).toEqual([...whole.values.subarray(row * D, (row + 1) * D)])
      expect([...one.doubts!.beliefs]).toEqual([...whole.doubts!.beliefs.subarray(row * 3, (row + 1) * 3)])
    }
    expect(whole.patterns).toEqual(predict(model).patterns)
    const { voices } = speakersOf(doubting, 'greedy')('111')
    expect(voices!.doubted.map(({ modality }) => modality)).toEqual([0, 1, 2])
  })

  test('hears each modality alone with caution, and the others without', () => {
    const cautious: Model = { ...model, ensembles: { ...model.ensembles, doubt: { ...DOUBT, caution: 0.5 } } }
    const [plain, careful] = [doubting, cautious].map((own) => speakersOf(own, 'greedy')('111').voices!)
    expect(careful.weights).toEqual(plain.weights)
    expect(careful.doubted.map(({ without }) => without)).toEqual(plain.doubted.map(({ without }) => without))
    expect(careful.doubted.map(({ alone }) => alone)).toEqual(plain.doubted.map(({ alone }) => alone.map((w) => w / 2)))
    expect(predict(cautious).doubts!.beliefs).not.toEqual(predict(doubting).doubts!.beliefs)
  })

  test('only by the greedy ensemble', () => {
    const plain = predict(doubting, undefined, 'simple-average')
    expect(plain.doubts).toBeUndefined()
    expect(plain).toEqual(predict(model, undefined, 'simple-average'))
    expect(predict(model).doubts).toBeUndefined()
  })
})

test.each([
  ['nothing is likely', [0.02, 0.05, 0.01], []],
  ['one is', [0.01, 0.26, 0.01], ['visit']],
  ['not quite', [0.24, 0.24, 0.24], []],
  ['two are, alike', [0.4, 0.4, 0.05], ['scan', 'visit']],
  ['not predicted', [Number.NaN, Number.NaN, Number.NaN], []],
])('suspects: %s', (_, beliefs, expected) => {
  const doubts = { modalities: NAMES, beliefs: Float64Array.from([0, 0, 0, ...beliefs]) }
  expect(suspects({ doubts }, 1)).toEqual(expected)
  expect(suspects({}, 1)).toEqual([])
})

describe('trained', () => {
  const rows = 400
  const random = randomFrom(session, 11)
  const labels = Int32Array.from(random.fork('class').uniform(rows, 0, 4), Math.floor)
  /** Four views, each of which tells the class nearly. */
  const modalities = ['a', 'b', 'c', 'd'].map((name) => {
    const noise = random.fork(name).normal(rows * 4)
    const columns = [0, 1, 2, 3].map((j) => ({
      kind: 'number' as const,
      name: `${name}${j}`,
      values: Float64Array.from(labels, (label, i) => noise[i * 4 + j] + (label === j ? 6 : 0)),
    }))
    return { name, present: new Uint8Array(rows).fill(1), columns }
  })
  const data: Dataset = {
    title: 'Four views',
    ids: Array.from(labels, (_, i) => `s${i}`),
    modalities,
    target: { task: 'classification', classes: ['0', '1', '2', '3'], labels },
  }
  /** A view whose test rows are those of others. */
  const taking = (view: (typeof modalities)[number], from: readonly number[]) => ({
    ...view,
    columns: view.columns.map((column) => {
      const values = column.values.slice()
      splits.test.forEach((row, i) => {
        values[row] = column.values[from[i]]
      })
      return { ...column, values }
    }),
  })
  const all = Int32Array.from(labels.keys())
  const splits = { train: all.subarray(0, 200), validation: new Int32Array(), test: all.subarray(200) }
  const config = {
    epochs: 150,
    rho: [0],
    head: [16],
    baselines: false,
    solved: [],
    folds: 3,
    extractors: { '*': ['skip', 'raw'] },
  } as const
  const { model } = train({ data, splits }, config)
  const never = train({ data, splits }, { ...config, doubt: 0 }).model
  const loss = (own: Model, given: Dataset) => {
    const { values } = createPredictor(inferSession(), own).predict(given, splits.test)
    return splits.test.reduce((sum, row, i) => sum - Math.log(values[4 * i + labels[row]]), 0) / splits.test.length
  }

  test('a cross-fitted classification doubts by default, by its classes among the training rows', () => {
    const { chance, caution, prior } = model.ensembles.doubt!
    expect(chance).toBe(0.005)
    // Of four classes more rows of nothing known are minded than the last scale minds.
    expect(caution).toBeGreaterThan(0.5)
    expect(caution).toBeLessThan(1)
    const counts = [0, 1, 2, 3].map((c) => splits.train.filter((row) => labels[row] === c).length)
    expect([...prior]).toEqual(counts.map((n) => Math.fround((n + 1) / 204)))
    expect(never.ensembles.doubt).toBeUndefined()
    expect(model.students).toEqual(never.students)
    const pair = {
      ...data,
      target: { task: 'classification', classes: ['0', '1'], labels: labels.map((label) => label % 2) },
    } as const
    expect(train({ data: pair, splits }, { ...config, epochs: 2 }).model.ensembles.doubt?.caution).toBe(1)
  })

  test('loses nothing on rows as they are, and gains where one view is of another class', () => {
    expect(loss(model, data)).toBeLessThan(loss(never, data) + 0.005)
    const spoilt = conflicting(data, splits.test, random)
    expect(loss(model, spoilt)).toBeLessThan(0.8 * loss(never, spoilt))
  })

  test('names the view that is somebody else’s', () => {
    // The first view of each row is that of a row of another class.
    const from = Array.from(splits.test, (row) => splits.test.find((other) => labels[other] !== labels[row])!)
    const swapped = { ...data, modalities: modalities.map((view, m) => (m === 0 ? taking(view, from) : view)) }
    const often = train({ data, splits }, { ...config, doubt: 0.3 }).model
    expect(often.ensembles.doubt?.chance).toBe(0.3)
    const named = (given: Dataset) => {
      const prediction = createPredictor(inferSession(), often).predict(given, splits.test)
      return Array.from(splits.test, (_, i) => suspects(prediction, i).join())
    }
    expect(named(swapped).filter((names) => names === 'a').length / splits.test.length).toBeGreaterThan(0.8)
    expect(named(data).filter((names) => names !== '').length / splits.test.length).toBeLessThan(0.1)
  })

  test('of two views that contradict each other it cannot tell which, names both, and abstains', () => {
    const two = { ...data, modalities: modalities.slice(0, 2) }
    const pair = train({ data: two, splits }, { ...config, doubt: 0.3 }).model
    const from = Array.from(splits.test, (row) => splits.test.find((other) => labels[other] !== labels[row])!)
    const swapped = { ...two, modalities: [taking(modalities[0], from), modalities[1]] }
    const assessed = createAssessor(session, pair).assess(swapped, 0.9, splits.test)
    const named = Array.from(splits.test, (_, i) => suspects(assessed, i))
    const both = named.flatMap((names, i) => (names.length === 2 ? [i] : []))
    expect(both.length).toBeGreaterThan(20)
    named.forEach((names, i) => {
      if (names.length > 0) expect(suspicion(assessed.doubts!, i)).toBeGreaterThan(0.25)
      if (names.length > 0) expect(assessed.abstained[i]).toBe('contradictory')
      else expect(assessed.abstained[i]).not.toBe('contradictory')
    })
  })

  test('a coarser model doubts as much, and says so after a file', () => {
    const { model: coarse } = quantize(model)
    expect(coarse.ensembles.doubt).toEqual(model.ensembles.doubt)
    const again = readModel(writeModel(coarse))
    const [fine, rough] = [model, again].map((own) => createPredictor(inferSession(), own).predict(data, splits.test).doubts!)
    expect(rough.modalities).toEqual(fine.modalities)
    rough.beliefs.forEach((belief, k) => {
      expect(Math.abs(belief - fine.beliefs[k])).toBeLessThan(0.1)
    })
  })

  test.each([
    ['a regression', { task: 'regression' }, {}, 'since the target is a regression'],
    ['one modality', { modalities: 1 }, {}, 'since a single modality has nothing that it could contradict'],
    ['nine modalities', { modalities: 9 }, {}, 'since there are more than 8 modalities'],
    [
      'no greedy ensemble',
      {},
      { ensembles: ['simple-average'] },
      'since only the greedy ensemble doubts, which is not among the ensembles',
    ],
  ] as const)(
    '%s doubts nothing, and refuses to',
    (_, { task, modalities: count }: { task?: 'regression'; modalities?: number }, more, why) => {
      const views = Array.from({ length: count ?? 2 }, (_, m) => ({ ...modalities[m % 4], name: `view${m}` }))
      const target = task ? ({ task, outputs: ['y'], values: Float64Array.from(labels) } as const) : data.target
      const given = { data: { ...data, target, modalities: views }, splits }
      const short = { ...config, ...more, epochs: 1, budget: 4 }
      expect(train(given, short).model.ensembles.doubt).toBeUndefined()
      expect(() => train(given, { ...short, doubt: 0.01 })).toThrow(`doubt is 0.01: allowed is 0, ${why}`)
    },
  )

  test('where every student looks at all modalities, none can be asked', () => {
    const all = train({ data, splits }, { ...config, epochs: 1, extractors: { '*': ['raw'] } }).model
    expect(all.ensembles.doubt).toBeUndefined()
  })
})
