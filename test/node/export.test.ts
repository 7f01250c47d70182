import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkOnnx, loadRuntime } from '../../node/onnx.ts'
import { writeOnnx } from '../../src/formats/onnx.ts'
import { Fields } from '../formats/protobuf.ts'
import { modelFor } from '../fusion/models.ts'
import { ROOT } from '../structure/imports.ts'
import { below, csv, metafusion, QUICK, scored, study, treeOf } from './command.ts'

/** A folder with studies, models of both, and subjects of whom none has both modalities. */
let root = ''
beforeAll(async () => {
  root = treeOf({
    ...below('study', study()),
    ...below('scored', scored()),
    ...below('halves', {
      'mri.csv': csv(['id', 'volume', 'thickness'], ['q1', 0.5, 0.1]),
      'blood.csv': csv(['id', 'tau', 'sex', 'abeta'], ['q3', 0.9, 'm', -0.7]),
    }),
    'quick.json': QUICK,
    'old.onnx': 'old',
  })
  const train = (folder: string) => metafusion(root, 'train', folder, '--out', `${folder}.safetensors`, '--config', 'quick.json')
  expect((await Promise.all(['study', 'scored'].map(train))).map(({ code }) => code)).toEqual([0, 0])
})

const read = (path: string) => readFileSync(join(root, path))
const metadataOf = (path: string) =>
  Object.fromEntries(new Fields(read(path)).messages(14).map((entry) => [entry.texts(1)[0], entry.texts(2)[0]]))
const run = (...words: string[]) => metafusion(root, 'export', ...words)

describe('export --onnx', () => {
  test('writes the graph and says how large it is', async () => {
    const { code, stdout, stderr } = await run('study.safetensors', '--onnx', 'm.onnx')
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `m.onnx: ${read('m.onnx').length} bytes, rule greedy\n`,
      stderr: '',
    })
    expect(metadataOf('m.onnx')).toMatchObject({ rule: 'greedy', missing: '[]', classes: '["case","control"]' })
  })

  test('--check says how far it is from the model, over the rows that have all it reads', async () => {
    // Of 60 subjects 9 lack the scan and 5 the blood, one both.
    const { code, stdout } = await run('study.safetensors', '--onnx', 'c.onnx', '--check', 'study')
    expect(code).toBe(0)
    expect(stdout.split('\n')[1]).toMatch(
      /^47 rows of "study" by onnxruntime-web and by metafusion: same labels, maximum difference [\d.e-]+$/,
    )
    const regression = await run('scored.safetensors', '--onnx', 's.onnx', '--check', 'scored')
    expect(regression.stdout.split('\n')[1]).toMatch(
      /^47 rows of "scored" by onnxruntime-web and by metafusion: maximum difference [\d.e-]+$/,
    )
  })

  test('takes a rule, and the modalities that are missing', async () => {
    const words = ['--onnx', 'r.onnx', '--rule', 'majority-vote', '--missing', 'blood', '--check', 'study']
    const { code, stdout } = await run('study.safetensors', ...words)
    expect([code, stdout.split('\n')[1]]).toEqual([
      0,
      '51 rows of "study" by onnxruntime-web and by metafusion: same labels, maximum difference 0',
    ])
    expect(metadataOf('r.onnx')).toMatchObject({ rule: 'majority-vote', missing: '["blood"]' })
  })
})

test('export --safetensors writes the model file anew, to the byte', async () => {
  expect((await run('study.safetensors', '--safetensors', 'again.safetensors')).code).toBe(0)
  expect(read('again.safetensors').equals(read('study.safetensors'))).toBe(true)
})

describe('what is wrong is one sentence, and nothing is written', () => {
  const graph = ['study.safetensors', '--onnx', 'old.onnx']
  test.each<[words: string[], code: number, text: string]>([
    [['study.safetensors'], 2, '"export" writes nothing so: give --onnx FILE or --safetensors FILE'],
    [['study.safetensors', '--safetensors', 'n', '--missing', 'mri'], 2, '"--missing" is about the graph: give --onnx FILE, too'],
    [[...graph, '--missing', 'mri, pet'], 2, 'the model has no modality "pet" that could be missing: it has blood, mri'],
    [[...graph, '--missing', 'mri,blood'], 2, 'no student of the model can do without "mri", "blood": leave fewer out'],
    [
      [...graph, '--rule', 'stacking'],
      2,
      'the model has no rule "stacking": it has greedy, best-single, simple-average, weighted-average, majority-vote, weighted-vote',
    ],
    [
      [...graph, '--check', 'halves'],
      1,
      'no row has all the modalities of the graph: give others, or name those that are --missing',
    ],
    [
      ['old.onnx', '--onnx', 'new.onnx'],
      1,
      'old.onnx: the file has 3 bytes, a safetensors file has at least 8: it is truncated or of another kind',
    ],
    [['study.safetensors', '--onnx', 'no/m.onnx'], 1, '"no/m.onnx" cannot be written: there is no folder "no", create it first'],
  ])('%j', async (words, code, text) => {
    const before = readdirSync(root)
    const said = await run(...words)
    expect({ code: said.code, stderr: said.stderr.split('\n').filter((line) => line.startsWith('metafusion: ')) }).toEqual({
      code,
      stderr: [`metafusion: ${text}`],
    })
    expect([readdirSync(root), read('old.onnx').toString()]).toEqual([before, 'old'])
  })
})

test('a graph of another rule fails the check of its model', async () => {
  const { data, model } = modelFor({ task: 'classification' })
  const other = writeOnnx(model, { rule: 'stacking' })
  await expect(checkOnnx(await loadRuntime(), other, model, { rule: 'greedy' }, data)).rejects.toThrow(
    /^the graph does not say what the model says: a difference of [\d.]+ where 0.000001 is allowed, \d+ other labels among 19 rows: use the model itself$/,
  )
})

test('a modality that has the name of an output is found in the check', async () => {
  const { data, model } = modelFor({ task: 'classification' })
  const named = <T extends object>(items: readonly T[], key: keyof T) => [{ ...items[0], [key]: 'label' }, ...items.slice(1)]
  const renamed = { ...model, preparations: named(model.preparations, 'modality') }
  const inputs = { ...data, modalities: named(data.modalities, 'name') }
  const found = await checkOnnx(await loadRuntime(), writeOnnx(renamed), renamed, {}, inputs)
  expect(found.rows).toBe(19)
})

test('without ONNX Runtime one sentence says what to install', () => {
  const hook = `export const resolve = (name, context, next) => {
    if (name === 'onnxruntime-web') throw Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  }`
  const program = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    const { loadRuntime } = await import('./dist/node/onnx.js')
    await loadRuntime().catch((error) => console.log(error.name + ': ' + error.message))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, encoding: 'utf8' })
  expect(said).toBe(
    'ConfigError: graphs are run by the package onnxruntime-web, which is not installed: npm install onnxruntime-web\n',
  )
})

const rosmap = join(ROOT, '../shared/datasets/rosmap')

test.skipIf(!existsSync(rosmap))('ROSMAP: the graph of a trained model says of every row what the model says', async () => {
  const config = JSON.stringify({ ...JSON.parse(QUICK), epochs: 1, batch: 64 })
  const folder = treeOf({ 'c.json': config })
  const trained = await metafusion(folder, 'train', rosmap, '--out', 'm.safetensors', '--config', 'c.json', '--baselines', 'none')
  expect(trained.code).toBe(0)
  const { code, stdout } = await metafusion(folder, 'export', 'm.safetensors', '--onnx', 'm.onnx', '--check', rosmap)
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\n351 rows of .* same labels, maximum difference [\d.e-]+\n$/)])
})
