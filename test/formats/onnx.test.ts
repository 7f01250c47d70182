import type { InferenceSession } from 'onnxruntime-web'
import { describe, expect, test } from 'vitest'
import { type Inputs, type Modality, modality } from '../../src/data/dataset.ts'
import { fitPreparation, type Manner } from '../../src/data/prepare.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { type OnnxOptions, onnxInput, writeOnnx } from '../../src/formats/onnx.ts'
import { AVERAGES, type Rule, rulesOf } from '../../src/fusion/ensemble.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import type { Projection } from '../../src/fusion/projection.ts'
import { studentOf } from '../../src/fusion/student.ts'
import { ACTIVATIONS, type Activation } from '../../src/nn/dense.ts'
import { inferSession, modelFor } from '../fusion/models.ts'
import { numbers } from '../kernels/harness.ts'
import { specOf } from '../train/cohort.ts'
import { classifier, regressor } from './models.ts'
import { openOnnx, runOnnx } from './ort.ts'
import { Fields } from './protobuf.ts'

const TASKS = ['regression', 'classification'] as const

/** Probabilities, and values in units of their scale: the engines add in another order, and say tanh and the logistic function differently. */
const TOLERANCE = 1e-6

/** What model and graph say of the rows that have every modality but those that are missing. */
async function both(model: Model, data: Inputs, options: OnnxOptions = {}) {
  const modalities = data.modalities.filter(({ name }) => !options.missing?.includes(name))
  const rows = Int32Array.from(data.ids.keys()).filter((row) => modalities.every(({ present }) => present[row]))
  const ours = createPredictor(inferSession(), model, options.rule).predict({ ids: data.ids, modalities }, rows)
  const results = await runOnnx(writeOnnx(model, options), model, data, rows)
  const theirs = (results.probabilities ?? results.values).data as Float32Array | Float64Array
  const { target } = model
  const scale = target.task === 'regression' ? target.scale : undefined
  const D = ours.outputs.length
  const differences = Array.from(ours.values, (v, i) => Math.abs(v - theirs[i]) / (scale?.[i % D] ?? 1))
  const labels = results.label && Array.from(results.label.data as BigInt64Array, Number)
  return { rows: rows.length, ours, theirs, differences, labels }
}

async function agree(model: Model, data: Inputs, options?: OnnxOptions) {
  const { rows, ours, theirs, differences, labels } = await both(model, data, options)
  expect(rows).toBeGreaterThan(5)
  expect(theirs.length).toBe(ours.values.length)
  // Something is said, and not the same of every row.
  expect(new Set(ours.values).size).toBeGreaterThan(ours.outputs.length)
  expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE)
  expect(labels).toEqual(ours.labels && [...ours.labels])
}

const isVote = (rule: Rule) => rule.endsWith('vote')

describe.each(TASKS)('%s', (task) => {
  const { data, model } = modelFor({ task })

  test.each(rulesOf(task))('%s is as the model says, and to the last bit if it counts votes', async (rule) => {
    await agree(model, data, { rule })
    if (isVote(rule)) expect(Math.max(...(await both(model, data, { rule })).differences)).toBe(0)
  })

  // Those with ensembles of their own and those that are combined by losses.
  test.each(['lab', 'visit lab', 'scan', 'scan lab', 'scan visit', 'visit'])('a graph without %s', async (missing) => {
    await agree(model, data, { missing: missing.split(' ') })
  })

  test('a model that was trained, and read from its file', async () => {
    const { data, model } = task === 'classification' ? classifier() : regressor()
    await agree(readModel(writeModel(model)), data)
  })
})

describe.each(AVERAGES)('a model that doubts its modalities and averages %s', (average) => {
  const { data, model: sure } = modelFor({ task: 'classification' })
  const doubt = { chance: 0.3, caution: 0.7, prior: Float32Array.of(0.5, 0.3, 0.2) }
  const model: Model = { ...sure, ensembles: { ...sure.ensembles, average, doubt } }

  test.each(['', 'lab', 'scan', 'visit', 'visit lab'])('a graph without %s', async (missing) => {
    const options = { missing: missing.split(' ').filter(Boolean) }
    await agree(model, data, options)
    const { theirs } = await both({ ...model, ensembles: { ...model.ensembles, doubt: undefined } }, data, options)
    // Of one modality nothing can be doubted.
    if (options.missing.length < 2) expect((await both(model, data, options)).theirs).not.toEqual(theirs)
  })

  test('other rules never doubt', () => agree(model, data, { rule: 'simple-average' }))
})

