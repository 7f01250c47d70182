import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/core/errors.ts'
import type { ColumnPreparation, NumberPreparation } from '../../src/data/prepare.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { readSafetensors, type Stored, writeSafetensors } from '../../src/formats/safetensors.ts'
import { builtRules, RULES } from '../../src/fusion/ensemble.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { openSession } from '../../src/wasm/session.ts'
import { classifier, regressor } from './models.ts'

const infer = new WebAssembly.Module(readFileSync(new URL('../../build/infer.wasm', import.meta.url)))
const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(Buffer.from(b))

const { data, model } = classifier()
const file = writeModel(model)
const second = regressor()

/** The file with its parts changed: tensors, metadata, and the description as a value. */
function changed(
  change: (parts: {
    tensors: Map<string, Stored>
    metadata: Record<string, string>
    // biome-ignore lint/suspicious/noExplicitAny: it is there to be made wrong.
    description: any
  }) => void,
  from: Uint8Array = file,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(from)
  const parts = { tensors: new Map(tensors), metadata: { ...metadata }, description: JSON.parse(metadata.model) }
  const before = JSON.stringify(parts.description)
  change(parts)
  const after = JSON.stringify(parts.description)
  if (after !== before) parts.metadata.model = after
  return writeSafetensors(parts)
}

const put = (tensors: Map<string, Stored>, name: string, values: Stored['values'], shape = [values.length]) =>
  tensors.set(name, { shape, values })

describe.each([
  ['a classification with missing modalities, PCA, networks and categories', { data, model }],
  ['a regression of two outputs', second],
  [
    'one without standardised target, from one modality at most',
    regressor({ standardizeTarget: false, extractors: { '*': ['skip', 'raw'] } }),
  ],
  ['one whose features are neither straightened nor clipped', classifier({ unskew: false, clip: 0 })],
  ['one with every rule, of probabilities', classifier({ ensembles: RULES, average: 'probabilities' })],
  ['a stacked regression without greedy', regressor({ ensembles: ['bagging', 'stacking'] })],
])('%s', (_, trained) => {
  test('is equal after being written and read', () => {
    expect(readModel(writeModel(trained.model))).toEqual(trained.model)
  })

  test('is written as the same bytes after being read', () => {
    const bytes = writeModel(trained.model)
    expect(same(writeModel(readModel(bytes)), bytes)).toBe(true)
  })

  test('predicts the same bits after being written and read', () => {
    for (const rule of builtRules(trained.model.ensembles)) {
      const predict = (m: Model) => createPredictor(openSession(infer), m, rule).predict(trained.data)
      expect(predict(readModel(writeModel(trained.model)))).toEqual(predict(trained.model))
    }
  })
})

test('the models tested hold every kind of part', () => {
  expect(model.projections).toHaveLength(1)
  expect(model.students.map(({ name }) => name)).toContain('scan:mlp(4,2)+visit:raw')
  expect(model.preparations[1].columns.map(({ kind }) => kind)).toEqual(['number', 'number', 'category'])
  expect(model.preparations[0].columns.map((c) => 'unskew' in c)).toEqual([false, false, true, false, false])
  expect(model.preparations.map(({ clip }) => clip)).toEqual([5, 5])
  expect(model.ensembles.patterns).toEqual(['11', '10', '01'])
  expect(second.model.target.task).toBe('regression')
})

test('a selection by a score that could not be had is kept as such', () => {
  const selections = model.ensembles.selections?.map((s) => ({ ...s, trace: [Number.NaN] }))
  const blind = { ...model, ensembles: { ...model.ensembles, selections } }
  expect(readModel(writeModel(blind))).toEqual(blind)
})

