import { describe, expect, test } from 'vitest'
import { type Inputs, type Modality, modality } from '../../src/data/dataset.ts'
import { applyPreparation, fitPreparation, type NumberPreparation } from '../../src/data/prepare.ts'
import { ableStudents, type Pattern } from '../../src/fusion/availability.ts'
import { argmax, RULES, type Rule, rulesOf, weightsByLoss } from '../../src/fusion/ensemble.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor, type Prediction } from '../../src/fusion/predictor.ts'
import { project } from '../../src/fusion/projection.ts'
import { metaLearner } from '../../src/fusion/stacking.ts'
import { type Source, studentOf } from '../../src/fusion/student.ts'
import { cohortOutputs } from '../../src/train/outputs.ts'
import { planOf } from '../../src/train/step.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from '../train/cohort.ts'
import { softmax } from '../train/reference.ts'
import { everyPattern, inferSession, modelFor, subjects } from './models.ts'

const TASKS = ['regression', 'classification'] as const
const rowsOf = (prediction: Prediction) => {
  const D = prediction.outputs.length
  return Array.from(prediction.patternOf, (_, i) => [...prediction.values.subarray(i * D, (i + 1) * D)])
}
const predict = (model: Model, inputs: Inputs, rule?: Rule, rows?: ArrayLike<number>) =>
  createPredictor(inferSession(), model, rule).predict(inputs, rows)

/** What each student says to each row, as training computes it. */
function said({ preparations, projections, students }: Model, inputs: Inputs, features: readonly number[]): Float32Array {
  const session = trainSession()
  const sources = new Map<string, Source>()
  const rows = inputs.ids.length
  inputs.modalities.forEach((m, i) => {
    sources.set(`${i}:raw`, { at: session.memory.put(applyPreparation(preparations[i], m)), width: features[i] })
  })
  for (const layer of projections) {
    sources.set(`${layer.modality}:${layer.name}`, project(session, sources.get(`${layer.modality}:raw`)!, layer, rows))
  }
  const all = Int32Array.from({ length: rows }, (_, row) => row)
  const { outputs } = students[0].spec
  const problem = {
    session,
    students: students.map((s) => studentOf(s.spec, features)),
    sees: students.map(() => new Uint8Array(rows).fill(1)),
    sources,
    target: { task: 'regression', at: session.memory.put(new Float32Array(rows * outputs)), outputs } as const,
    train: all,
    validation: all,
  }
  return cohortOutputs(planOf(problem, 64), students, all)
}

/** Arrays of numbers as JSON has them, typed again; a gap comes as null. */
const restored = (key: string, value: unknown): unknown => {
  if (key === 'values') return Float64Array.from(Object.values(value as object), (v) => v ?? Number.NaN)
  if (key === 'codes' || key === 'labels') return Int32Array.from(Object.values(value as object))
  return key === 'present' ? Uint8Array.from(Object.values(value as object)) : value
}

