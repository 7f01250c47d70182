// Small studies for whole trainings: subjects whose outcome hangs on three views, some of which are missing.

import { readFileSync } from 'node:fs'
import type { Progress } from '../../src/core/types.ts'
import type { CategoryColumn, Dataset, Modality } from '../../src/data/dataset.ts'
import { modality } from '../../src/data/dataset.ts'
import type { Splits } from '../../src/data/split.ts'
import { type TrainConfig, type Trained, trainModel } from '../../src/index.ts'
import { numbers } from '../kernels/harness.ts'

export const module = new WebAssembly.Module(readFileSync(new URL('../../build/train.wasm', import.meta.url)))

export interface Study {
  readonly data: Dataset
  readonly splits: Splits
}

export const ROWS = 150

/** Rows for training, validation and testing in turns of ten: 6, 2 and 2. */
export const PART = (row: number): 'train' | 'validation' | 'test' =>
  row % 10 < 6 ? 'train' : row % 10 < 8 ? 'validation' : 'test'

const rowsWhere = (keep: (row: number) => boolean) => Int32Array.from(Array.from({ length: ROWS }, (_, row) => row).filter(keep))

export const SPLITS: Splits = {
  train: rowsWhere((row) => PART(row) === 'train'),
  validation: rowsWhere((row) => PART(row) === 'validation'),
  test: rowsWhere((row) => PART(row) === 'test'),
}

export interface Making {
  readonly task?: 'regression' | 'classification'
  readonly outputs?: number
  /** Whether a row has a modality. */
  readonly present?: (row: number, m: number) => boolean
  readonly seed?: number
}

/** A quarter of the rows lacks each of the modalities, one in 64 all of them. */
export const SOME = (row: number, m: number): boolean => Math.floor((7 * row) / 4 ** m) % 4 !== 0

/** scan: 8 numbers; visit: a number and a category; lab: 3 numbers. The outcome hangs on all of them, linearly. */
export function study({ task = 'regression', outputs = 1, present = () => true, seed = 71 }: Making = {}): Study {
  const random = numbers(seed)
  const here = (m: number) => Uint8Array.from({ length: ROWS }, (_, row) => (present(row, m) ? 1 : 0))
  const [scan, age, lab] = [random.f64(ROWS * 8), random.f64(ROWS, 20, 80), random.f64(ROWS * 3, 0, 900)]
  const codes = random.i32(ROWS, 3)
  const score = Array.from(
    { length: ROWS },
    (_, row) => 2 * scan[8 * row] - scan[8 * row + 5] + (age[row] - 50) / 20 + (codes[row] === 1 ? 1 : 0) + lab[3 * row] / 300,
  )
  const sorted = [...score].sort((a, b) => a - b)
  const third = (v: number) => (v < sorted[ROWS / 3] ? 0 : v < sorted[(2 * ROWS) / 3] ? 1 : 2)
  const visit = modality('visit', age, ['age'], here(1))
  const site: CategoryColumn = { kind: 'category', name: 'site', codes, levels: ['north', 'south', 'west'] }
  return {
    data: {
      title: 'A study',
      ids: Array.from({ length: ROWS }, (_, row) => `s${row}`),
      modalities: [
        modality('scan', scan, 8, here(0)),
        { ...visit, columns: [...visit.columns, site] },
        modality('lab', lab, 3, here(2)),
      ],
      target:
        task === 'classification'
          ? { task, classes: ['low', 'middle', 'high'], labels: Int32Array.from(score, third) }
          : {
              task,
              outputs: Array.from({ length: outputs }, (_, d) => `y${d}`),
              values: Float64Array.from(
                { length: ROWS * outputs },
                (_, i) => (1 + (i % outputs)) * score[Math.floor(i / outputs)],
              ),
            },
    },
    splits: SPLITS,
  }
}

/** A configuration that trains in a blink. */
export const QUICK: TrainConfig = {
  seed: 3,
  head: [8],
  epochs: 6,
  batch: 16,
  rho: [0, 1],
  optimizer: { rate: 0.02 },
  extractors: { scan: ['skip', 'raw', 'pca(2)', 'mlp(4,2)'], '*': ['skip', 'raw'] },
}

/** A training from start to end, and what it told on the way. */
export function train({ data, splits }: Study, config: TrainConfig = {}): Trained & { told: Progress[] } {
  const run = trainModel(module, data, splits, { ...QUICK, ...config })
  const told: Progress[] = []
  for (let turn = run.next(); ; turn = run.next()) {
    if (turn.done) return { ...turn.value, told }
    told.push(turn.value)
  }
}

/** The same subjects with other numbers, labels and presence in some rows. */
export function scrambled({ data, splits }: Study, where: (row: number) => boolean): Study {
  const other = study({
    task: data.target.task,
    outputs: data.target.task === 'regression' ? data.target.outputs.length : 1,
    seed: 5,
  }).data
  const modalities = data.modalities.map((m, i): Modality => {
    const columns = m.columns.map((c, j) => {
      const from = other.modalities[i].columns[j]
      if (c.kind === 'number' && from.kind === 'number')
        return { ...c, values: c.values.map((v, row) => (where(row) ? from.values[row] : v)) }
      if (c.kind === 'category' && from.kind === 'category')
        return { ...c, codes: c.codes.map((v, row) => (where(row) ? from.codes[row] : v)) }
      return c
    })
    return { ...m, columns, present: m.present.map((v, row) => (where(row) ? (row + i) % 2 : v)) }
  })
  const { target } = data
  const turned =
    target.task === 'regression'
      ? { ...target, values: target.values.map((v, i) => (where(Math.floor(i / target.outputs.length)) ? 100 - v : v)) }
      : { ...target, labels: target.labels.map((v, row) => (where(row) ? (v + 1) % 3 : v)) }
  return { data: { ...data, modalities, target: turned }, splits }
}
