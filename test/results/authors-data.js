// Our baselines on the authors' own data and splits, beside what their code gave on them: the same rows, other first weights and
// batch orders. Needs a python3 with numpy, whose random numbers those data are made of.
//
//   node test/results/authors-data.js [2.2 2.3 …]

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modality } from '../../dist/src/data/dataset.js'
import { EXPERIMENTS } from '../../dist/src/experiments/settings.js'
import { meanText, pText } from '../../dist/src/experiments/table.js'
import { paired, summarize } from '../../dist/src/metrics/summary.js'
import { trainModel } from '../../dist/src/recipe/recipe.js'
import { kernels } from '../../dist/web/index.js'

const AUTHORS = JSON.parse(readFileSync(new URL('../golden/reference_results.json', import.meta.url), 'utf8'))
const GENERATOR = new URL('authors_data.py', import.meta.url).pathname
/** By the names they have here and there. */
const METHODS = {
  'early-fusion': 'early_fusion',
  'late-fusion': 'late_fusion',
  'single:modality-1': 'modality_1',
  'single:modality-2': 'modality_2',
}
const BASELINES = ['early-fusion', 'late-fusion', 'single']

function authorsData(experiment, seed) {
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-'))
  try {
    execFileSync('python3', [GENERATOR, String(seed), folder], { input: JSON.stringify(experiment.data) })
    const bytes = (name) => Uint8Array.from(readFileSync(join(folder, name))).buffer
    const values = Float64Array.from(new Float32Array(bytes('y')))
    const modalities = experiment.data.modalities.map(({ name, features }, m) =>
      modality(name, new Float32Array(bytes(`x${m + 1}`)), features),
    )
    const data = { ids: Array.from(values.keys(), String), modalities, target: { task: 'regression', outputs: ['y'], values } }
    const [train, validation, test] = ['train', 'validation', 'test'].map((name) => new Int32Array(bytes(name)))
    return { data, splits: { train, validation, test } }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Test errors by method. The cohort is the smallest there can be: it is not asked about. */
function baselines(experiment, { data, splits }, seed) {
  const extractors = { '*': ['pca(1)'] }
  const config = { ...experiment.config, seed, extractors, rho: [0], baselines: BASELINES }
  const run = trainModel(kernels('train'), data, splits, config)
  let turn = run.next()
  while (!turn.done) turn = run.next()
  return Object.fromEntries(turn.value.methods.map(({ name, test }) => [name, test.mse]))
}

const asked = process.argv.slice(2)
process.stdout.write(
  '| setting | method | ours: MSE (SE), n | authors: MSE (SE), n | ours − authors | p |\n| --- | --- | --- | --- | --- | --- |\n',
)
for (const name of asked.length > 0 ? asked : Object.keys(AUTHORS).filter((key) => /^\d/.test(key))) {
  const experiment = EXPERIMENTS.get(name)
  const { methods, variance } = AUTHORS[name]
  const scores = []
  for (const [i, expected] of variance.entries()) {
    const drawn = authorsData(experiment, i + 1)
    const outcome = Array.from(drawn.splits.test, (row) => drawn.data.target.values[row])
    const { mean } = summarize(outcome)
    const found = summarize(outcome.map((y) => (y - mean) ** 2)).mean
    if (Math.abs(found / expected - 1) > 1e-5)
      throw new Error(`seed ${i + 1} of ${name} has a variance of ${found} here and ${expected} there: these are not their data`)
    scores.push(baselines(experiment, drawn, i + 1))
  }
  for (const [method, there] of Object.entries(METHODS)) {
    const [ours, theirs] = [scores.map((score) => score[method]), methods[there].values]
    const { difference, se, p } = paired(ours, theirs)
    const cells = [name, method, ...[ours, theirs].map((x) => `${meanText(summarize(x), 2)}, ${x.length}`)]
    process.stdout.write(`| ${[...cells, `${difference.toFixed(2)} ± ${se.toFixed(2)}`, pText(p)].join(' | ')} |\n`)
  }
}