describe.each(TASKS)('%s', (task) => {
  const { data, model, features, patterns } = modelFor({ task })
  const D = model.students[0].spec.outputs
  const whole = predict(model, data)

  const rules = rulesOf(task)
  const weighed = rules.filter((rule) => rule !== 'stacking')

  test.each(weighed)('%s: the students of training, weighted by the ensemble, to the last bit', (rule) => {
    const outputs = said(model, data, features)
    const prediction = predict(model, data, rule)
    const { kernels, memory } = inferSession()
    const { fround } = Math
    const at = memory.alloc(4 * D)
    let rows = 0
    patterns.forEach((pattern, row) => {
      const listed = model.ensembles.patterns.indexOf(pattern)
      if (listed < 0) return
      rows++
      const mix = new Float32Array(D)
      const vote = rule.endsWith('vote')
      model.ensembles.weights[rule]![listed].forEach((w, i) => {
        const mine = outputs.subarray((i * 150 + row) * D, (i * 150 + row + 1) * D)
        const chosen = mine.indexOf(Math.max(...mine))
        const says = vote ? mine.map((_, d) => Number(d === chosen)) : mine
        if (w > 0) for (let d = 0; d < D; d++) mix[d] = fround(mix[d] + fround(w * says[d]))
      })
      memory.f32(at, D).set(mix)
      if (task === 'classification' && !vote) kernels.softmax(at, at, 1, D)
      const { target } = model
      const expected = Array.from(memory.f32(at, D), (v, d) =>
        target.task === 'regression' ? v * target.scale[d] + target.mean[d] : v,
      )
      expect(rowsOf(prediction)[row]).toEqual(expected)
    })
    expect(rows).toBeGreaterThan(50)
  })

  test('a row is predicted the same alone, in any order, among any others', () => {
    const expected = rowsOf(whole)
    const predictor = createPredictor(inferSession(), model)
    for (const row of [0, 1, 63, 64, 65, 149]) {
      expect(rowsOf(predictor.predict(data, Int32Array.of(row)))).toEqual([expected[row]])
    }
    const backwards = Int32Array.from({ length: 150 }, (_, i) => 149 - i)
    expect(rowsOf(predictor.predict(data, backwards))).toEqual([...expected].reverse())
    const few = Int32Array.of(7, 7, 100, 3, 7)
    expect(rowsOf(predictor.predict(data, few))).toEqual(Array.from(few, (row) => expected[row]))
    // More rows of one pattern than are run at once, and one of them changed.
    const many = Int32Array.from({ length: 200 }, (_, i) => (i === 130 ? 8 : 0))
    const repeated = rowsOf(predictor.predict(data, many))
    repeated.forEach((values, i) => {
      expect(values).toEqual(expected[i === 130 ? 8 : 0])
    })
  })

  test('what stands in other rows, and in cells of missing modalities, does not matter', () => {
    const row = 5
    const noise = subjects(150, everyPattern, 99)
    const other: Inputs = {
      ids: data.ids,
      modalities: data.modalities.map((m, i) => ({
        ...m,
        columns: m.columns.map((c, j) => {
          const from = noise[i].columns[j]
          const keep = (at: number) => at === row && m.present[row] === 1
          if (c.kind === 'number' && from.kind === 'number')
            return { ...c, values: c.values.map((v, at) => (keep(at) ? v : from.values[at])) }
          if (c.kind === 'category' && from.kind === 'category')
            return { ...c, codes: c.codes.map((v, at) => (keep(at) ? v : from.codes[at])) }
          return c
        }),
      })),
    }
    expect(rowsOf(predict(model, other))[row]).toEqual(rowsOf(whole)[row])
    expect(rowsOf(predict(model, other))[row + 1]).not.toEqual(rowsOf(whole)[row + 1])
  })

  test('modalities are found by name: their order does not matter, and others are not looked at', () => {
    const extra = { ...data.modalities[0], name: 'unknown' }
    expect(predict(model, { ids: data.ids, modalities: [extra, ...data.modalities].reverse() })).toEqual(whole)
  })

  test('a modality that is not given is one that every row lacks', () => {
    const [scan, visit, lab] = data.modalities
    const absent: Modality = { ...visit, present: new Uint8Array(150) }
    const without = predict(model, { ids: data.ids, modalities: [scan, lab] })
    expect(without).toEqual(predict(model, { ids: data.ids, modalities: [scan, absent, lab] }))
    expect(new Set(without.patterns.map((p) => p.missing.includes('visit')))).toEqual(new Set([true]))
  })

  test('infer.wasm and train.wasm say the same bits', () => {
    for (const rule of rules) {
      expect(createPredictor(trainSession(), model, rule).predict(data)).toEqual(predict(model, data, rule))
    }
  })

  test('predicting twice is predicting once; the first answer stays', () => {
    const predictor = createPredictor(inferSession(), model)
    const first = predictor.predict(data)
    const kept = structuredClone(first)
    predictor.predict({ ids: data.ids, modalities: subjects(150, everyPattern, 3) })
    expect(first).toEqual(kept)
    expect(predictor.predict(data)).toEqual(first)
  })

  test('ids and outputs are those of the rows and of the model', () => {
    expect(predict(model, data, 'greedy', Int32Array.of(4, 2)).ids).toEqual(['s4', 's2'])
    expect(whole.ids).toEqual(data.ids)
    expect(whole.outputs).toEqual(task === 'classification' ? ['no', 'yes', 'perhaps'] : ['u', 'v'])
  })

  test('of no rows there is nothing, and no harm', () => {
    const none = predict(model, data, 'greedy', new Int32Array())
    expect([none.ids, [...none.values], none.patterns]).toEqual([[], [], []])
  })

  test('a row without a modality that any student could use is not predicted', () => {
    const row = patterns.indexOf('000')
    expect(rowsOf(whole)[row]).toEqual(Array(D).fill(Number.NaN))
    expect(whole.patterns[whole.patternOf[row]]).toEqual({ missing: ['scan', 'visit', 'lab'], students: [] })
    if (task === 'classification') expect(whole.labels?.[row]).toBe(-1)
    const dark = predict(model, { ids: ['x', 'y'], modalities: [] })
    expect(dark.values.every(Number.isNaN)).toBe(true)
  })

  test('each row’s pattern says what it lacks and who speaks for it, by falling weight', () => {
    const named: Record<Pattern, string[]> = {
      '111': [],
      '011': ['scan'],
      '101': ['visit'],
      '001': ['scan', 'visit'],
      '110': ['lab'],
      '010': ['scan', 'lab'],
      '100': ['visit', 'lab'],
      '000': ['scan', 'visit', 'lab'],
    }
    expect(whole.patterns).toHaveLength(8)
    patterns.forEach((pattern, row) => {
      const report = whole.patterns[whole.patternOf[row]]
      expect(report.missing).toEqual(named[pattern])
      const able = ableStudents(
        model.students.map((s) => s.spec),
        pattern,
      )
      for (const { name } of report.students) expect(able).toContain(model.students.findIndex((s) => s.name === name))
      const weights = report.students.map((s) => s.weight)
      expect(weights).toEqual([...weights].sort((a, b) => b - a))
      if (pattern !== '000') expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
    })
    const listed = model.ensembles.weights.greedy![0]
    const full = whole.patterns[whole.patternOf[0]].students
    expect(full.map((s) => s.weight)).toEqual([...listed].filter((w) => w > 0).sort((a, b) => b - a))
  })

  test('the model’s own ensemble is greedy when no rule is named', () => {
    expect(whole).toEqual(predict(model, data, 'greedy'))
    expect(rowsOf(whole)[0]).not.toEqual(rowsOf(predict(model, data, 'simple-average'))[0])
  })

  test.each(rules)('a pattern that is not listed: %s by the students’ losses, among those that can speak', (rule) => {
    const pattern = '101'
    const row = patterns.indexOf(pattern)
    const { patterns: reports, patternOf } = predict(model, data, rule)
    const able = ableStudents(
      model.students.map((s) => s.spec),
      pattern,
    )
    const weights = weightsByLoss(
      rule,
      model.students.map((s) => s.loss),
      able,
      model.best,
    )
    const expected = able
      .filter((i) => weights[i] > 0)
      .map((i) => ({ name: model.students[i].name, weight: weights[i] }))
      .sort((a, b) => b.weight - a.weight)
    expect(reports[patternOf[row]].students).toEqual(expected)
  })

  test('a student without a finite loss has no say in such a pattern', () => {
    const students = model.students.map((s, i) => (i === 0 || i === 5 ? { ...s, loss: Number.POSITIVE_INFINITY } : s))
    for (const rule of rules) {
      const { patterns: reports, patternOf } = predict({ ...model, students }, data, rule)
      const used = reports[patternOf[patterns.indexOf('101')]].students.map((s) => s.name)
      expect(used.length).toBeGreaterThan(0)
      expect(used).not.toContain(students[0].name)
      expect(used).not.toContain(students[5].name)
    }
    // Where no other could speak, nobody does.
    const [only] = students
    const alone = { ...model, students: [only], ensembles: { ...model.ensembles, patterns: [] } }
    expect(predict(alone, data).values.every(Number.isNaN)).toBe(true)
  })

  test('the memory is as it was after a prediction, and after one that fails', () => {
    const session = inferSession()
    const predictor = createPredictor(session, model)
    const before = session.memory.mark()
    predictor.predict(data)
    expect(session.memory.mark()).toBe(before)
    const [scan, visit, lab] = data.modalities
    const lacking = { ...lab, columns: lab.columns.slice(1) }
    expect(() => predictor.predict({ ids: data.ids, modalities: [scan, visit, lacking] })).toThrow(
      expect.objectContaining({ name: 'DataError', message: 'feature "0" of "lab" is missing: the model needs it as a column' }),
    )
    expect(session.memory.mark()).toBe(before)
    expect(predictor.predict(data)).toEqual(whole)
  })

  test('a student that fills speaks for every row with any of its modalities', () => {
    const filling = modelFor({ task, specs: [specOf('raw raw skip', 1, { hidden: [5], fills: true })], patterns: [] })
    const prediction = predict(filling.model, filling.data, 'simple-average')
    filling.patterns.forEach((pattern, row) => {
      expect(rowsOf(prediction)[row].some(Number.isNaN)).toBe(pattern[0] === '0' && pattern[1] === '0')
    })
    // As if it had the training mean of what is missing.
    const [scan, visit] = filling.data.modalities
    const row = filling.patterns.indexOf('011')
    const average: Modality = {
      ...scan,
      columns: scan.columns.map((c, j) => {
        const learned = filling.model.preparations[0].columns[j]
        if (c.kind !== 'number' || learned.kind !== 'number') throw new Error('the scan holds numbers')
        return { ...c, values: c.values.map((v, at) => (at === row ? learned.mean : v)) }
      }),
      present: scan.present.map((v, at) => (at === row ? 1 : v)),
    }
    const filled = predict(filling.model, { ids: data.ids, modalities: [average, visit] }, 'simple-average')
    expect(rowsOf(filled)[row]).toEqual(rowsOf(prediction)[row])
  })
})