test('a modality that no student reads is an input, too', async () => {
  const { data, model } = modelFor({ specs: [specOf('raw skip skip', 1, { hidden: [3] })], patterns: [] })
  expect((await openOnnx(writeOnnx(model))).inputNames).toEqual(['scan', 'visit', 'lab'])
  await agree(model, data)
})

test('of classes with as many votes it is the first', async () => {
  const { data, model } = modelFor({ task: 'classification', patterns: [] })
  const rule = 'majority-vote'
  const { ours, labels, differences } = await both(model, data, { rule })
  const votes = Array.from({ length: labels?.length ?? 0 }, (_, row) => [...ours.values.subarray(3 * row, 3 * row + 3)])
  const tied = votes.filter((shares) => shares.filter((share) => share === Math.max(...shares)).length > 1)
  expect(tied.length).toBeGreaterThan(0)
  expect([labels, Math.max(...differences)]).toEqual([votes.map((shares) => shares.indexOf(Math.max(...shares))), 0])
})

test.each(['simple-average', 'greedy'] as const)('%s of probabilities is as the model says', async (rule) => {
  const { data, model } = modelFor({ task: 'classification' })
  await agree({ ...model, ensembles: { ...model.ensembles, average: 'probabilities' } }, data, { rule })
})

/** A network of two frozen layers on the 7 numbers of the first modality. */
function frozen(activation: Activation): Projection[] {
  const random = numbers(70)
  const layer = (name: string, inputs: number, outputs: number) => ({
    modality: 0,
    name,
    weight: random.f32(inputs * outputs),
    bias: random.f32(outputs),
    activation,
  })
  return [layer('frozen-sliced(4)', 7, 4), layer('frozen-sliced(4,3)', 4, 3)]
}

test.each(ACTIVATIONS)('%s in every kind of extractor and in heads', async (activation) => {
  const kinds = ['raw', 'pca(2)', 'mlp(6,2)', 'sliced(4,3)', 'frozen-sliced(4)', 'frozen-sliced(4,3)']
  const specs = [...kinds.map((kind) => `${kind} skip skip`), 'mlp(3) raw pca(2)', 'skip mlp(3,2) sliced(2)']
  const { data, model } = modelFor({
    task: 'classification',
    specs: specs.map((e) => specOf(e, 1, { hidden: [8, 4], activation })),
    patterns: [],
  })
  await agree({ ...model, projections: [...model.projections, ...frozen(activation)] }, data, { rule: 'simple-average' })
})

test('a student that fills has the mean where a modality is missing', async () => {
  const { data, model } = modelFor({
    specs: ['raw raw raw', 'mlp(3) pca(2) raw'].map((e) => specOf(e, 1, { fills: true })),
    patterns: [],
  })
  await agree(model, data)
  await agree(model, data, { missing: ['visit'] })
  await agree(model, data, { missing: ['scan', 'lab'] })
})

test('outputs that are terms of a sum are added', async () => {
  const { data, model } = modelFor({ patterns: ['111'] })
  const weights = { 'simple-average': [new Float32Array(model.students.length).fill(1)] }
  await agree({ ...model, ensembles: { sum: true, patterns: ['111'], weights, average: 'logits' } }, data)
})

/** A regression on one modality, which a linear student sees as it is prepared. */
function modelOf(view: Modality, manner?: Manner): { model: Model; data: Inputs } {
  const { model } = modelFor({ patterns: [] })
  const ids = Array.from(view.present, (_, i) => `s${i}`)
  const preparation = fitPreparation(view, Int32Array.from(ids.keys()), manner)
  const spec = specOf('raw', 2, { activation: 'identity' })
  const width = preparation.columns.reduce((n, c) => n + (c.kind === 'number' ? 1 : c.levels.length), 0)
  const block = numbers(71).f32(studentOf(spec, [width]).layout.size)
  const students = [{ name: 'all', spec, block, loss: 1, teacher: 0 }]
  return { data: { ids, modalities: [view] }, model: { ...model, preparations: [preparation], projections: [], students } }
}