describe('what is believed of modalities', () => {
  const prior = Float32Array.of(1 / 3, 0.1, 17 / 30)
  const doubting: Model = { ...model, ensembles: { ...model.ensembles, doubt: { chance: 0.05, caution: 0.7, prior } } }

  test('has the same bits after being written and read, in version 6', () => {
    const bytes = writeModel(doubting)
    expect(readModel(bytes)).toEqual(doubting)
    expect(readSafetensors(bytes).metadata.version).toBe('6')
  })

  test.each<[string, Parameters<typeof changed>[0]]>([
    ['an older version', ({ metadata }) => (metadata.version = '5')],
    ['no chance', ({ description: d }) => delete d.doubt.chance],
    ['a certainty', ({ description: d }) => (d.doubt.chance = 1)],
    ['no caution', ({ description: d }) => delete d.doubt.caution],
    ['boldness', ({ description: d }) => (d.doubt.caution = 1.5)],
    ['a class too few', ({ description: d }) => d.doubt.prior.pop()],
    ['a class of nobody', ({ description: d }) => (d.doubt.prior[0] = 0)],
    ['text', ({ description: d }) => (d.doubt = 'often')],
  ])('is refused where it is wrong: %s', (_, change) => {
    expect(() => readModel(changed(change, writeModel(doubting)))).toThrow(
      'the description of the model has no valid doubt: the file is damaged',
    )
  })

  test('is nothing that a regression has', () => {
    const bytes = changed(({ metadata, description }) => {
      metadata.version = '6'
      description.doubt = { chance: 0.05, caution: 0.7, prior: [1] }
    }, writeModel(second.model))
    expect(() => readModel(bytes)).toThrow('no valid doubt')
  })
})

describe('what straightens and clips features', () => {
  /** The model with these columns of each modality straightened, and clipped there. */
  const prepared = (straight: readonly (readonly number[])[], clips: readonly (number | undefined)[]): Model => ({
    ...model,
    preparations: model.preparations.map(({ modality, columns }, m) => ({
      modality,
      columns: columns.map((column, c) => {
        const { unskew: _, ...bare } = column as NumberPreparation
        // Numbers that fewer digits than they have would change.
        const unskew = { centre: (c + 1) / -3e-300, spread: 0.1 * 3 ** (m + c) }
        return straight[m].includes(c) ? { ...bare, unskew } : (bare as ColumnPreparation)
      }),
      ...(clips[m] === undefined ? {} : { clip: clips[m] }),
    })),
  })

  test.each<[string, number[][], (number | undefined)[], version: string]>([
    ['some columns of each modality', [[1, 3, 4], [1]], [0.1 + 0.2, 1e6], '5'],
    [
      'all columns, without an end',
      [
        [0, 1, 2, 3, 4],
        [0, 1],
      ],
      [undefined, undefined],
      '5',
    ],
    ['no column, and one modality clipped', [[], []], [undefined, 5e-324], '5'],
    ['nothing', [[], []], [undefined, undefined], '2'],
  ])('is the same bits after being written and read, in the oldest version that has it: %s', (_, straight, clips, version) => {
    const given = prepared(straight, clips)
    const bytes = writeModel(given)
    expect(readModel(bytes)).toEqual(given)
    expect(same(writeModel(readModel(bytes)), bytes)).toBe(true)
    const { tensors, metadata } = readSafetensors(bytes)
    const stored = [0, 1].map((m) => tensors.get(`preparations.${m}.spread`)?.values.length ?? 0)
    expect([metadata.version, stored]).toEqual([version, straight.map((columns) => columns.length)])
  })

  const damaged = ': the file is damaged'
  const spread = (...values: number[]): Parameters<typeof changed>[0] => {
    return ({ tensors }) => put(tensors, 'preparations.0.spread', Float64Array.from(values))
  }
  test.each<[string, Parameters<typeof changed>[0], string]>([
    [
      'no centre',
      ({ tensors }) => tensors.delete('preparations.0.centre'),
      'the tensor "preparations.0.centre" is missing: the file is incomplete',
    ],
    [
      'no spread',
      ({ tensors }) => tensors.delete('preparations.0.spread'),
      'the tensor "preparations.0.spread" is missing: the file is incomplete',
    ],
    [
      'a centre that is NaN',
      ({ tensors }) => put(tensors, 'preparations.0.centre', Float64Array.of(Number.NaN)),
      `the tensor "preparations.0.centre" holds a value that is not finite${damaged}`,
    ],
    [
      'an endless spread',
      spread(Number.POSITIVE_INFINITY),
      `the tensor "preparations.0.spread" holds a value that is not finite${damaged}`,
    ],
    ['a spread of 0', spread(0), `the tensor "preparations.0.spread" holds a value that is not above 0${damaged}`],
    ['a spread below 0', spread(-1), `the tensor "preparations.0.spread" holds a value that is not above 0${damaged}`],
    ['a spread too many', spread(1, 1), 'the tensor "preparations.0.spread" has the shape [2] and [1] was expected'],
    [
      'a column too many that is straightened',
      ({ description: d }) => (d.modalities[0].columns[0].unskew = true),
      'the tensor "preparations.0.centre" has the shape [1] and [2] was expected',
    ],
    [
      'no column that is straightened',
      ({ description: d }) => delete d.modalities[0].columns[2].unskew,
      `the tensor "preparations.0.centre" has no place in the model${damaged}`,
    ],
    ...([false, 1, null] as const).map((value): [string, Parameters<typeof changed>[0], string] => [
      `a column straightened by ${value}`,
      ({ description: d }) => (d.modalities[0].columns[2].unskew = value),
      `the description of the model has no valid modalities${damaged}`,
    ]),
    [
      'categories that are straightened',
      ({ description: d }) => (d.modalities[1].columns[2].unskew = true),
      `the description of the model has no valid modalities${damaged}`,
    ],
    ...([0, -5, '5', null] as const).map((value): [string, Parameters<typeof changed>[0], string] => [
      `an end at ${JSON.stringify(value)}`,
      ({ description: d }) => (d.modalities[1].clip = value),
      `the description of the model has no valid modalities${damaged}`,
    ]),
    [
      'an end at more than a number holds',
      ({ metadata }) => (metadata.model = metadata.model.replace('"clip":5', '"clip":1e999')),
      `the description of the model has no valid modalities${damaged}`,
    ],
    [
      'an older version',
      ({ metadata }) => (metadata.version = '4'),
      `the description of the model has no valid modalities${damaged}`,
    ],
  ])('is refused: %s', (_, change, sentence) => {
    expect(() => readModel(changed(change))).toThrow(new FormatError(sentence))
  })

  test('is refused in an older version whichever of the two it is', () => {
    const older = changed(({ metadata }) => (metadata.version = '4'), writeModel(prepared([[2], []], [undefined, undefined])))
    expect(() => readModel(older)).toThrow('no valid modalities')
  })
})