test('probabilities sum to 1, and the label is the most probable class, the first of equals', () => {
  const { data, model } = modelFor({ task: 'classification' })
  const prediction = predict(model, data)
  rowsOf(prediction).forEach((p, row) => {
    if (Number.isNaN(p[0])) return
    expect(p.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 6)
    expect(prediction.labels?.[row]).toBe(p.indexOf(Math.max(...p)))
  })
  const mute = { ...model, students: model.students.map((s) => ({ ...s, block: new Float32Array(s.block.length) })) }
  const equal = predict(mute, data, 'greedy', Int32Array.of(0, 1))
  expect(rowsOf(equal)[0]).toEqual(Array(3).fill(Math.fround(1 / 3)))
  expect([...equal.labels!]).toEqual([0, 0])
})

test('a regression has no labels, and speaks in the units of its target', () => {
  const { data, model } = modelFor()
  const mute = { ...model, students: model.students.map((s) => ({ ...s, block: new Float32Array(s.block.length) })) }
  const prediction = predict(mute, data, 'greedy', Int32Array.of(0))
  expect(prediction.labels).toBeUndefined()
  expect([...prediction.values]).toEqual([3, -1000])
})

test('an output far from 0 keeps its digits', () => {
  const { data, model } = modelFor()
  const mute = { ...model, students: model.students.map((s) => ({ ...s, block: new Float32Array(s.block.length) })) }
  const far = { ...mute, target: { ...mute.target, mean: Float64Array.of(1_700_000_001.25, 0) } as typeof mute.target }
  expect(predict(far, data, 'greedy', Int32Array.of(0)).values[0]).toBe(1_700_000_001.25)
})

