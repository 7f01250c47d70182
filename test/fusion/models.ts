// A model on made-up subjects whose numbers nobody trained: what a predictor does with a model does not depend on that.

import { readFileSync } from 'node:fs'
import { type CategoryColumn, type Dataset, type Modality, modality, type Target } from '../../src/data/dataset.ts'
import { applyPreparation, fitPreparation, preparedWidth } from '../../src/data/prepare.ts'
import { type Pattern, patternsOf } from '../../src/fusion/availability.ts'
import { rulesOf } from '../../src/fusion/ensemble.ts'
import { sourceName } from '../../src/fusion/extractor.ts'
import type { Model, ModelTarget } from '../../src/fusion/model.ts'
import { metaLearner } from '../../src/fusion/stacking.ts'
import { type StudentSpec, studentName, studentOf } from '../../src/fusion/student.ts'
import { fitPca, pcaLayer } from '../../src/train/pca.ts'
import { openSession } from '../../src/wasm/session.ts'
import { finish } from '../finish.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from '../train/cohort.ts'

/** A session on the small kernels, those of prediction alone. */
export const inferSession = () =>
  openSession(new WebAssembly.Module(readFileSync(new URL('../../build/infer.wasm', import.meta.url))))

export const NAMES = ['scan', 'visit', 'lab']

/** Three views: 7 numbers with gaps, a number and a category with gaps, 5 numbers. */
export function subjects(rows: number, present: (row: number, m: number) => boolean, seed = 61): readonly Modality[] {
  const random = numbers(seed)
  const here = (m: number) => Uint8Array.from({ length: rows }, (_, row) => (present(row, m) ? 1 : 0))
  const holes = (values: Float64Array) => values.map((v, i) => (i % 13 === 5 ? Number.NaN : v))
  const site: CategoryColumn = {
    kind: 'category',
    name: 'site',
    levels: ['north', 'south', 'west'],
    codes: random.i32(rows, 4).map((code) => code - 1),
  }
  const visit = modality('visit', random.f64(rows, 20, 80), ['age'], here(1))
  return [
    modality('scan', holes(random.f64(rows * 7, -5, 5)), 7, here(0)),
    { ...visit, columns: [...visit.columns, site] },
    modality('lab', random.f64(rows * 5, 0, 900), 5, here(2)),
  ]
}

/** Every pattern of three modalities, over and over: 000 too. */
export const everyPattern = (row: number, m: number): boolean => ((row >> m) & 1) === 0

const EXTRACTORS = [
  'raw skip skip',
  'skip raw skip',
  'raw raw raw',
  'mlp(6,2) pca(2) skip',
  'skip skip pca(2)',
  'mlp(3) skip raw',
  'pca(3) skip raw',
]

export interface Choice {
  readonly task?: 'classification' | 'regression'
  readonly specs?: readonly Omit<StudentSpec, 'outputs'>[]
  /** Those with ensembles of their own. */
  readonly patterns?: readonly Pattern[]
}

/** Subjects, their outcome, and a model for them. */
export function modelFor({ task = 'regression', specs, patterns = ['111', '110', '100'] }: Choice = {}) {
  const rows = 150
  const random = numbers(62)
  const modalities = subjects(rows, everyPattern)
  const classes = ['no', 'yes', 'perhaps']
  const target: Target =
    task === 'classification'
      ? { task, classes, labels: random.i32(rows, 3) }
      : { task, outputs: ['u', 'v'], values: random.f64(2 * rows) }
  const data: Dataset = { ids: Array.from({ length: rows }, (_, i) => `s${i}`), modalities, target }
  const train = Int32Array.from({ length: 100 }, (_, row) => row)
  const preparations = modalities.map((m) => fitPreparation(m, train))
  const features = preparations.map(preparedWidth)
  const wide = (specs ?? EXTRACTORS.map((e) => specOf(e, 1, { hidden: [8, 4] }))).map((spec) => ({
    ...spec,
    outputs: task === 'classification' ? 3 : 2,
  }))

  const session = trainSession()
  const wanted = new Map<string, { m: number; components: number }>()
  for (const { extractors } of wide) {
    extractors.forEach((e, m) => {
      if (e.kind === 'pca') wanted.set(sourceName(m, e), { m, components: e.components })
    })
  }
  const projections = [...wanted.values()].map(({ m, components }) => {
    const source = { at: session.memory.put(applyPreparation(preparations[m], modalities[m])), width: features[m] }
    const known = train.filter((row) => modalities[m].present[row])
    return pcaLayer(finish(fitPca(session, source, known, components)), m, `pca(${components})`, true)
  })
  const students = wide.map((spec, i) => ({
    name: studentName(spec, NAMES),
    spec,
    block: random.f32(studentOf(spec, features).layout.size),
    loss: 0.5 + ((7 * i) % 5),
    teacher: 0,
  }))
  const weightsOf = (pattern: Pattern): Float32Array => {
    const able = students.map(({ spec }) => spec.extractors.every((e, m) => e.kind === 'skip' || pattern[m] === '1'))
    const raw = Array.from(random.f64(students.length, 0, 1), (v, i) => (able[i] && (i === 0 || v > 0.2) ? v + 0.1 : 0))
    const sum = raw.reduce((a, b) => a + b, 0)
    return Float32Array.from(raw, (v) => v / sum)
  }
  const weights = Object.fromEntries(rulesOf(task).map((rule) => [rule, patterns.map(weightsOf)]))
  const meta = metaLearner(students.length, wide[0].outputs).layout.size
  const known: ModelTarget =
    target.task === 'classification'
      ? { task: target.task, classes }
      : { task: target.task, outputs: target.outputs, mean: Float64Array.of(3, -1e3), scale: Float64Array.of(0.5, 40) }
  const model: Model = {
    preparations,
    projections,
    target: known,
    students,
    ensembles: { patterns, weights, average: 'logits', stacking: random.f32(meta, -0.5, 0.5) },
    best: 3,
    provenance: {
      library: '0',
      title: '',
      seed: 0,
      digest: '',
      subjects: '',
      split: { source: 'given', train: 100, validation: 50, test: 0, testIds: '' },
      config: {},
      rho: 0,
      rhoLosses: [],
      notes: [],
    },
  }
  return { data, model, features, patterns: patternsOf(data, NAMES) }
}