const ROWS = 12

describe('columns', () => {
  const random = numbers(72)
  const wide = modality('view', random.f64(ROWS * 4), 4)
  const codes = Int32Array.from({ length: ROWS }, (_, row) => (row % 4) - 1)
  const site = { kind: 'category', name: 'site', codes, levels: ['b', 'c', 'é'] } as const

  test('of numbers and categories may stand in any order', async () => {
    const columns = [site, wide.columns[0], wide.columns[1], { ...site, name: 'ward' }, wide.columns[2]]
    const { model, data } = modelOf({ ...wide, columns })
    await agree(model, data)
  })

  test('of categories alone are enough, and one of them', async () => {
    for (const columns of [[site, { ...site, name: 'ward' }], [site]]) {
      const { model, data } = modelOf({ ...wide, columns })
      await agree(model, data)
    }
  })

  test('have gaps, levels in another order, and levels that no one has seen', async () => {
    const { model } = modelOf({ ...wide, columns: [wide.columns[0], site] })
    const gaps = Float64Array.from({ length: ROWS }, (_, row) => (row % 3 === 0 ? Number.NaN : row))
    const later = { ...site, levels: ['é', 'new', 'b'] }
    const view = { ...wide, columns: [later, { kind: 'number', name: '0', values: gaps } as const] }
    const rows = Int32Array.of(1, 0, 2, 3)
    expect([...onnxInput(model.preparations[0], view, rows)]).toEqual([1, 2, Number.NaN, -1, 2, -1, Number.NaN, 0])
    await agree(model, { ids: Array.from(gaps, (_, i) => `s${i}`), modalities: [view] })
  })

  test('a code that is no number is an unknown level as -1 is', async () => {
    const { model } = modelOf({ ...wide, columns: [site] })
    const session = await openOnnx(writeOnnx(model))
    const { Tensor } = await import('onnxruntime-web')
    const { values } = await session.run({ view: new Tensor('float64', Float64Array.of(Number.NaN, -1, 3, 0), [4, 1]) })
    const [a, b, c, known] = [0, 1, 2, 3].map((row) => [...(values.data as Float64Array).slice(2 * row, 2 * row + 2)])
    expect([b, c]).toEqual([a, a])
    expect(known).not.toEqual(a)
  })

  test('far from 0 keep their digits', async () => {
    const times = modality('view', random.f64(ROWS, 1.7e12, 1.7e12 + 1000), ['time'])
    const { model, data } = modelOf(times)
    await agree(model, data)
  })

  describe('that are straightened', () => {
    const site30 = { ...site, codes: Int32Array.from({ length: 30 }, (_, row) => (row % 4) - 1) }
    /** Three of thirty numbers: skewed to the right, to neither side, and to the left far from 0; each has a gap. */
    const numbersOf = (change: (row: number, c: number) => number | undefined = () => undefined): Modality => {
      const values = (c: number, of: (row: number) => number) =>
        Float64Array.from({ length: 30 }, (_, row) => change(row, c) ?? (row === 4 + c ? Number.NaN : of(row)))
      const [income, age, time] = [
        values(0, (row) => 1.7 ** row),
        values(1, (row) => 20 + ((7 * row) % 30)),
        values(2, (row) => 1.7e12 - 1.5 ** row),
      ]
      const number = (name: string, values: Float64Array) => ({ kind: 'number', name, values }) as const
      const columns = [number('income', income), site30, number('age', age), number('time', time)]
      return { name: 'view', columns, present: new Uint8Array(30).fill(1) }
    }
    const manners: Manner[] = [{ unskew: true }, { unskew: true, clip: 1.5 }, { clip: 1.5 }, { unskew: true, standardize: false }]

    test.each(manners)('are so in the graph, with gaps and between categories: %j', async (manner) => {
      const { model, data } = modelOf(numbersOf(), manner)
      const straight = model.preparations[0].columns.map((c) => 'unskew' in c)
      expect(straight).toEqual(manner.unskew ? [true, false, false, true] : [false, false, false, false])
      await agree(model, data)
    })

    test.each([0, 5])('may be as far off as numbers go: clipped at %i', async (clip) => {
      const { model, data } = modelOf(numbersOf(), { unskew: true, clip })
      const far = [1e9, -1e9, 1e155, -1e155, 1e300, -1e300, 0, -0]
      const later = { ...data, modalities: [numbersOf((row, c) => (c === 1 ? undefined : far[row]))] }
      await agree(model, later)
    })

    test('clipped ones end where the model has them end', async () => {
      const { model, data } = modelOf(numbersOf(), { unskew: true, clip: 1 })
      const ends = (sign: number) => {
        const later = { ...data, modalities: [numbersOf((_, c) => sign * 10 ** (20 + c))] }
        return both(model, { ...later, ids: data.ids })
      }
      const [high, low] = [await ends(1), await ends(-1)]
      for (const { differences } of [high, low]) expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE)
      expect(high.theirs[0]).not.toBe(low.theirs[0])
    })
  })

  test('may all have been left out: nothing is read of such a modality', async () => {
    const { model, data } = modelOf(modality('view', new Float64Array(ROWS).fill(3), ['same']))
    expect(model.preparations[0].columns).toEqual([])
    const { differences, rows } = await both(model, data)
    expect([rows, Math.max(...differences)]).toEqual([ROWS, 0])
  })
})