describe('what a predictor remembers changes nothing', () => {
  const { data, model } = modelFor({ task: 'classification' })
  const fresh = (inputs: Inputs, rows?: ArrayLike<number>, rule?: Rule) => predict(model, inputs, rule, rows)
  const range = (n: number, step = 1) => Int32Array.from({ length: n }, (_, i) => (step * i) % 150)
  test.each(['greedy', 'majority-vote', 'stacking'] as const)(
    '%s: calls of all sizes, orders and patterns, however they follow each other',
    (rule) => {
      const predictor = createPredictor(inferSession(), model, rule)
      const [scan, visit, lab] = data.modalities
      const turned = { ...scan, columns: [...scan.columns].reverse() }
      const calls: [Inputs, ArrayLike<number> | undefined][] = [
        [data, [3]],
        [data, range(4097)],
        [{ ids: data.ids, modalities: [lab, turned] }, [3, 4]],
        [data, range(64)],
        [{ ids: data.ids, modalities: [visit, turned, lab] }, range(65)],
        [{ ids: data.ids, modalities: [visit] }, [8]],
        [{ ids: data.ids, modalities: [] }, [0]],
        [data, []],
        [data, [3]],
        [data, undefined],
      ]
      for (const [inputs, rows] of calls) expect(predictor.predict(inputs, rows)).toEqual(fresh(inputs, rows, rule))
    },
  )

  test('a modality that is gone is gone: who fills does not find what the call before left there', () => {
    const { model: filling } = modelFor({ specs: [specOf('raw raw skip', 1, { hidden: [5], fills: true })], patterns: [] })
    const predictor = createPredictor(inferSession(), filling, 'simple-average')
    predictor.predict(data, range(20))
    const scan = { ids: data.ids, modalities: data.modalities.slice(0, 1) }
    expect(predictor.predict(scan, range(20))).toEqual(predict(filling, scan, 'simple-average', range(20)))
  })

  test('what it said before stays as it was said', () => {
    const predictor = createPredictor(inferSession(), model)
    const first = predictor.predict(data, [0, 1, 2])
    const copy = structuredClone(first)
    predictor.predict(data, [9, 30, 4])
    predictor.predict(data, range(100))
    expect(first).toEqual(copy)
  })

  test('the memory may grow between two calls, by whoever shares the session', () => {
    const session = inferSession()
    const [greedy, average] = [createPredictor(session, model), createPredictor(session, model, 'simple-average')]
    const size = session.memory.size()
    const both = () => {
      expect(greedy.predict(data, range(20))).toEqual(fresh(data, range(20)))
      expect(average.predict(data, range(20))).toEqual(fresh(data, range(20), 'simple-average'))
    }
    both()
    session.memory.alloc(10 * size)
    both()
    greedy.predict(data, range(300))
    both()
  })

  test('inputs that are changed in place are looked at again', () => {
    const predictor = createPredictor(inferSession(), model)
    const whole = predictor.predict(data)
    const columns = data.modalities[0].columns as Modality['columns'][number][]
    const [a, b, c] = columns
    if (a.kind !== 'number' || b.kind !== 'number') throw new Error('the scan holds numbers')
    const refuse = (put: Modality['columns'][number], message: string) => {
      columns[1] = put
      expect(() => predictor.predict(data)).toThrow(message)
      columns[1] = b
    }
    refuse({ ...b, name: a.name }, 'modality "scan" has two features named "0": rename one')
    refuse({ ...b, name: c.name }, 'modality "scan" has two features named "2": rename one')
    refuse({ ...b, name: 'other' }, 'feature "1" of "scan" is missing: the model needs it as a column')
    refuse({ kind: 'category', name: '1', codes: new Int32Array(150), levels: ['x'] }, 'feature "1" of "scan" holds categories')
    refuse({ ...b, values: b.values.slice(1) }, 'feature "1" of "scan" has 149 rows, there are 150 ids')
    refuse({ ...b, values: b.values.map((v, row) => (row === 8 ? Infinity : v)) }, 'feature "1" of "scan" is Infinity for "s8"')
    expect(predictor.predict(data)).toEqual(whole)
    columns.splice(0, 2, b, a)
    expect(predictor.predict(data)).toEqual(whole)
    columns.splice(0, 2, a, b)
    const value = a.values[0]
    a.values[0] = value + 1
    expect(predictor.predict(data, [0]).values).not.toEqual(whole.values.subarray(0, 3))
    a.values[0] = value
    expect(predictor.predict(data)).toEqual(whole)
  })

  test('names are known by what they say, whichever strings say it', () => {
    const predictor = createPredictor(inferSession(), model)
    const whole = predictor.predict(data)
    expect(predictor.predict(structuredClone(data))).toEqual(whole)
    expect(predictor.predict(JSON.parse(JSON.stringify(data), restored))).toEqual(whole)
  })

  test('every error leaves it as it was, with its memory', () => {
    const session = inferSession()
    const predictor = createPredictor(session, model)
    const mark = session.memory.mark()
    const [scan, visit, lab] = data.modalities
    const far = {
      ...scan,
      columns: scan.columns.map((c) => (c.kind === 'number' ? { ...c, values: c.values.map(() => 1e300) } : c)),
    }
    for (const rows of [[0], range(100)]) {
      expect(() => predictor.predict({ ids: data.ids, modalities: [far, visit, lab] }, rows)).toThrow('in training it was')
      expect(() => predictor.predict({ ids: data.ids, modalities: [scan, visit, { ...lab, columns: [] }] }, rows)).toThrow(
        'missing',
      )
      expect(() => predictor.predict(data, [...rows, 150])).toThrow('row 150 is asked for')
      expect(session.memory.mark()).toBe(mark)
      expect(predictor.predict(data, rows)).toEqual(fresh(data, rows))
    }
  })

  test('a report belongs to every prediction of its pattern, so nobody can write in it', () => {
    const [report] = createPredictor(inferSession(), model).predict(data, [0]).patterns
    for (const part of [report, report.missing, report.students, report.students[0]]) expect(Object.isFrozen(part)).toBe(true)
  })
})

