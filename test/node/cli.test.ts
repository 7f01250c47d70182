import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import Papa from 'papaparse'
import { beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../src/core/version.ts'
import { below, csv, ENDLESS, type Finished, finished, metafusion, QUICK, scored, start, study, treeOf } from './command.ts'

const COMMANDS: Record<string, readonly string[]> = {
  train: ['--out', '--config', '--seed', '--rho', '--baselines', '--split', '--numerics', '--plan', '--workers', '--json'],
  predict: ['--out', '--level', '--numerics'],
  explain: ['--ids', '--features', '--out', '--json'],
  importance: ['--split', '--has', '--json'],
  robustness: ['--split', '--repeats', '--seed', '--json'],
  'cross-validate': ['--folds', '--repeats', '--splits', '--config', '--seed', '--baselines', '--out', '--workers', '--json'],
  evaluate: ['--split', '--ci', '--by', '--threshold', '--positive', '--decision-curve', '--compare', '--json'],
  inspect: ['--json'],
  report: ['--out', '--split', '--positive', '--intended-use'],
  export: ['--onnx', '--rule', '--missing', '--check', '--safetensors'],
  reproduce: ['--data', '--seeds', '--rows', '--epochs', '--workers', '--out', '--json'],
  theory: ['--out', '--seed', '--json'],
  synthesize: ['--out', '--seed', '--subjects', '--rat'],
  demo: ['--out', '--seed'],
  serve: ['--port', '--host', '--token-file', '--origins', '--arrow', '--numerics'],
}

const VOTES = ['majority-vote', 'weighted-vote']

/** One sentence on stderr, nothing on stdout. */
const sentence = (code: number, text: string): Finished => ({ code, stdout: '', stderr: `metafusion: ${text}\n` })

const NEW_PATIENTS = {
  'mri.csv': csv(['id', 'volume', 'thickness'], ['q1', 0.5, 0.1], ['q2', -0.4, 0.9], ['q4', '', 'NA']),
  'blood.csv': csv(['id', 'tau', 'sex', 'abeta'], ['q1', 0.2, 'f', 0.4], ['q3', 0.9, 'm', -0.7]),
}

/** A folder with a study, its score, new patients, settings, and models of both studies. */
let root = ''
let trained: Finished
beforeAll(async () => {
  root = treeOf({
    ...below('study', study()),
    ...below('scored', scored()),
    ...below('new', NEW_PATIENTS),
    'quick.json': QUICK,
    'endless.json': ENDLESS,
    'old.txt': 'old',
  })
  const [first, second] = await Promise.all([
    metafusion(root, 'train', 'study', '--out', 'model.safetensors', '--config', 'quick.json', '--seed', '3', '--json'),
    metafusion(root, 'train', 'scored', '--out', 'scored.safetensors', '--config', 'quick.json'),
  ])
  trained = first
  expect(second.code).toBe(0)
})

const read = (path: string) => readFileSync(join(root, path))
const rowsOf = (path: string) =>
  Papa.parse<Record<string, string>>(read(path).toString(), { header: true, skipEmptyLines: true }).data

/** Students that are solved. */
const SOLVED = ['blood:raw', 'mri:raw', 'blood:raw+mri:raw'].flatMap((all) =>
  ['ridge', 'lasso', 'random'].map((how) => `${how} ${all}`),
)

describe('train', () => {
  test('--json prints one object and nothing else, of exactly this shape', () => {
    expect(trained.code).toBe(0)
    expect(trained.stdout.endsWith('}\n')).toBe(true)
    const report = JSON.parse(trained.stdout)
    const scores = {
      rows: 9,
      accuracy: expect.any(Number),
      balancedAccuracy: expect.any(Number),
      macroF1: expect.any(Number),
      auc: expect.any(Number),
      logLoss: expect.any(Number),
      prAuc: expect.any(Number),
      brier: expect.any(Number),
      ece: expect.any(Number),
    }
    const student = (name: string) => ({
      name,
      validationLoss: expect.any(Number),
      teacher: expect.any(Boolean),
      weight: expect.any(Number),
    })
    const method = (name: string) => ({ name, test: { ...scores, rows: expect.any(Number) } })
    expect(report).toStrictEqual({
      task: 'classification',
      seed: 3,
      rows: { train: 50, validation: 0, test: 9 },
      rho: expect.any(Number),
      teachers: report.students.filter((s: { teacher: boolean }) => s.teacher).map((s: { name: string }) => s.name),
      students: ['mri:raw', 'blood:raw', 'blood:raw+mri:raw', ...SOLVED].map(student),
      methods: [
        { name: 'meta-fusion', test: scores },
        ...['best-single-student', 'simple-average', 'weighted-average', ...VOTES].map(method),
        ...['greedy', 'best-single', 'simple-average', 'weighted-average', ...VOTES].map((rule) => method(`independent-${rule}`)),
        { name: 'ridge', test: scores },
        { name: 'early-fusion', test: scores },
        { name: 'late-fusion', test: scores },
        ...['single:blood', 'single:mri'].map(method),
      ],
      seconds: expect.any(Number),
      model: { file: 'model.safetensors', bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    expect([0, 0.99]).toContain(report.rho)
    expect(report.teachers.length).toBeGreaterThan(0)
    const weights = report.students.map((s: { weight: number }) => s.weight)
    expect(weights.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 6)
    // Every case has two more of the one and two less of the other.
    expect(report.methods[0].test.auc).toBe(1)
  })

  test('--json tells the size and the sha256 of the file', () => {
    const { model } = JSON.parse(trained.stdout)
    const bytes = read('model.safetensors')
    expect(model.bytes).toBe(bytes.length)
    expect(model.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  test('gives the same bytes for the same seed, wherever and however often, and others for another', async () => {
    const words = ['train', 'study', '--config', 'quick.json']
    await Promise.all([
      metafusion(root, ...words, '--seed', '3', '--workers', '1', '--out', 'again.safetensors'),
      metafusion(root, ...words, '--seed=4', '--out=other.safetensors'),
    ])
    expect(read('again.safetensors').equals(read('model.safetensors'))).toBe(true)
    expect(read('other.safetensors').equals(read('model.safetensors'))).toBe(false)
  })

  test('prints who has what, the ensemble and every method, and leaves the model and nothing else', async () => {
    const folder = treeOf({ ...below('study', study()), 'quick.json': QUICK })
    const { code, stdout } = await metafusion(folder, 'train', 'study', '--out', 'm.safetensors', '--config', 'quick.json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^59 rows, 2 modalities\n {2}47 rows with blood, mri\n {2}8 rows with blood\n {2}4 rows with mri\n/)
    expect(stdout).toContain('\n  modalities are the files "blood.csv", "mri.csv"\n')
    expect(stdout).toContain('\n  labels.csv: left out 1 id without any data ("p39")\n')
    expect(stdout).toMatch(
      /\n12 students, (?:\d|1[0-2]) teachers? among them; sharing ρ = [\d.]+\nensemble: (?:(?:ridge|lasso|random) )?\S+ [01]\.\d\d/,
    )
    expect(stdout).toMatch(/\nmethod +accuracy +balanced +macro F1 +AUC +log loss +ECE\nmeta-fusion +[01]\.\d{4} /)
    expect(stdout).toMatch(
      /\nearly-fusion .*\nlate-fusion .*\nsingle:blood .*\nsingle:mri .*\n\nm\.safetensors: \d+ bytes, [\d.]+ s\n$/,
    )
    expect(readdirSync(folder).sort()).toEqual(['m.safetensors', 'quick.json', 'study'])
  })

  test('takes a split from a column, and settings from the options before the file', async () => {
    const ids = study()
      ['labels.csv'].trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[0])
    const parts = csv(['id', 'part'], ...ids.map((id, i) => [id, i < 40 ? 'train' : i < 50 ? 'val' : 'test']))
    const config = JSON.stringify({ ...JSON.parse(QUICK), seed: 1, rho: [0, 5], baselines: true })
    const folder = treeOf({ ...below('study', { ...study(), 'split.csv': parts }), 'config.json': config })
    const words = [
      'train',
      'study',
      '--config',
      'config.json',
      '--split',
      'split.csv:part',
      '--seed',
      '2',
      '--rho',
      '0,1,2',
      '--baselines',
      'cooperative, single:mri',
      '--json',
      '--out',
      'm',
    ]
    const { stdout } = await metafusion(folder, ...words)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ seed: 2, rows: { train: 39, validation: 10, test: 10 } })
    expect(report.methods.map((m: { name: string }) => m.name)).toEqual([
      'meta-fusion',
      'best-single-student',
      'simple-average',
      'weighted-average',
      ...VOTES,
      'single:mri',
      'cooperative',
    ])
    const bare = JSON.parse((await metafusion(folder, ...words.map((w) => (w.includes('single') ? 'none' : w)))).stdout)
    expect(bare.methods).toEqual(report.methods.slice(0, 4 + VOTES.length))
    const inspected = JSON.parse((await metafusion(folder, 'inspect', 'm', '--json')).stdout)
    expect(inspected.rhoLosses.map((r: { rho: number }) => r.rho)).toEqual([0, 1, 2])
  })
})

describe('train --plan', () => {
  const SETTINGS = JSON.stringify({
    ...JSON.parse(QUICK),
    extractors: { mri: ['skip', 'raw', 'sliced(3,2)'], '*': ['skip', 'raw'] },
  })
  const folder = () => treeOf({ ...below('study', study()), 'cut.json': SETTINGS })

  test('tells who would be trained, the memory and the time, and leaves no file', async () => {
    const where = folder()
    const { code, stdout, stderr } = await metafusion(where, 'train', 'study', '--plan', '--config', 'cut.json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('\n41 rows to learn from, 9 for validation, 9 for testing\n')
    expect(stdout).toMatch(/\n5 students, 184 parameters:\n {2}mri:raw +22\n {2}mri:sliced\(3,2\) +39\n/)
    expect(stdout).toContain('\ntrained before, to be cut: a network (3,2) on mri, 23 parameters, 35 rows, 5 epochs\n')
    expect(stdout).toMatch(
      /\nmemory: [\d.]+ MiB = .*\n.*\ntime: about [\d.]+ s by one worker, an estimate by a few steps on this machine/,
    )
    expect(readdirSync(where).sort()).toEqual(['cut.json', 'study'])
  })

  test('--json prints one object', async () => {
    const { stdout } = await metafusion(folder(), 'train', 'study', '--plan', '--json', '--seed', '3')
    const plan = JSON.parse(stdout)
    expect(Object.keys(plan)).toEqual([
      'students',
      'baselines',
      'encoders',
      'parameters',
      'rows',
      'steps',
      'bytes',
      'config',
      'notes',
      'seconds',
    ])
    const trained = ['mri:raw', 'blood:raw', 'blood:raw+mri:raw'].flatMap((name) => [name, `${name} (64,64)`])
    expect(plan.students.map((s: { name: string }) => s.name)).toEqual([...trained, ...SOLVED])
    expect(plan.config).toMatchObject({
      seed: 3,
      extractors: [
        ['skip', 'raw'],
        ['skip', 'raw'],
      ],
    })
    expect(plan.seconds).toBeGreaterThan(0)
  })

  test('refuses what training refuses', async () => {
    const where = treeOf({ ...below('study', study()), 'wide.json': '{"extractors":{"mri":["mlp(9)"]}}' })
    expect(await metafusion(where, 'train', 'study', '--plan', '--config', 'wide.json')).toEqual(
      sentence(
        2,
        'extractors.mri is "mlp(9)": allowed is at most 2 for the last width: a latent wider than the features condenses nothing',
      ),
    )
  })
})

describe('predict', () => {
  beforeAll(async () => {
    const done = await metafusion(root, 'predict', 'model.safetensors', 'new', '--out', 'predictions.csv')
    expect(done).toMatchObject({ code: 0, stdout: 'predictions.csv: 3 rows predicted\n' })
    expect(done.stderr).toContain('1 row not predicted: no student of the model can do with the modalities they have\n')
  })

  test('writes one row per id with probabilities that sum to 1', () => {
    const rows = rowsOf('predictions.csv')
    expect(Object.keys(rows[0])).toEqual([
      'id',
      'prediction',
      'p_case',
      'p_control',
      'students',
      'missing',
      'suspect',
      'suspicion',
    ])
    expect(rows.map(({ id }) => id).sort()).toEqual(['q1', 'q2', 'q3', 'q4'])
    for (const row of rows.filter(({ id }) => id !== 'q4')) {
      expect(Number(row.p_case) + Number(row.p_control)).toBeCloseTo(1, 6)
      expect(row.prediction).toBe(Number(row.p_case) >= Number(row.p_control) ? 'case' : 'control')
    }
  })

  test('names the modalities that are missing, and asks only students that need none of them', () => {
    const missing = Object.fromEntries(rowsOf('predictions.csv').map(({ id, missing, students }) => [id, { missing, students }]))
    expect(missing.q1.missing).toBe('')
    expect(missing.q2).toEqual({ missing: 'blood', students: expect.stringMatching(/mri:raw$/) })
    expect(missing.q3).toEqual({ missing: 'mri', students: expect.stringMatching(/blood:raw$/) })
  })

  test('leaves the prediction of a row without any modality empty', () => {
    const row = rowsOf('predictions.csv').find(({ id }) => id === 'q4')
    expect(row).toEqual({
      id: 'q4',
      prediction: '',
      p_case: '',
      p_control: '',
      students: '',
      missing: 'blood; mri',
      suspect: '',
      suspicion: '',
    })
  })

  test('of a regression writes a number in the units of the target', async () => {
    await metafusion(root, 'predict', 'scored.safetensors', 'new', '--out', 'scores.csv')
    const rows = rowsOf('scores.csv')
    expect(Object.keys(rows[0])).toEqual(['id', 'prediction', 'students', 'missing'])
    for (const { id, prediction } of rows) {
      if (id === 'q4') expect(prediction).toBe('')
      else expect(Math.abs(Number(prediction) - 100)).toBeLessThan(30)
    }
  })

  test('does not mind the order of columns and rows, a BOM, semicolons, CRLF or columns it does not know', async () => {
    const folder = treeOf({
      ...below('new', {
        'mri.csv': '\ufeffthickness;id;scanner;volume\r\n0.1;q1;x;0.5\r\n0.9;q2;y;-0.4\r\n;q4;z;\r\n',
        'blood.csv': csv(['abeta', 'sex', 'id', 'tau'], [0.4, 'f', 'q1', 0.2], [-0.7, 'm', 'q3', 0.9]),
      }),
      'model.safetensors': read('model.safetensors'),
    })
    const { code, stderr } = await metafusion(folder, 'predict', 'model.safetensors', 'new', '--out', 'p.csv')
    expect(code).toBe(0)
    expect(stderr).toContain('mri.csv: ignored 1 column that the model does not use ("scanner")\n')
    expect(readFileSync(join(folder, 'p.csv')).equals(read('predictions.csv'))).toBe(true)
  })

  test('names a feature that is missing, and leaves the old file as it is', async () => {
    const renamed = NEW_PATIENTS['mri.csv'].replace('volume', 'vol')
    const folder = treeOf({
      ...below('new', { ...NEW_PATIENTS, 'mri.csv': renamed }),
      'model.safetensors': read('model.safetensors'),
      'p.csv': 'old',
    })
    const done = await metafusion(folder, 'predict', 'model.safetensors', 'new', '--out', 'p.csv')
    expect(done).toEqual(sentence(1, 'mri.csv lacks 1 column that the model needs: "volume"'))
    expect(readFileSync(join(folder, 'p.csv'), 'utf8')).toBe('old')
    expect(readdirSync(folder).sort()).toEqual(['model.safetensors', 'new', 'p.csv'])
  })

  test('works without one of the modalities altogether', async () => {
    const folder = treeOf({ ...below('new', { 'blood.csv': NEW_PATIENTS['blood.csv'] }), 'm.st': read('model.safetensors') })
    const done = await metafusion(folder, 'predict', 'm.st', 'new', '--out', 'p.csv')
    expect(done).toEqual({
      code: 0,
      stdout: 'p.csv: 2 rows predicted\n',
      stderr: 'modalities are the files "blood.csv"\nthere is no file for modality "mri": every subject lacks it\n',
    })
  })
})

const STRANGERS = 'the model was trained on another set of subjects, make sure that none of these was among them'

describe('evaluate', () => {
  test('never scores rows of the training unknowingly', async () => {
    const parts = (of: (i: number) => string) => Array.from({ length: 60 }, (_, i) => of(i))
    const [a, b] = [parts((i) => (i % 4 === 0 ? 'test' : 'train')), parts((i) => (i % 4 === 1 ? 'test' : 'train'))]
    const files = study()
    const ids = files['labels.csv']
      .split('\n')
      .slice(1)
      .filter(Boolean)
      .map((line) => line.split(',')[0])
    const folder = treeOf({
      ...below('study', { ...files, 'split.csv': csv(['id', 'split', 'other'], ...ids.map((id, i) => [id, a[i], b[i]])) }),
      'quick.json': QUICK,
    })
    const learn = (...split: string[]) => metafusion(folder, 'train', 'study', '--out', 'm', '--config', 'quick.json', ...split)
    const score = async (...split: string[]) => {
      const done = await metafusion(folder, 'evaluate', 'm', 'study', ...split, '--json')
      return done.code === 0 ? JSON.parse(done.stdout) : done
    }
    // Trained with the other column: that one is scored without being named, and the folder's own is refused.
    expect((await learn('--split', 'split.csv:other')).code).toBe(0)
    expect(await score()).toMatchObject({
      rows: b.filter((p, i) => p === 'test' && i < ids.length).length,
      scored: 'the test part of the split',
    })
    expect(await score('--split', 'split.csv:split')).toEqual(
      sentence(1, 'the model was trained on some of the test rows of "split.csv:split": score it with --split split.csv:other'),
    )
    rmSync(join(folder, 'study/split.csv'))
    expect(await score()).toEqual(
      sentence(1, 'the model was trained on subjects of this folder, which says not which: give --split split.csv:other'),
    )
  })

  test('--json scores the test rows of the training as the training did', async () => {
    const { code, stdout } = await metafusion(root, 'evaluate', 'model.safetensors', 'study', '--json')
    expect(code).toBe(0)
    const names = ['meta-fusion', 'best-single-student', 'simple-average', 'weighted-average', ...VOTES]
    expect(JSON.parse(stdout)).toStrictEqual({
      task: 'classification',
      rows: 9,
      scored: 'the test part drawn when the model was trained',
      methods: JSON.parse(trained.stdout).methods.filter((m: { name: string }) => names.includes(m.name)),
    })
  })

  test('a split drawn by the model stays its own, and is not drawn again from other rows', async () => {
    const files = study()
    const [header, ...lines] = files['labels.csv'].trim().split('\n')
    const parts = lines.map((line, i) => [line.split(',')[0], i % 3 ? 'train' : 'test'])
    const folder = treeOf({
      ...below('later', { ...files, 'split.csv': csv(['id', 'split'], ...parts) }),
      ...below('turned', { ...files, 'labels.csv': `${[header, ...lines.reverse()].join('\n')}\n` }),
      m: read('model.safetensors'),
    })
    const { stdout } = await metafusion(folder, 'evaluate', 'm', 'later', '--json')
    expect(JSON.parse(stdout).scored).toBe('the test part drawn when the model was trained')
    expect(await metafusion(folder, 'evaluate', 'm', 'later', '--split', 'split.csv:split')).toEqual(
      sentence(1, 'the model was trained on some of the test rows of "split.csv:split": score it with no --split'),
    )
    expect(await metafusion(folder, 'evaluate', 'm', 'turned')).toEqual(
      sentence(
        1,
        'the folder has the subjects the model was trained on, in another order or with other labels, so its test part cannot be drawn again: give the folder as it was',
      ),
    )
  })

  test('draws the same groups again, and predicts rows that have none', async () => {
    const ids = study()['labels.csv'].trim().split('\n').slice(1)
    const grouped = {
      ...study(),
      'labels.csv': csv(['id', 'label', 'family'], ...ids.map((line, i) => [line, `f${i >> 2}`])),
      'dataset.json': JSON.stringify({ group: { file: 'labels.csv', column: 'family' } }),
    }
    const folder = treeOf({ ...below('families', grouped), 'quick.json': QUICK })
    await metafusion(folder, 'train', 'families', '--out', 'm.safetensors', '--config', 'quick.json')
    const scored = await metafusion(folder, 'evaluate', 'm.safetensors', 'families', '--json')
    expect(JSON.parse(scored.stdout)).toMatchObject({ scored: 'the test part drawn when the model was trained' })
    writeFileSync(join(folder, 'families/labels.csv'), study()['labels.csv'])
    expect((await metafusion(folder, 'predict', 'm.safetensors', 'families', '--out', 'p.csv')).code).toBe(0)
  })

  test('prints a table, over all rows of a folder that the model was not trained on', async () => {
    const labels = csv(['id', 'score'], ['q1', 99], ['q2', 101], ['q3', 95])
    const folder = treeOf({ ...below('new', { ...NEW_PATIENTS, 'labels.csv': labels }), m: read('scored.safetensors') })
    const { code, stdout, stderr } = await metafusion(folder, 'evaluate', 'm', 'new')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`\n3 rows: all of them; ${STRANGERS}\n`)
    expect(stdout).toMatch(
      /\nmethod +MSE +MAE +R²\nmeta-fusion .*\nbest-single-student .*\nsimple-average .*\nweighted-average .*\n$/,
    )
  })

  test('names a label that the model does not know', async () => {
    const labels = csv(['id', 'label'], ['q1', 'case'], ['q2', 'perhaps'])
    const folder = treeOf({ ...below('new', { ...NEW_PATIENTS, 'labels.csv': labels }), m: read('model.safetensors') })
    expect(await metafusion(folder, 'evaluate', 'm', 'new')).toEqual(
      sentence(1, 'labels.csv line 3: column "label" holds "perhaps", the model knows the classes "case", "control"'),
    )
  })

  test('scores the test rows of a split, and refuses one that has none', async () => {
    const files = {
      ...NEW_PATIENTS,
      'labels.csv': csv(['id', 'label'], ['q1', 'case'], ['q2', 'control'], ['q3', 'case']),
      'split.csv': csv(['id', 'a', 'b'], ['q1', 'train', 'train'], ['q2', 'test', 'train'], ['q3', 'test', 'train']),
    }
    const folder = treeOf({ ...below('new', files), m: read('model.safetensors') })
    const { stdout } = await metafusion(folder, 'evaluate', 'm', 'new', '--json', '--split', 'split.csv:a')
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, scored: `the test part of the split; ${STRANGERS}` })
    expect(await metafusion(folder, 'evaluate', 'm', 'new', '--split', 'split.csv:b')).toEqual(
      sentence(1, '"split.csv:b" has no test row among those of "new": write test for some, or leave --split out'),
    )
  })
})

describe('quantize', () => {
  test('writes a smaller model, scores both, and the small one is a model like any other', async () => {
    const { code, stdout, stderr } = await metafusion(
      root,
      'quantize',
      'model.safetensors',
      '--out',
      'int8.safetensors',
      '--check',
      'study',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`int8.safetensors: ${read('int8.safetensors').length} bytes, `)
    expect(stdout).toMatch(
      /^int8\.safetensors: \d+ bytes, \d+ % of \d+\n\d+ weights, the largest error \S+, 0\.\d\d steps\n9 rows: the test part drawn/,
    )
    expect(stdout).toMatch(
      /\nmethod +accuracy .*\nfloat32 .*\nint8 .*\n\n\d+ rows? with another label; the largest change of a probability is \S+\n$/,
    )
    expect((await metafusion(root, 'inspect', 'int8.safetensors')).stdout).toContain(', int8 weights\n')
    expect(await metafusion(root, 'predict', 'int8.safetensors', 'new', '--out', 'int8.csv')).toMatchObject({ code: 0 })
  })

  test('--json prints one object', async () => {
    const { stdout } = await metafusion(
      root,
      'quantize',
      'model.safetensors',
      '--out',
      'int8.safetensors',
      '--check',
      'study',
      '--json',
    )
    const { bytes, rows, methods, model } = JSON.parse(stdout)
    expect(bytes.after).toBe(model.bytes)
    expect([rows, ...methods.map(({ name }: { name: string }) => name)]).toEqual([9, 'float32', 'int8'])
  })

  test('refuses a model that is int8 already', async () => {
    await metafusion(root, 'quantize', 'model.safetensors', '--out', 'int8.safetensors')
    expect(await metafusion(root, 'quantize', 'int8.safetensors', '--out', 'twice.safetensors')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'metafusion: int8.safetensors is int8 already: quantize the model it was made of\n',
    })
  })
})

describe('inspect', () => {
  test('prints data, split, students and weights', async () => {
    const { code, stdout, stderr } = await metafusion(root, 'inspect', 'model.safetensors')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const bytes = read('model.safetensors')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(
      stdout.startsWith(`model.safetensors: ${bytes.length} bytes, sha256 ${sha256}\nclassification, classes case, control\n`),
    ).toBe(true)
    expect(stdout).toContain(`trained by metafusion ${VERSION}, seed 3, data fnv1a64:`)
    expect(stdout).toContain('rows: 50 train, 0 validation, 9 test; split drawn\n')
    expect(stdout).toMatch(/\nmodality +features +prepared\nblood +3 +4\nmri +2 +2\n/)
    expect(stdout).toMatch(/\nsharing ρ = \S+; chosen by the out-of-fold loss: \d\.\d{4} at 0, \d\.\d{4} at 0.99\n/)
    expect(stdout).toMatch(/\nstudent +out-of-fold loss +teacher +weight\n/)
    expect(stdout).toMatch(/\nensembles: greedy, best-single, simple-average, weighted-average, majority-vote, weighted-vote\n$/)
  })

  test('tells how greedy chose, and what it went by', async () => {
    const config = {
      ...JSON.parse(QUICK),
      validation: 0.4,
      ensembles: ['greedy', 'stacking'],
      greedy: { best: 1, prune: 0, metric: 'mae' },
    }
    const folder = treeOf({ ...below('scored', scored()), 'c.json': JSON.stringify(config) })
    expect(await metafusion(folder, 'train', 'scored', '--out', 'm', '--config', 'c.json')).toMatchObject({ code: 0 })
    const { stdout } = await metafusion(folder, 'inspect', 'm')
    const [, line] = /\nensembles: greedy, stacking\ngreedy selection, validation mae: (.*)\n$/.exec(stdout) ?? []
    const { rules, average, selection, students } = JSON.parse((await metafusion(folder, 'inspect', 'm', '--json')).stdout)
    expect({ rules, average }).toEqual({ rules: ['greedy', 'stacking'], average: 'logits' })
    expect(selection[0].added).toHaveLength(1)
    const added = selection.flatMap((s: { added: string[] }) => s.added)
    const weighed = students.filter((s: { weight: number }) => s.weight > 0).map((s: { name: string }) => s.name)
    expect(added.sort()).toEqual(weighed.sort())
    expect(line.split('; then ')).toEqual(
      selection.map(({ added: [name], score }: { added: string[]; score: number }) => `${name} ${score.toFixed(4)}`),
    )
    const table = (await metafusion(folder, 'evaluate', 'm', 'scored')).stdout
    expect(table).toMatch(/\nmeta-fusion .*\nstacking .*\n$/)
  })

  test('--json prints one object', async () => {
    const { stdout } = await metafusion(root, 'inspect', 'model.safetensors', '--json')
    const { students, model } = JSON.parse(trained.stdout)
    expect(JSON.parse(stdout)).toMatchObject({
      library: VERSION,
      seed: 3,
      task: 'classification',
      classes: ['case', 'control'],
      modalities: [
        { name: 'blood', features: ['tau', 'sex', 'abeta'], prepared: ['tau', 'sex=f', 'sex=m', 'abeta'] },
        { name: 'mri', features: ['volume', 'thickness'], prepared: ['volume', 'thickness'] },
      ],
      split: { source: 'drawn', train: 50, validation: 0, test: 9 },
      config: { epochs: 5, heads: [[4]] },
      students,
      // Nine validation rows are too few to judge a pattern by.
      patterns: 3,
      model,
    })
  })
})

describe('help', () => {
  test('--version prints the version', async () => {
    expect(await metafusion(root, '--version')).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  })

  test('lists every command, and is what one gets without any', async () => {
    const asked = await metafusion(root, '--help')
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    for (const name of Object.keys(COMMANDS)) expect(asked.stdout).toMatch(new RegExp(`^ *${name} {2,}\\S`, 'm'))
    expect(await metafusion(root)).toEqual({
      code: 2,
      stdout: asked.stdout,
      stderr: 'metafusion: no command: write one of those above\n',
    })
  })

  test.each(Object.entries(COMMANDS))(
    'of %s names every option, without colours where nobody sees them',
    async (name, options) => {
      const { code, stdout, stderr } = await metafusion(root, name, '--help')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const named = [...stdout.matchAll(/^ *(--[\w-]+)/gm)].map((match) => match[1])
      expect(named).toEqual(options)
      expect(stripVTControlCharacters(stdout)).toBe(stdout)
      expect(stdout).not.toMatch(/ $/m)
    },
  )

  test('is given wherever it is asked for, whatever else stands there', async () => {
    const { code, stdout } = await metafusion(root, 'train', '--nonsense', '-h')
    expect(code).toBe(0)
    expect(stdout).toContain('--config')
  })
})

describe('wrong usage is one sentence, exit code 2, and nothing done', () => {
  const TRAIN = ['train', 'study', '--out', 'new.safetensors']
  const badConfig = (name: string, config: unknown, rest: string): [string[], string, Record<string, string>] => [
    [...TRAIN, '--config', name],
    `${name}: ${rest}`,
    { [name]: JSON.stringify(config) },
  ]
  test.each<[words: string[], text: string, files?: Record<string, string>]>([
    [
      ['fit'],
      'unknown command "fit": there are train, predict, explain, importance, robustness, cross-validate, evaluate, quantize, inspect, report, export, reproduce, theory, synthesize, demo, serve',
    ],
    [
      ['toString'],
      'unknown command "toString": there are train, predict, explain, importance, robustness, cross-validate, evaluate, quantize, inspect, report, export, reproduce, theory, synthesize, demo, serve',
    ],
    [
      ['--json'],
      'unknown command "--json": there are train, predict, explain, importance, robustness, cross-validate, evaluate, quantize, inspect, report, export, reproduce, theory, synthesize, demo, serve',
    ],
    [
      [...TRAIN, '--epochs', '3'],
      '"train" has no option "--epochs": there are --out, --config, --seed, --rho, --baselines, --split, --numerics, --plan, --workers, --json',
    ],
    [
      [...TRAIN, '-s', '3'],
      '"train" has no option "-s": there are --out, --config, --seed, --rho, --baselines, --split, --numerics, --plan, --workers, --json',
    ],
    [['predict', 'm', 'new', '--out', 'p', '--json'], '"predict" has no option "--json": there are --out, --level, --numerics'],
    [[...TRAIN, 'more'], '"more" is one word too many for "train"'],
    [['inspect', 'a', 'b'], '"b" is one word too many for "inspect"'],
    [['demo', 'here'], '"here" is one word too many for "demo"'],
    [['train', '--out', 'new.safetensors'], '"train" needs DIR: see metafusion train --help'],
    [['predict', 'model.safetensors', '--out', 'p'], '"predict" needs DIR: see metafusion predict --help'],
    [['evaluate'], '"evaluate" needs MODEL: see metafusion evaluate --help'],
    [['train', 'study'], '"train" needs --out FILE: see metafusion train --help'],
    [['predict', 'model.safetensors', 'new'], '"predict" needs --out FILE: see metafusion predict --help'],
    [['train', 'study', '--out'], '"--out" needs a value: write --out FILE'],
    [['train', 'study', '--out='], '"--out" needs a value: write --out FILE'],
    [[...TRAIN, '--seed', '--json'], '"--seed" needs a value: write --seed N'],
    [[...TRAIN, '--numerics', 'quick'], 'numerics is "quick": give "exact" or "fast"'],
    [[...TRAIN, '--split'], '"--split" needs a value: write --split FILE:COLUMN'],
    [[...TRAIN, '--json=no'], '"--json" takes no value: write --json alone'],
    [[...TRAIN, '--seed', '1', '--seed', '2'], '"--seed" is given twice: give it once'],
    [[...TRAIN, '--seed', '-1'], '--seed is "-1": give a whole number from 0 to 4294967295'],
    [[...TRAIN, '--seed', '1.5'], '--seed is "1.5": give a whole number from 0 to 4294967295'],
    [[...TRAIN, '--seed', '4294967296'], '--seed is "4294967296": give a whole number from 0 to 4294967295'],
    [[...TRAIN, '--workers', '0'], '--workers is "0": give a whole number from 1 to 256'],
    [['demo', '--out', 'd', '--seed', 'x'], '--seed is "x": give a whole number from 0 to 4294967295'],
    [[...TRAIN, '--rho', '0;1'], '--rho has "0;1": give numbers with commas between, such as 0,0.99,3'],
    [[...TRAIN, '--rho', '0,,1'], '--rho has "": give numbers with commas between, such as 0,0.99,3'],
    [[...TRAIN, '--rho', '0,-1'], 'rho[1] is -1: allowed is a number from 0 to 1000'],
    [
      [...TRAIN, '--baselines', 'single,late'],
      'baselines is "late": allowed is independent, ridge, early-fusion, late-fusion, single, single:blood, single:mri; "late" is unknown',
    ],
    badConfig(
      'c.json',
      { epoch: 3 },
      `the configuration has no setting "epoch": there are ${'seed, extractors, encoders, budget, folds, repeats, solved, head, activation, rho, epochs, batch, optimizer, schedule, patience, dropout, modalityDropout, labelSmoothing, classWeights, warmStart, chooseRho, teaching, ensembles, average, doubt, greedy, bagging, stacking, standardizeFeatures, unskew, clip, standardizeTarget, pcaRows, unitPca, validation, calibration, test, allowLeakage, baselines'}`,
    ),
    badConfig('c.json', { epochs: 0 }, 'epochs is 0: allowed is a whole number from 1 to 100000'),
    badConfig('c.json', { optimizer: { kind: 'lion' } }, 'optimizer.kind is "lion": allowed is sgd, adam, adamw'),
    badConfig(
      'c.json',
      { extractors: { '*': ['ica(3)'] } },
      '"ica(3)" is no extractor: write skip, raw, pca(30), mlp(128,64), sliced(128,70) or frozen-sliced(128,70)',
    ),
    badConfig('c.json', null, 'the configuration is null: allowed is an object of settings'),
    badConfig('c.json', 3, 'the configuration is 3: allowed is an object of settings'),
    badConfig('c.json', [{}], 'the configuration is [{}]: allowed is an object of settings'),
    [
      [...TRAIN, '--config', 'c.json'],
      'extractors is "pet": allowed is the modalities blood, mri, or "*" for all others',
      { 'c.json': '{"extractors": {"pet": ["raw"]}}' },
    ],
  ])('%j', async (words, text, files = {}) => {
    const folder = treeOf({ ...below('study', study()), ...files })
    const before = readdirSync(folder).sort()
    const { code, stderr } = await metafusion(folder, ...words)
    expect({ code, stderr }).toEqual({ code: 2, stderr: `metafusion: ${text}\n` })
    expect(readdirSync(folder).sort()).toEqual(before)
  })
})

describe('bad data is one sentence, exit code 1, and an old file stays', () => {
  const OUT = ['--out', 'old.txt']
  const TRAIN = ['train', 'bad', ...OUT]
  const labels = study()['labels.csv']
  test.each<[words: string[], text: string, files?: Record<string, string | Uint8Array>]>([
    [['train', 'nowhere', ...OUT], 'there is no folder "nowhere"'],
    [TRAIN, '"bad" has no labels.csv: give one with the columns "id" and "label"', { 'labels.csv': '', 'x.csv': 'id,a\n1,2\n' }],
    [TRAIN, 'labels.csv is empty: give a header and one row per subject', { 'labels.csv': '' }],
    [
      TRAIN,
      'labels.csv: column "label" holds only "case", a classifier needs two classes',
      { 'labels.csv': labels.replaceAll('control', 'case') },
    ],
    [
      TRAIN,
      'class "rare" occurs once (id "p01"): a class needs two rows at least, so add some, merge it with another or leave it out',
      { 'labels.csv': labels.replace('p01,control', 'p01,rare') },
    ],
    [
      TRAIN,
      'labels.csv: id "p 01" stands on lines 2 and 4, give each subject one row',
      { 'labels.csv': 'id,label\n"p\n01",case\n"p\n01",control\n' },
    ],
    [[...TRAIN, '--split', 'split.csv:part'], 'there is no file "split.csv" in "bad" for the split'],
    [[...TRAIN, '--config', 'c.json'], '"c.json" cannot be read: there is no such file'],
    [['predict', 'none.safetensors', 'bad', ...OUT], '"none.safetensors" cannot be read: there is no such file'],
    [['predict', 'bad', 'bad', ...OUT], '"bad" cannot be read: it is a folder'],
    [
      ['inspect', 'old.txt'],
      'old.txt: the file has 3 bytes, a safetensors file has at least 8: it is truncated or of another kind',
    ],
    [
      ['inspect', 'bad/labels.csv'],
      'bad/labels.csv: the header claims 7810757299310192000 bytes, more than the 100000000 allowed: this is no safetensors file',
    ],
    [
      ['train', 'bad', '--out', 'missing/model'],
      '"missing/model" cannot be written: there is no folder "missing", create it first',
    ],
    [['train', 'bad', '--out', 'bad'], '"bad" cannot be written: it is a folder'],
    [
      ['predict', 'none', 'bad', '--out', 'missing/p.csv'],
      '"missing/p.csv" cannot be written: there is no folder "missing", create it first',
    ],
    [['theory', '--out', 'old.txt'], '"old.txt" cannot be created: a file has that name'],
    [['demo', '--out', 'old.txt'], '"old.txt/data" cannot be created: a file has that name'],
  ])('%j: %s', async (words, text, files = {}) => {
    const folder = treeOf({ ...below('bad', study()), 'old.txt': 'old' })
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'bad', name), content)
    if (text.includes('has no labels.csv')) {
      rmSync(join(folder, 'bad', 'labels.csv'))
    }
    const { code, stderr } = await metafusion(folder, ...words)
    expect({ code, stderr }).toEqual({ code: 1, stderr: `metafusion: ${text}\n` })
    expect(readFileSync(join(folder, 'old.txt'), 'utf8')).toBe('old')
    expect(readdirSync(folder).sort()).toEqual(['bad', 'old.txt'])
  })

  test.each([
    ['predict', ['new', '--out', 'old.txt']],
    ['evaluate', ['study']],
    ['inspect', []],
  ])('%s names a model file that is truncated or damaged', async (command, rest) => {
    const whole = read('model.safetensors')
    writeFileSync(join(root, 'cut.safetensors'), whole.subarray(0, whole.length - 100))
    const damaged = Buffer.from(whole)
    damaged.write('#', 8, 'latin1')
    writeFileSync(join(root, 'damaged.safetensors'), damaged)
    const cut = await metafusion(root, command, 'cut.safetensors', ...rest)
    expect(cut).toMatchObject({ code: 1, stdout: '' })
    expect(cut.stderr).toMatch(
      /^metafusion: cut\.safetensors: tensor "\S+" ends at byte \d+ and the data has \d+: the file is truncated\n$/,
    )
    expect(await metafusion(root, command, 'damaged.safetensors', ...rest)).toEqual(
      sentence(1, 'damaged.safetensors: the header does not begin with "{": this is no safetensors file'),
    )
    expect(read('old.txt').toString()).toBe('old')
  })

  test('what a model file names does nothing to the terminal', async () => {
    const folder = treeOf({ ...below('study', study()), 'quick.json': QUICK })
    writeFileSync(join(folder, 'study', 'dataset.json'), JSON.stringify({ title: 'red \u001b[31m\nline' }))
    await metafusion(folder, 'train', 'study', '--out', 'm', '--config', 'quick.json')
    const { stdout } = await metafusion(folder, 'inspect', 'm')
    expect(stdout.split('\n')[1]).toBe('red  [31m line')
  })
})