describe('a file of version 1', () => {
  const { model: old, data: seen } = classifier({
    ensembles: ['greedy', 'best-single', 'simple-average', 'weighted-average'],
    unskew: false,
    clip: 0,
  })
  // As version 1 wrote it: the four rules that there were, averages of logits, and nothing of how they came about.
  const bytes = changed(({ metadata, description }) => {
    metadata.version = '1'
    for (const key of ['rules', 'average', 'selections']) delete description[key]
  }, writeModel(old))

  test('is the model it was, but for how greedy chose', () => {
    const { selections: _, ...ensembles } = old.ensembles
    expect(readModel(bytes)).toEqual({ ...old, ensembles })
  })

  test('predicts the same bits by every rule it has', () => {
    for (const rule of builtRules(old.ensembles)) {
      const predict = (m: Model) => createPredictor(openSession(infer), m, rule).predict(seen)
      expect(predict(readModel(bytes))).toEqual(predict(old))
    }
  })

  test('is written as one of version 2', () => {
    const again = writeModel(readModel(bytes))
    expect(readSafetensors(again).metadata.version).toBe('2')
    expect(same(writeModel(readModel(again)), again)).toBe(true)
  })
})

describe('the file of version 1 that is kept', () => {
  const old = readFileSync(new URL('./files/version-1.safetensors', import.meta.url))
  const told = JSON.parse(readFileSync(new URL('./files/version-1.json', import.meta.url), 'utf8'))

  test('is read, and predicts what it predicted then', () => {
    const { values, outputs } = createPredictor(openSession(infer), readModel(old)).predict(data, told.rows)
    expect(outputs).toEqual(told.outputs)
    expect([...values].map((v) => (Number.isNaN(v) ? null : v))).toEqual(told.values)
  })

  test('is the same model when it is written as a file of today', () => {
    const model = readModel(old)
    expect(readSafetensors(old).metadata.version).toBe('1')
    expect(readModel(writeModel(model))).toEqual(model)
  })
})