test('features end where the model has them end, and are told as far off as they are', () => {
  const { data, model } = modelFor()
  const [scan, ...others] = model.preparations
  const clipped = { ...model, preparations: [{ ...scan, clip: 0.5 }, ...others] }
  const at = (values: (value: number, c: number) => number): Inputs => ({
    ...data,
    modalities: data.modalities.map((modality, m) => ({
      ...modality,
      columns: modality.columns.map((column, c) =>
        m === 0 && column.kind === 'number' ? { ...column, values: column.values.map((v) => values(v, c)) } : column,
      ),
    })),
  })
  const { mean, scale } = scan.columns[0] as NumberPreparation
  const far = at((v, c) => (c === 0 ? mean + 9 * scale : v))
  const end = at((v, c) => (c === 0 ? mean + 0.5 * scale : v))
  expect(predict(clipped, far, undefined, [0])).toEqual(predict(clipped, end, undefined, [0]))
  expect(predict(model, far, undefined, [0])).not.toEqual(predict(model, end, undefined, [0]))
  const told: Float32Array[][] = []
  const watch = { row: (_: number, features: readonly Float32Array[]) => told.push([...features]), said: () => {} }
  createPredictor(inferSession(), clipped).predict(far, [0, 1], watch)
  // Row 0 has all modalities, row 1 lacks the first.
  expect(told.map((features) => features.map((f) => f.length))).toEqual([
    [7, 4, 5],
    [0, 4, 5],
  ])
  expect(told[0][0][0]).toBeCloseTo(9, 5)
  expect([...told[0][0]]).toEqual([...applyPreparation(scan, far.modalities[0]).subarray(0, 7)])
})