describe('interrupted', () => {
  test.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])(
    'by %s, training ends within a second with exit code 130 and leaves every file as it was',
    async (signal) => {
      const folder = treeOf({ ...below('study', study()), 'endless.json': ENDLESS, 'old.safetensors': 'old' })
      const before = readdirSync(folder).sort()
      const child = start(folder, 'train', 'study', '--out', 'old.safetensors', '--config', 'endless.json')
      const end = finished(child)
      await new Promise((resolve) => child.stderr?.once('data', resolve))
      const asked = performance.now()
      child.kill(signal)
      const { code, stderr } = await end
      expect(performance.now() - asked).toBeLessThan(1000)
      expect(code).toBe(130)
      expect(stderr.trimEnd().split('\n').at(-1)).toBe('metafusion: interrupted: no model was written')
      expect(stderr.match(/metafusion:/g)).toHaveLength(1)
      expect(readdirSync(folder).sort()).toEqual(before)
      expect(readFileSync(join(folder, 'old.safetensors'), 'utf8')).toBe('old')
    },
  )
})

describe('a reader that goes away', () => {
  test('does not keep a training from its end', async () => {
    const child = start(root, 'train', 'study', '--out', 'unread.safetensors', '--config', 'quick.json', '--seed', '3')
    child.stdout?.destroy()
    child.stderr?.destroy()
    expect((await finished(child)).code).toBe(0)
    expect(read('unread.safetensors').equals(read('model.safetensors'))).toBe(true)
  })

  test('does not make inspect fail', async () => {
    const child = start(root, 'inspect', 'model.safetensors')
    child.stdout?.destroy()
    expect(await finished(child)).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('theory', () => {
  const docs = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8')

  test('prints what docs/THEORY.md shows, and writes its figures', async () => {
    const { code, stdout } = await metafusion(root, 'theory', '--out', 'theory/figures')
    expect(code).toBe(0)
    const [said, written] = [stdout.split('\n').slice(0, -4), stdout.split('\n').slice(-4)]
    expect(docs('THEORY.md')).toContain(`\n${said.join('\n')}\n`)
    const files = readdirSync(join(root, 'theory/figures')).sort()
    expect(written).toEqual([...files.map((file) => `${join('theory/figures', file)} written`), ''])
    for (const file of files) {
      expect(read(`theory/figures/${file}`).toString(), file).toBe(docs(`figures/${file}`))
      expect(docs('THEORY.md')).toContain(`](figures/${file})`)
    }
  })

  test('--json prints one object and nothing else', async () => {
    const { code, stdout, stderr } = await metafusion(root, 'theory', '--json', '--seed', '4')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout)
    expect(Object.keys(report)).toEqual(['seed', 'draws', 'drawn', 'fitted', 'boundaries', 'trained', 'ambiguity'])
    expect(report.seed).toBe(4)
    expect(Object.keys(report.fitted[0])).toEqual(['setting', 'expected', 'measured', 'slope', 'best', 'shared'])
  })
})

test('the demo prints the table of the README, and leaves a folder that predict and evaluate take', async () => {
  mkdirSync(join(root, 'demo'))
  const { code, stdout } = await metafusion(join(root, 'demo'), 'demo')
  expect(code).toBe(0)
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const table = /```\n(method [^`]*)```/.exec(readme)?.[1]
  expect(stdout).toContain(table)
  expect(readdirSync(join(root, 'demo', 'metafusion-demo')).sort()).toEqual(['data', 'model.safetensors'])
  const [, next] = /Next: npx metafusion (.*)\n$/.exec(stdout) ?? []
  expect(await metafusion(join(root, 'demo'), ...next.split(' '))).toMatchObject({
    code: 0,
    stdout: 'metafusion-demo/predictions.csv: 1200 rows predicted\n',
  })
}, 400_000)
