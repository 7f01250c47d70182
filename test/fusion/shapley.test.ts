import { describe, expect, test } from 'vitest'
import { modality } from '../../src/data/dataset.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor, type Predictor } from '../../src/fusion/predictor.ts'
import { baseOf, modalityImportance, modalityShares, nextModality } from '../../src/fusion/shapley.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module, SOME, SPLITS, study, train } from '../recipe/studies.ts'

const session = openTrainSession(module)
const EVERYONE = {
  train: Int32Array.from([...SPLITS.train, ...SPLITS.validation]).sort(),
  validation: new Int32Array(),
  test: SPLITS.test,
}
const config = { epochs: 12, extractors: { '*': ['skip', 'raw'] }, baselines: false, head: [6] }

/** A game of modalities whose worth, for any row, is a function of who is there. */
function game(M: number, worth: (shown: readonly boolean[]) => number) {
  const names = Array.from({ length: M }, (_, m) => `m${m}`)
  const model = {
    preparations: names.map((name) => ({ modality: name, columns: [] })),
    target: {
      task: 'regression',
      outputs: ['y'],
      mean: Float64Array.of(worth(names.map(() => false))),
      scale: Float64Array.of(1),
    },
  } as unknown as Model
  const predictor = {
    predict: (inputs, rows) => ({
      values: Float64Array.from(rows ?? [], (row) => {
        const shown = names.map((name) => inputs.modalities.find((m) => m.name === name)?.present[row] === 1)
        return shown.some(Boolean) ? worth(shown) : Number.NaN
      }),
    }),
  } as Predictor
  const inputs = { ids: ['a', 'b'], modalities: names.map((name) => modality(name, Float64Array.of(1, 2), ['x'])) }
  return { predictor, model, inputs, rows: Int32Array.of(1), names }
}

const sharesOf = (g: ReturnType<typeof game>) => [...modalityShares(g.predictor, g.model, g.inputs, g.rows).values]

/** By the definition: the mean over all orders of what each adds when it comes. */
function byDefinition(M: number, worth: (shown: readonly boolean[]) => number): number[] {
  const sums = new Array<number>(M).fill(0)
  let orders = 0
  const visit = (order: number[]) => {
    if (order.length === M) {
      orders++
      const shown = new Array<boolean>(M).fill(false)
      for (const m of order) {
        const before = worth(shown)
        shown[m] = true
        sums[m] += worth(shown) - before
      }
    } else for (let m = 0; m < M; m++) if (!order.includes(m)) visit([...order, m])
  }
  visit([])
  return sums.map((v) => v / orders)
}

const odd = (shown: readonly boolean[]) =>
  shown.reduce((sum, here, m) => sum + (here ? (m + 1) ** 2 : 0), 0) +
  (shown[0] && shown[2] ? 5 : 0) -
  (shown[1] || shown[3] ? 3 : 0)

describe('shares', () => {
  test.each([1, 2, 3, 4, 5])('of %i modalities are those of the definition', (M) => {
    const expected = byDefinition(M, odd)
    sharesOf(game(M, odd)).forEach((share, m) => {
      expect(share).toBeCloseTo(expected[m], 10)
    })
  })

  test('a modality that adds nothing has none; two that add the same have as much', () => {
    const worth = (shown: readonly boolean[]) => (shown[0] && shown[2] ? 4 : shown[0] || shown[2] ? 1 : 0)
    const [a, nobody, b] = sharesOf(game(3, worth))
    expect(nobody).toBe(0)
    expect(a).toBeCloseTo(b, 12)
    expect(a + b).toBeCloseTo(4, 12)
  })

  test('of a sum of games are the sums of the shares', () => {
    const other = (shown: readonly boolean[]) => (shown[1] ? 2 : 0) * (shown[3] ? 3 : 1)
    const both = sharesOf(game(4, (s) => odd(s) + other(s)))
    const [a, b] = [sharesOf(game(4, odd)), sharesOf(game(4, other))]
    both.forEach((share, m) => {
      expect(share).toBeCloseTo(a[m] + b[m], 10)
    })
  })

  test('of more modalities than can all be asked about add up as well, and are right within their errors', () => {
    const M = 14
    const worth = (shown: readonly boolean[]) =>
      shown.reduce((sum, here, m) => sum + (here ? m : 0), 0) + (shown[0] && shown[1] ? 6 : 0)
    const g = game(M, worth)
    const { values, errors } = modalityShares(g.predictor, g.model, g.inputs, g.rows)
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(worth(g.names.map(() => true)), 8)
    values.forEach((share, m) => {
      expect(Math.abs(share - (m + (m < 2 ? 3 : 0)))).toBeLessThanOrEqual(4 * errors[m] + 1e-9)
    })
  })
})