test('more patterns than are remembered are predicted as each alone', () => {
  const names = Array.from({ length: 11 }, (_, m) => `m${m}`)
  const rows = 2 ** 11
  const modalities = names.map((name, m) =>
    modality(
      name,
      Float64Array.from({ length: rows }, (_, row) => ((row * 7 + m) % 11) - 5),
      1,
      Uint8Array.from({ length: rows }, (_, row) => (row >> m) & 1),
    ),
  )
  const { model } = modelFor()
  const students = names.map((name, m) => {
    const spec = specOf(names.map((_, other) => (other === m ? 'raw' : 'skip')).join(' '), 2, { hidden: [] })
    return { name, spec, block: Float32Array.of(1, m, 0.5, 0.25), loss: 1 + m, teacher: 0 }
  })
  const wide: Model = {
    ...model,
    preparations: modalities.map((m) => fitPreparation(m, Int32Array.from(m.present.keys()))),
    projections: [],
    students,
    ensembles: { patterns: [], weights: { 'weighted-average': [] }, average: 'logits' },
  }
  const inputs = { ids: Array.from({ length: rows }, (_, row) => `s${row}`), modalities }
  const predictor = createPredictor(inferSession(), wide)
  const whole = predictor.predict(inputs)
  expect(whole.patterns).toHaveLength(rows)
  for (const row of [0, 1, 1023, 1024, 1025, 2047]) {
    const [values] = rowsOf(predict(wide, inputs, undefined, [row]))
    expect(rowsOf(whole)[row]).toEqual(values)
    expect(rowsOf(predictor.predict(inputs, [row]))[0]).toEqual(values)
  }
})

test('a row that is not there is refused', () => {
  const { data, model } = modelFor()
  for (const row of [-1, data.ids.length, 1.5, Number.NaN, 2 ** 32]) {
    expect(() => predict(model, data, 'greedy', [0, row])).toThrow(
      `row ${row} is asked for and there are ${data.ids.length}: give indexes of rows`,
    )
  }
})

test('rows may be given as plain numbers', () => {
  const { data, model } = modelFor()
  expect(predict(model, data, 'greedy', [5, 2])).toEqual(predict(model, data, 'greedy', Int32Array.of(5, 2)))
})

test('inputs that do not fit are refused', () => {
  const { data, model } = modelFor()
  const [scan, visit, lab] = data.modalities
  const short = { ...lab, columns: lab.columns.map((c) => (c.kind === 'number' ? { ...c, values: c.values.slice(0, 5) } : c)) }
  const refuse = (modalities: readonly Modality[], name: string, message: string) =>
    expect(() => predict(model, { ids: data.ids, modalities })).toThrow(expect.objectContaining({ name, message }))
  refuse([scan, visit, short], 'ShapeError', 'feature "0" of "lab" has 5 rows, there are 150 ids')
  refuse(
    [{ ...scan, present: scan.present.slice(1) }, visit, lab],
    'ShapeError',
    'modality "scan" has 149 rows, there are 150 ids: give every modality one row per subject',
  )
  refuse([scan, visit, lab, { ...scan }], 'DataError', 'two modalities are named "scan": give each its own name')
})