describe('ensembles that do not fit are refused', () => {
  const stacked = regressor({ ensembles: ['greedy', 'stacking'] }).model
  const damaged = 'the file is damaged'
  test.each<[string, Parameters<typeof changed>[0], string]>([
    [
      'a vote on numbers',
      ({ description: d }) => d.rules.push('majority-vote'),
      `the description of the model has no valid rules: ${damaged}`,
    ],
    [
      'probabilities of numbers',
      ({ description: d }) => (d.average = 'probabilities'),
      `the description of the model has no valid average: ${damaged}`,
    ],
    [
      'no meta learner',
      ({ tensors: t }) => t.delete('stacking.head.0.weight'),
      'the tensor "stacking.head.0.weight" is missing: the file is incomplete',
    ],
    [
      'a meta learner of another size',
      ({ tensors: t }) => put(t, 'stacking.head.1.bias', new Float32Array(3)),
      'the tensor "stacking.head.1.bias" has the shape [3] and [2] was expected',
    ],
    [
      'a meta learner with NaN',
      ({ tensors: t }) => put(t, 'stacking.head.1.bias', Float32Array.of(0, Number.NaN)),
      `the tensor "stacking.head.1.bias" holds a value that is not finite: ${damaged}`,
    ],
    [
      'a meta learner that no rule asks for',
      ({ description: d }) => (d.rules = ['greedy']),
      `the tensor "ensembles.stacking" has no place in the model: ${damaged}`,
    ],
    [
      'a rule without weights',
      ({ tensors: t }) => t.delete('ensembles.stacking'),
      'the tensor "ensembles.stacking" is missing: the file is incomplete',
    ],
  ])('%s', (_, change, sentence) => {
    expect(() => readModel(changed(change, writeModel(stacked)))).toThrow(new FormatError(sentence))
  })
})

test('a sharing strength at which training diverged is kept as such', () => {
  const rhoLosses = [...model.provenance.rhoLosses, { rho: 1000, loss: Number.POSITIVE_INFINITY }]
  const diverged = { ...model, provenance: { ...model.provenance, rhoLosses } }
  expect(readModel(writeModel(diverged))).toEqual(diverged)
})

test('scores of the training are kept, those that are not known as such, and a file without them is read', () => {
  const scores = [
    { name: 'meta-fusion', test: { rows: 9, auc: Number.NaN, accuracy: 0.5 } },
    { name: 'late-fusion', test: null },
  ]
  const scored = { ...model, provenance: { ...model.provenance, scores } }
  expect(readModel(writeModel(scored))).toEqual(scored)
  const { scores: _, ...bare } = model.provenance
  expect(readModel(writeModel({ ...model, provenance: bare })).provenance).toEqual(bare)
})

test('a student that never saw a validation row, whose loss is infinite, is kept as such', () => {
  const students = model.students.map((s, i) => (i === 0 ? { ...s, loss: Number.POSITIVE_INFINITY } : s))
  expect(readModel(writeModel({ ...model, students }))).toEqual({ ...model, students })
})

test('a student that fills is kept as such', () => {
  const students = model.students.map((s) => ({ ...s, spec: { ...s.spec, fills: true } }))
  expect(readModel(writeModel({ ...model, students }))).toEqual({ ...model, students })
})