test.each(['values', 'label', '', 'Cast.2', 'preparations.0.mean'])('a modality may have the name "%s"', async (name) => {
  const view = modality(name, numbers(73).f64(ROWS * 3), 3)
  const { model, data } = modelOf(view)
  const { model: classes } = modelFor({ task: 'classification' })
  for (const target of [model.target, classes.target]) {
    const spec = { ...model.students[0].spec, outputs: target.task === 'classification' ? 3 : 2 }
    const block = numbers(74).f32(studentOf(spec, [3]).layout.size)
    const own = { ...model, target, students: [{ ...model.students[0], spec, block }] }
    const ours = createPredictor(inferSession(), own).predict(data)
    const session = await openOnnx(writeOnnx(own))
    const [input] = session.inputNames
    const { Tensor } = await import('onnxruntime-web')
    const results = await session.run({ [input]: new Tensor('float64', onnxInput(own.preparations[0], view), [ROWS, 3]) })
    const theirs = (results.probabilities ?? results.values).data as Float64Array
    expect(Math.abs(theirs[0] - ours.values[0])).toBeLessThanOrEqual(1e-4)
    expect(theirs.length).toBe(ours.values.length)
  }
})

/** The constants of a file's graph. */
const constantsOf = (file: Uint8Array) =>
  new Fields(file)
    .messages(7)[0]
    .messages(5)
    .map((tensor) => ({
      name: tensor.texts(8)[0],
      shape: tensor.numbers(1),
      type: tensor.numbers(2)[0],
      raw: tensor.bytes(9)[0],
    }))