test('a column that is missing is told even where there is no row', () => {
  const { model } = modelFor()
  const [, , lab] = subjects(0, everyPattern)
  const lacking = { ...lab, columns: lab.columns.slice(1) }
  expect(() => predict(model, { ids: [], modalities: [lacking] })).toThrow('feature "0" of "lab" is missing')
})

test('a large table takes no more memory than a small one, and is predicted the same', () => {
  const { data, model } = modelFor()
  const whole = rowsOf(predict(model, data))
  const session = inferSession()
  const predictor = createPredictor(session, model)
  const rows = (n: number) => Int32Array.from({ length: n }, (_, i) => (7 * i) % 150)
  predictor.predict(data, rows(4096))
  const size = session.memory.size()
  const many = rowsOf(predictor.predict(data, rows(30_000)))
  expect(session.memory.size()).toBe(size)
  expect(many.every((values, i) => values.every((v, d) => Object.is(v, whole[(7 * i) % 150][d])))).toBe(true)
})

test.each(rulesOf('regression'))(
  '%s: a pattern listed with the weights of the losses is predicted as one that is not listed',
  (rule) => {
    const { data, model, patterns } = modelFor({ patterns: [] })
    const students = model.students.map((s, i) => (i === 5 ? { ...s, loss: Number.POSITIVE_INFINITY } : s))
    const specs = students.map((s) => s.spec)
    const losses = students.map((s) => s.loss)
    const listed = [...new Set(patterns)].filter((pattern) => ableStudents(specs, pattern).some((i) => i !== 5))
    const weights = listed.map((pattern) => {
      const able = ableStudents(specs, pattern).filter((i) => i !== 5)
      return weightsByLoss(rule, losses, able, model.best)
    })
    const ensembles = { ...model.ensembles, patterns: listed, weights: { ...model.ensembles.weights, [rule]: weights } }
    expect(predict({ ...model, students, ensembles }, data, rule)).toEqual(predict({ ...model, students }, data, rule))
  },
)

test('a rule that the model lacks is refused when the predictor is made', () => {
  const { model } = modelFor()
  expect(() => createPredictor(inferSession(), model, 'best' as Rule)).toThrow(
    'the model has no rule "best": it has greedy, best-single, simple-average, weighted-average, bagging, stacking',
  )
  const { weights } = model.ensembles
  const few = { ...model, ensembles: { ...model.ensembles, weights: { 'weighted-average': weights['weighted-average'] } } }
  for (const rule of RULES.filter((name) => name !== 'weighted-average')) {
    expect(() => createPredictor(inferSession(), few, rule)).toThrow(`the model has no rule "${rule}": it has weighted-average`)
  }
})

test('a model without a meta learner cannot stack', () => {
  const { model } = modelFor()
  const { stacking: _, ...ensembles } = model.ensembles
  expect(() => createPredictor(inferSession(), { ...model, ensembles }, 'stacking')).toThrow('the model has no rule "stacking"')
})

test('a model without greedy predicts by the first rule it has', () => {
  const { data, model } = modelFor()
  const { greedy: _, ...weights } = model.ensembles.weights
  const without = { ...model, ensembles: { ...model.ensembles, weights } }
  expect(predict(without, data)).toEqual(predict(model, data, 'best-single'))
})

test('an average of probabilities: every student speaks in probabilities, and none is made again of their mean', () => {
  const { data, model, features, patterns } = modelFor({ task: 'classification' })
  const outputs = said(model, data, features)
  const ensembles = { ...model.ensembles, average: 'probabilities' as const }
  for (const rule of ['greedy', 'weighted-average', 'bagging'] as const) {
    const prediction = predict({ ...model, ensembles }, data, rule)
    expect(prediction.values).not.toEqual(predict(model, data, rule).values)
    patterns.forEach((pattern, row) => {
      const listed = model.ensembles.patterns.indexOf(pattern)
      if (listed < 0) return
      const mean = [0, 0, 0]
      model.ensembles.weights[rule]![listed].forEach((w, i) => {
        softmax([...outputs.subarray((i * 150 + row) * 3, (i * 150 + row + 1) * 3)]).forEach((p, d) => {
          mean[d] += w * p
        })
      })
      mean.forEach((p, d) => {
        expect(prediction.values[row * 3 + d]).toBeCloseTo(p, 5)
      })
      expect(prediction.labels?.[row]).toBe(argmax(prediction.values, row * 3, 3))
    })
  }
  // Votes and what a network makes of outputs are no averages.
  for (const rule of ['majority-vote', 'weighted-vote', 'stacking'] as const) {
    expect(predict({ ...model, ensembles }, data, rule)).toEqual(predict(model, data, rule))
  }
})