describe('refuses', () => {
  const damaged = ': the file is damaged'
  const nan = (values: Float32Array | Float64Array) => values.map((v, i) => (i === 1 ? Number.NaN : v))

  test.each<[string, Parameters<typeof changed>[0], string]>([
    ['safetensors of another kind', ({ metadata }) => delete metadata.format, 'the file is safetensors, but no metafusion model'],
    [
      'a newer version',
      ({ metadata }) => (metadata.version = '7'),
      'the model file has version 7 and this library reads up to 6: install a newer metafusion',
    ],
    [
      'no version',
      ({ metadata }) => delete metadata.version,
      `the model file has the version nothing: a whole number from 1 on was expected`,
    ],
    [
      'a version 0',
      ({ metadata }) => (metadata.version = '0'),
      `the model file has the version "0": a whole number from 1 on was expected`,
    ],
    [
      'a version 1.5',
      ({ metadata }) => (metadata.version = '1.5'),
      `the model file has the version "1.5": a whole number from 1 on was expected`,
    ],
    [
      'no description',
      ({ metadata }) => delete metadata.model,
      `the description of the model is not JSON${damaged} or of another kind`,
    ],
    [
      'a description that is no JSON',
      ({ metadata }) => (metadata.model = '{'),
      `the description of the model is not JSON${damaged} or of another kind`,
    ],
    [
      'a description with a key twice',
      ({ metadata }) => (metadata.model = metadata.model.replace('{', '{"best":9,')),
      `the description of the model names "best" twice${damaged}`,
    ],
    [
      'a description that nests without end',
      ({ metadata }) => (metadata.model = metadata.model.replace('{', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`)),
      `the description of the model nests deeper than 8 levels${damaged}`,
    ],
    [
      'a description that is a list',
      ({ metadata }) => (metadata.model = '[]'),
      `the description of the model has no valid object${damaged}`,
    ],

    [
      'no students',
      ({ description }) => (description.students = []),
      `the description of the model has no valid students${damaged}`,
    ],
    [
      'a tensor that is missing',
      ({ tensors }) => tensors.delete('students.0.head.0.weight'),
      'the tensor "students.0.head.0.weight" is missing: the file is incomplete',
    ],
    [
      'a student without tensors',
      ({ description }) => description.students.push(description.students[0]),
      `the tensor "students.loss" has the shape [7] and [8] was expected`,
    ],
    [
      'a tensor that has no place',
      ({ tensors }) => put(tensors, 'students.7.head.0.weight', new Float32Array(3)),
      `the tensor "students.7.head.0.weight" has no place in the model${damaged}`,
    ],
    [
      'a tensor of another shape',
      ({ tensors }) => put(tensors, 'students.0.head.0.bias', new Float32Array(4)),
      'the tensor "students.0.head.0.bias" has the shape [4] and [3] was expected',
    ],
    [
      'a tensor of another shape and the same size',
      ({ tensors }) => put(tensors, 'students.0.head.0.bias', new Float32Array(3), [1, 3]),
      'the tensor "students.0.head.0.bias" has the shape [1,3] and [3] was expected',
    ],
    [
      'a tensor of another type',
      ({ tensors }) => put(tensors, 'students.0.head.0.bias', new Float64Array(3)),
      'the tensor "students.0.head.0.bias" is a Float64Array and a Float32Array was expected',
    ],
    [
      'a weight that is NaN',
      ({ tensors }) => put(tensors, 'students.0.head.0.bias', Float32Array.of(0, Number.NaN, 0)),
      `the tensor "students.0.head.0.bias" holds a value that is not finite${damaged}`,
    ],
    [
      'a weight that is infinite',
      ({ tensors }) => put(tensors, 'projections.0.bias', Float32Array.of(0, Number.NEGATIVE_INFINITY)),
      `the tensor "projections.0.bias" holds a value that is not finite${damaged}`,
    ],
    [
      'an ensemble with NaN',
      ({ tensors }) => put(tensors, 'ensembles.greedy', nan(new Float32Array(21)), [3, 7]),
      `the tensor "ensembles.greedy" holds a value that is not finite${damaged}`,
    ],
    [
      'an ensemble that is missing',
      ({ tensors }) => tensors.delete('ensembles.simple-average'),
      'the tensor "ensembles.simple-average" is missing: the file is incomplete',
    ],
    [
      'an ensemble too few',
      ({ description }) => {
        description.patterns.pop()
        description.selections.pop()
      },
      'the tensor "ensembles.greedy" has the shape [3,7] and [2,7] was expected',
    ],
    [
      'a mean that is NaN',
      ({ tensors }) => put(tensors, 'preparations.0.mean', nan(new Float64Array(5))),
      `the tensor "preparations.0.mean" holds a value that is not finite${damaged}`,
    ],
    [
      'a scale of 0',
      ({ tensors }) => put(tensors, 'preparations.1.scale', Float64Array.of(1, 0)),
      `the tensor "preparations.1.scale" holds a value that is not above 0${damaged}`,
    ],
    [
      'an extractor that is unknown',
      ({ description }) => (description.students[0].extractors[0] = 'ica(3)'),
      `the model names the extractor "ica(3)", which is unknown${damaged}`,
    ],
    [
      'an extractor written another way',
      ({ description }) => (description.students[0].extractors[0] = 'pca( 02)'),
      `the model names the extractor "pca( 02)", which is unknown${damaged}`,
    ],
    [
      'an extractor of endless width',
      ({ description }) => (description.students[0].extractors[0] = `mlp(${'9'.repeat(400)})`),
      `the model names the extractor "mlp(${'9'.repeat(75)}…, which is unknown${damaged}`,
    ],
    [
      'a PCA without its projection',
      ({ description, tensors }) => {
        description.projections = []
        tensors.delete('projections.0.weight')
        tensors.delete('projections.0.bias')
      },
      'student "scan:pca(2)" reads pca(2) of modality 0, which the file lacks: it is incomplete',
    ],
    [
      'a projection of another width',
      ({ description }) => (description.projections[0].name = 'pca(3)'),
      'the tensor "projections.0.weight" has the shape [2,5] and [3,5] was expected',
    ],
    [
      'an ensemble with a student that cannot speak for its pattern',
      ({ tensors }) => {
        const weights = Float32Array.from(tensors.get('ensembles.greedy')!.values)
        const both = model.students.findIndex(({ name }) => name === 'scan:mlp(4,2)+visit:raw')
        weights.fill(0, 7, 14)
        weights[7 + both] = 1
        put(tensors, 'ensembles.greedy', weights, [3, 7])
      },
      `the ensemble "greedy" for the modalities 10 uses "scan:mlp(4,2)+visit:raw", which needs others${damaged}`,
    ],
    [
      'an ensemble whose weights are no shares',
      ({ tensors }) =>
        put(
          tensors,
          'ensembles.simple-average',
          Float32Array.from(tensors.get('ensembles.simple-average')!.values, (w) => 2 * w),
          [3, 7],
        ),
      `the weights of the ensemble "simple-average" for the modalities 11 are no shares of 1${damaged}`,
    ],
    [
      'a sum without a term',
      ({ tensors, description }) => {
        description.sum = true
        put(tensors, 'ensembles.best-single', new Float32Array(21), [3, 7])
      },
      `the weights of the ensemble "best-single" for the modalities 11 are no terms of a sum${damaged}`,
    ],
    [
      'a sum that is neither there nor not',
      ({ description }) => (description.sum = 'mean'),
      `the description of the model has no valid sum${damaged}`,
    ],
    [
      'a student with more layers than there are tensors',
      ({ description }) => (description.students[0].hidden = new Array(5000).fill(1)),
      'student "visit:raw" has 5001 layers and the file 52 tensors: it is incomplete',
    ],
  ])('%s', (_, change, sentence) => {
    expect(() => readModel(changed(change))).toThrow(new FormatError(sentence))
  })

  test.each<[part: string, name: string, change: Parameters<typeof changed>[0]]>([
    ['modalities', 'none', ({ description: d }) => (d.modalities = [])],
    ['modalities', 'two of one name', ({ description: d }) => (d.modalities[1].name = 'scan')],
    ['modalities', 'two columns of one name', ({ description: d }) => (d.modalities[0].columns[1].name = '0')],
    ['modalities', 'levels that are numbers', ({ description: d }) => (d.modalities[1].columns[2].levels = [1, 2, 3])],
    ['modalities', 'a level twice', ({ description: d }) => (d.modalities[1].columns[2].levels = ['b', 'b', 'c'])],
    ['modalities', 'columns that are no list', ({ description: d }) => (d.modalities[0].columns = { length: 1 })],
    ['target', 'none', ({ description: d }) => delete d.target],
    ['target', 'another task', ({ description: d }) => (d.target.task = 'ranking')],
    ['target', 'one class', ({ description: d }) => (d.target.classes = ['a'])],
    ['target', 'a class twice', ({ description: d }) => (d.target.classes = ['a', 'b', 'a'])],
    ['target', 'no outputs', ({ description: d }) => (d.target = { task: 'regression', outputs: [] })],
    ['students', 'one without a name', ({ description: d }) => delete d.students[0].name],
    ['students', 'one with too few extractors', ({ description: d }) => d.students[0].extractors.pop()],
    ['students', 'one that looks at nothing', ({ description: d }) => (d.students[0].extractors = ['skip', 'skip'])],
    ['students', 'one of another activation', ({ description: d }) => (d.students[0].activation = 'gelu')],
    ['students', 'one of an inherited activation', ({ description: d }) => (d.students[0].activation = 'constructor')],
    ['students', 'a hidden layer of no width', ({ description: d }) => (d.students[0].hidden = [0])],
    ['students', 'a hidden layer too wide', ({ description: d }) => (d.students[0].hidden = [65537])],
    ['students', 'a hidden layer of half a unit', ({ description: d }) => (d.students[0].hidden = [2.5])],
    ['projections', 'one of an unknown modality', ({ description: d }) => (d.projections[0].modality = 2)],
    ['projections', 'one of an inherited modality', ({ description: d }) => (d.projections[0].modality = 'length')],
    ['projections', 'one between two modalities', ({ description: d }) => (d.projections[0].modality = 0.5)],
    ['projections', 'one before the first modality', ({ description: d }) => (d.projections[0].modality = -1)],
    ['projections', 'one that is no PCA', ({ description: d }) => (d.projections[0].name = 'mlp(2)')],
    ['projections', 'one twice', ({ description: d }) => d.projections.push(d.projections[0])],
    ['patterns', 'a letter', ({ description: d }) => (d.patterns[1] = '1x')],
    ['patterns', 'one too long', ({ description: d }) => (d.patterns[1] = '101')],
    ['patterns', 'one twice', ({ description: d }) => (d.patterns[1] = '11')],
    ['patterns', 'a number', ({ description: d }) => (d.patterns[1] = 10)],
    ['rules', 'none', ({ description: d }) => (d.rules = [])],
    ['rules', 'left out', ({ description: d }) => delete d.rules],
    ['rules', 'one that is unknown', ({ description: d }) => (d.rules[0] = 'median')],
    ['rules', 'one twice', ({ description: d }) => d.rules.push('greedy')],
    ['average', 'none', ({ description: d }) => delete d.average],
    ['average', 'another', ({ description: d }) => (d.average = 'medians')],
    ['selections', 'one too few', ({ description: d }) => d.selections.pop()],
    ['selections', 'a member that is no student', ({ description: d }) => (d.selections[0].members[0] = 7)],
    ['selections', 'a member before the first', ({ description: d }) => (d.selections[0].members[0] = -1)],
    ['selections', 'no members', ({ description: d }) => delete d.selections[0].members],
    ['selections', 'a trace of text', ({ description: d }) => (d.selections[0].trace[0] = '1')],
    ['best', 'none at all', ({ description: d }) => (d.best = 0)],
    ['best', 'text', ({ description: d }) => (d.best = '3')],
    ['provenance', 'none', ({ description: d }) => (d.provenance = null)],
    ['provenance', 'no version', ({ description: d }) => delete d.provenance.library],
    ['provenance', 'a seed below 0', ({ description: d }) => (d.provenance.seed = -1)],
    ['provenance', 'a split without rows', ({ description: d }) => delete d.provenance.split.train],
    ['provenance', 'a split of all rows', ({ description: d }) => (d.provenance.split.fractions.test = 1)],
    ['provenance', 'a configuration that is a list', ({ description: d }) => (d.provenance.config = [])],
    ['provenance', 'losses without ρ', ({ description: d }) => (d.provenance.rhoLosses[0] = { loss: 1 })],
    ['provenance', 'losses that are text', ({ description: d }) => (d.provenance.rhoLosses[0].loss = '1')],
    ['provenance', 'scores without a name', ({ description: d }) => (d.provenance.scores = [{ test: null }])],
    ['provenance', 'scores that are text', ({ description: d }) => (d.provenance.scores = [{ name: 'a', test: { mse: '1' } }])],
    ['provenance', 'scores that are one number', ({ description: d }) => (d.provenance.scores = [{ name: 'a', test: 1 }])],
    ['provenance', 'notes that are numbers', ({ description: d }) => (d.provenance.notes = [1])],
  ])('%s: %s', (part, _, change) => {
    const sentence = `the description of the model has no valid ${part}: the file is damaged`
    expect(() => readModel(changed(change))).toThrow(new FormatError(sentence))
  })

  test('a target scale of 0', () => {
    const bytes = changed(({ tensors }) => put(tensors, 'target.scale', Float64Array.of(1, 0)), writeModel(second.model))
    expect(() => readModel(bytes)).toThrow(
      new FormatError('the tensor "target.scale" holds a value that is not above 0: the file is damaged'),
    )
  })
})

describe('a hostile file', () => {
  test('that claims huge layers is refused before room is made for them', () => {
    for (const hidden of [[65536, 65536], [8192, 8192], new Array(14).fill(65536)]) {
      const bytes = changed(({ description }) => (description.students[0].hidden = hidden))
      const before = process.memoryUsage().arrayBuffers
      expect(() => readModel(bytes)).toThrow(
        new FormatError(`the tensor "students.0.head.0.weight" has the shape [3,5] and [${hidden[0]},5] was expected`),
      )
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24)
    }
  })

  test('with many modalities is refused by their number, not by the engine', () => {
    const bytes = changed(({ description: d }) => {
      d.modalities = Array.from({ length: 70_000 }, (_, m) => ({ name: String(m), columns: [{ name: 'x' }] }))
      for (const student of d.students) student.extractors = new Array(70_000).fill('raw')
    })
    expect(() => readModel(bytes)).toThrow(
      new FormatError('the description of the model has no valid patterns: the file is damaged'),
    )
  })

  test('cannot reach the prototypes of objects', () => {
    const bytes = changed(({ metadata }) => {
      metadata.model = metadata.model
        .replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')
        .replace('"provenance":{', '"provenance":{"__proto__":{"polluted":1},')
        .replace('"target":{', '"target":{"__proto__":{"polluted":1},')
    })
    const read = readModel(bytes)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.keys(read.target)).toEqual(['task', 'classes'])
    expect((read.target as unknown as Record<string, unknown>).polluted).toBeUndefined()
    expect((read.provenance as unknown as Record<string, unknown>).polluted).toBeUndefined()
  })
})