describe('the file', () => {
  const { data, model } = modelFor({ task: 'classification' })
  const file = writeOnnx(model)
  const read = new Fields(file)
  const [graph] = read.messages(7)
  const constants = constantsOf(file)
  const nodes = graph.messages(1).map((node) => ({ inputs: node.texts(1), outputs: node.texts(2), op: node.texts(4)[0] }))
  const named = (field: number) => graph.messages(field).map((value) => value.texts(1)[0])

  test('is the same for the same model, whether it was written and read or not', () => {
    expect(Buffer.from(writeOnnx(model)).equals(file)).toBe(true)
    expect(Buffer.from(writeOnnx(readModel(writeModel(classifier().model)))).equals(writeOnnx(classifier().model))).toBe(true)
  })

  test('says which format, operators and library it is of', () => {
    expect(read.numbers(1)).toEqual([8])
    expect(read.messages(8).map((opset) => [opset.texts(1), opset.numbers(2)])).toEqual([[[''], [17]]])
    expect(read.texts(2)).toEqual(['metafusion'])
  })

  test('gives every tensor a name of its own, and computes it before it is read', () => {
    const known = new Set([...named(11), ...constants.map(({ name }) => name)])
    expect(known.size).toBe(named(11).length + constants.length)
    for (const { inputs, outputs, op } of nodes) {
      expect(
        inputs.filter((name) => !known.has(name)),
        op,
      ).toEqual([])
      expect(
        outputs.filter((name) => known.has(name)),
        op,
      ).toEqual([])
      for (const name of outputs) known.add(name)
    }
    expect(named(12)).toEqual(['probabilities', 'label'])
    expect(named(12).every((name) => known.has(name))).toBe(true)
  })

  test('has constants of as many bytes as their shape says', () => {
    const bytes: Record<number, number> = { 1: 4, 7: 8, 11: 8 }
    for (const { shape, type, raw, name } of constants) {
      expect(raw.length, name).toBe(shape.reduce((a, b) => a * b, bytes[type]))
    }
  })

  test('holds the students of weight above 0 alone, under the names of the model file', () => {
    const [, weights] = model.ensembles.weights.greedy as Float32Array[]
    const used = Array.from(weights.keys()).filter((i) => weights[i] > 0)
    expect([used.length, model.ensembles.patterns[1]]).toEqual([3, '110'])
    const constants = constantsOf(writeOnnx(model, { missing: ['lab'] }))
    const inGraph = constants.flatMap(({ name }) => /^students\.(\d+)\./.exec(name)?.[1] ?? []).map(Number)
    expect([...new Set(inGraph)]).toEqual(used)
    const { name, raw } = constants.find(({ name }) => name === `students.${used[0]}.head.0.weight`)!
    const size = raw.length / 4
    expect([...new Float32Array(raw.slice().buffer)], name).toEqual([...model.students[used[0]].block.subarray(0, size)])
  })

  test('prepares each modality once', () => {
    expect(nodes.filter(({ op }) => op === 'Div').length).toBe(3)
  })

  test('tells in its metadata what to put in and what comes out', () => {
    const metadata = (bytes: Uint8Array) =>
      Object.fromEntries(new Fields(bytes).messages(14).map((entry) => [entry.texts(1)[0], entry.texts(2)[0]]))
    const { metafusion, inputs, classes, ...rest } = metadata(writeOnnx(model, { rule: 'stacking', missing: ['lab'] }))
    expect(metafusion).toMatch(/^\d+\.\d+\.\d+$/)
    expect(rest).toEqual({ task: 'classification', rule: 'stacking', missing: '["lab"]' })
    expect(JSON.parse(classes)).toEqual(['no', 'yes', 'perhaps'])
    expect(JSON.parse(inputs)).toEqual([
      { input: 'scan', modality: 'scan', columns: data.modalities[0].columns.map(({ name }) => ({ name })) },
      { input: 'visit', modality: 'visit', columns: [{ name: 'age' }, { name: 'site', levels: ['north', 'south', 'west'] }] },
    ])
    const { outputs, task } = metadata(writeOnnx(modelFor().model))
    expect([task, JSON.parse(outputs)]).toEqual(['regression', ['u', 'v']])
  })

  test('takes any number of rows', async () => {
    const session: InferenceSession = await openOnnx(writeOnnx(model, { missing: ['visit', 'lab'] }))
    expect(session.inputNames).toEqual(['scan'])
    const { Tensor } = await import('onnxruntime-web')
    for (const rows of [1, 65]) {
      const { label } = await session.run({ scan: new Tensor('float64', numbers(75).f64(rows * 7), [rows, 7]) })
      expect([label.type, label.dims]).toEqual(['int64', [rows]])
    }
  })
})

describe('what cannot be written is said in a sentence', () => {
  const { model } = modelFor({ patterns: [] })
  test.each<[OnnxOptions, string]>([
    [
      { rule: 'majority-vote' },
      'the model has no rule "majority-vote": it has greedy, best-single, simple-average, weighted-average, bagging, stacking',
    ],
    [{ missing: ['mri'] }, 'the model has no modality "mri" that could be missing: it has scan, visit, lab'],
    [{ missing: ['scan', 'visit', 'lab'] }, 'no student of the model can do without "scan", "visit", "lab": leave fewer out'],
  ])('%j', (options, text) => {
    expect(() => writeOnnx(model, options)).toThrow(expect.objectContaining({ name: 'ConfigError', message: text }))
  })
})