describe('votes', () => {
  const { data, model, features, patterns } = modelFor({ task: 'classification', patterns: [] })
  const outputs = said(model, data, features)
  const specs = model.students.map((s) => s.spec)

  test('a tie goes to the smallest class, and every class has its share', () => {
    const prediction = predict(model, data, 'majority-vote')
    let ties = 0
    patterns.forEach((pattern, row) => {
      const able = ableStudents(specs, pattern)
      if (able.length === 0) return
      const counts = [0, 0, 0]
      for (const i of able) counts[argmax(outputs, (i * 150 + row) * 3, 3)]++
      const most = Math.max(...counts)
      if (counts.filter((count) => count === most).length > 1) ties++
      expect(prediction.labels?.[row]).toBe(counts.indexOf(most))
      counts.forEach((count, k) => {
        expect(prediction.values[row * 3 + k]).toBeCloseTo(count / able.length, 6)
      })
    })
    expect(ties).toBeGreaterThan(5)
  })

  test('weighted ones count by 1 / loss of those that can speak', () => {
    const prediction = predict(model, data, 'weighted-vote')
    patterns.forEach((pattern, row) => {
      const able = ableStudents(specs, pattern)
      const worth = able.map((i) => 1 / model.students[i].loss)
      const shares = [0, 0, 0]
      able.forEach((i, k) => {
        shares[argmax(outputs, (i * 150 + row) * 3, 3)] += worth[k] / worth.reduce((a, b) => a + b)
      })
      if (able.length > 0) {
        shares.forEach((share, k) => {
          expect(prediction.values[row * 3 + k]).toBeCloseTo(share, 6)
        })
      }
    })
  })
})

describe.each(TASKS)('stacking: %s', (task) => {
  const { data, model, features, patterns } = modelFor({ task })
  const M = model.students.length
  const D = model.students[0].spec.outputs
  const outputs = said(model, data, features)

  test('a network of one hidden layer on the outputs of those that can speak, 0 for the others', () => {
    const students = model.students.map((s, i) => (i === 2 ? { ...s, loss: Number.POSITIVE_INFINITY } : s))
    const ensembles = { ...model.ensembles, patterns: [], weights: { stacking: [] } }
    const prediction = predict({ ...model, students, ensembles }, data, 'stacking')
    const { layout } = metaLearner(M, D)
    const [hidden, , last] = layout.tensors.map(({ offset, size }) => model.ensembles.stacking!.subarray(offset, offset + size))
    const [bias, lastBias] = [1, 3]
      .map((t) => layout.tensors[t])
      .map(({ offset, size }) => model.ensembles.stacking!.subarray(offset, offset + size))
    const W = M * D
    patterns.forEach((pattern, row) => {
      const able = ableStudents(
        students.map((s) => s.spec),
        pattern,
      ).filter((i) => i !== 2)
      const values = prediction.values.subarray(row * D, (row + 1) * D)
      expect(values.every(Number.isNaN)).toBe(able.length === 0)
      if (able.length === 0) return
      const input = Array.from({ length: W }, (_, k) =>
        able.includes(Math.floor(k / D)) ? outputs[(Math.floor(k / D) * 150 + row) * D + (k % D)] : 0,
      )
      const dense = (x: number[], w: Float32Array, b: Float32Array) =>
        Array.from(b, (v, o) => x.reduce((sum, xk, k) => sum + xk * w[o * x.length + k], v))
      const out = dense(
        dense(input, hidden, bias).map((v) => Math.max(0, v)),
        last,
        lastBias,
      )
      const { target } = model
      const expected = target.task === 'regression' ? out.map((v, d) => v * target.scale[d] + target.mean[d]) : softmax(out)
      expected.forEach((v, d) => {
        expect(Math.abs(values[d] - v)).toBeLessThan(1e-4 * (1 + Math.abs(v)))
      })
    })
  })

  test('is the same bits whatever rows it is asked for with', () => {
    const whole = rowsOf(predict(model, data, 'stacking'))
    for (const row of [0, 17, 93]) expect(rowsOf(predict(model, data, 'stacking', [row]))[0]).toEqual(whole[row])
  })
})