describe.each(['classification', 'regression'] as const)('of a model, %s', (task) => {
  const { data } = study({ task, present: SOME })
  const { model } = train({ data, splits: EVERYONE }, config)
  const predictor = createPredictor(session, model)
  const shares = modalityShares(predictor, model, data, SPLITS.test)
  const D = shares.outputs.length
  const plain = predictor.predict(data, SPLITS.test).values

  test('shares and the base make up each prediction; a modality that is missing has none', () => {
    SPLITS.test.forEach((row, i) => {
      for (let d = 0; d < D; d++) {
        const mine = [0, 1, 2].map((m) => shares.values[(i * 3 + m) * D + d])
        if (Number.isNaN(plain[i * D + d])) expect(mine).toEqual([Number.NaN, Number.NaN, Number.NaN])
        else {
          expect(shares.base[d] + mine.reduce((a, b) => a + b, 0)).toBeCloseTo(plain[i * D + d], 6)
          data.modalities.forEach(({ present }, m) => {
            if (!present[row]) expect(mine[m]).toBe(0)
          })
        }
      }
    })
  })

  test('what a subject without anything is said to be: the classes as often as they are, or the mean', () => {
    if (data.target.task === 'regression') expect(baseOf(model)).toEqual((model.target as { mean: Float64Array }).mean)
    else for (const share of baseOf(model)) expect(share).toBeCloseTo(1 / 3, 0)
    const { calibration: _, ...bare } = model
    if (task === 'classification') expect([...baseOf(bare)]).toEqual([1 / 3, 1 / 3, 1 / 3])
  })

  test('importance adds up to what the model takes off the loss', () => {
    const found = modalityImportance(predictor, model, data, SPLITS.test)
    const { target } = data
    const base = baseOf(model)
    const rows = Array.from(SPLITS.test.keys()).filter((i) => !Number.isNaN(plain[i * D]))
    const loss = (values: ArrayLike<number>, at: number, row: number) =>
      target.task === 'classification' ? -Math.log(values[at + target.labels[row]]) : (values[at] - target.values[row]) ** 2
    const gained = rows.map((i) => loss(base, 0, SPLITS.test[i]) - loss(plain, i * D, SPLITS.test[i]))
    const mean = gained.reduce((a, b) => a + b, 0) / rows.length
    expect(found.reduce((sum, { gain }) => sum + gain, 0)).toBeCloseTo(mean, 6)
    for (const { size, sizeError, gainError } of found) expect(Math.min(size, sizeError, gainError)).toBeGreaterThan(0)
  })

  test('which modality next: what rows that have it lose when it is hidden', () => {
    const next = nextModality(predictor, model, ['visit'], data, SPLITS.test)
    expect(next.map(({ modality: name }) => name).sort()).toEqual(['lab', 'scan'])
    expect(next[0].gain).toBeGreaterThanOrEqual(next[1].gain)
    // The outcome is mostly the scan.
    expect(next[0].modality).toBe('scan')
    const here = (name: string, row: number) => data.modalities.find((m) => m.name === name)!.present[row]
    expect(next[0].rows).toBe(SPLITS.test.filter((row) => here('visit', row) && here('scan', row)).length)
    expect(() => nextModality(predictor, model, ['mri'], data, SPLITS.test)).toThrow(
      'the model has no modality "mri": it has scan, visit, lab',
    )
  })
})