test('a file cut at any tenth of its length is refused as truncated', () => {
  for (let tenth = 0; tenth < 10; tenth++) {
    const cut = file.subarray(0, Math.floor((file.length * tenth) / 10))
    expect(() => readModel(cut), `${tenth} tenths`).toThrow(/truncated/)
  }
  expect(() => readModel(file.subarray(0, -1))).toThrow(/truncated/)
})

describe('a file with one byte changed', () => {
  const header = 8 + new DataView(file.buffer).getUint32(0, true)
  let state = 0x9e3779b9
  const below = (n: number) => {
    // xorshift32, G. Marsaglia 2003: the same bytes in every run.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % n
  }
  const regions: [name: string, places: number[]][] = [
    ['in its length', Array.from({ length: 40 }, (_, i) => i % 8)],
    ['in its header', Array.from({ length: 300 }, () => 8 + below(header - 8))],
    ['in its numbers', Array.from({ length: 300 }, () => header + below(file.length - header))],
  ]

  /** A model without its numbers: what the header says. */
  const description = (m: Model) => JSON.parse(readSafetensors(writeModel(m)).metadata.model)

  test.each(regions)('%s is refused, or is a whole model still', (region, places) => {
    const session = openSession(infer)
    let refused = 0
    for (const place of places) {
      const bytes = file.slice()
      bytes[place] ^= 1 + below(255)
      let read: Model
      try {
        read = readModel(bytes)
      } catch (error) {
        expect(error, `byte ${place}`).toBeInstanceOf(FormatError)
        expect((error as Error).message, `byte ${place}`).not.toMatch(/\n|undefined|\[object/)
        refused++
        continue
      }
      expect(same(writeModel(readModel(writeModel(read))), writeModel(read)), `byte ${place}`).toBe(true)
      expect(read.students.map((s) => s.block.length)).toEqual(model.students.map((s) => s.block.length))
      if (region === 'in its numbers') expect(description(read)).toEqual(description(model))
      // It predicts, or says in a sentence what it lacks: the name of a column may have changed.
      const mark = session.memory.mark()
      try {
        createPredictor(session, read).predict(data)
      } catch (error) {
        expect((error as Error).name, `byte ${place}`).toBe('DataError')
      }
      session.memory.release(mark)
    }
    // Most of the numbers are weights of students, in which any finite value is as good as another.
    if (region === 'in its numbers') expect(refused).toBeLessThan(places.length / 4)
    else expect(refused).toBeGreaterThan(places.length / 2)
  })
})
