// The data set as numbers in a session: prepared modalities, target rows, frozen projections. Learned from training rows alone.

import { DataError } from '../core/errors.ts'
import type { Dataset, Target } from '../data/dataset.ts'
import { momentsOf } from '../data/moments.ts'
import { applyPreparation, fitPreparation, type Manner, type Preparation, preparedWidth } from '../data/prepare.ts'
import { type Extractor, extractorName, sourceName } from '../fusion/extractor.ts'
import type { ModelTarget } from '../fusion/model.ts'
import { type Projection, project } from '../fusion/projection.ts'
import type { Source } from '../fusion/student.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'
import { fitPca, pcaLayer } from './pca.ts'
import type { TargetRows } from './problem.ts'

/** Learns the preparation of each modality and puts all rows, prepared, into the session. */
export function prepareRows(
  session: Session<TrainKernels>,
  data: Dataset,
  train: Int32Array,
  manner: Manner,
): { preparations: Preparation[]; sources: Map<string, Source> } {
  const sources = new Map<string, Source>()
  const preparations = data.modalities.map((modality, m) => {
    const preparation = fitPreparation(modality, train, manner)
    const at = session.memory.put(applyPreparation(preparation, modality))
    sources.set(sourceName(m, { kind: 'raw' }), { at, width: preparedWidth(preparation) })
    return preparation
  })
  return { preparations, sources }
}

/**
 * Fits every PCA that the extractors name and adds its scores to the sources, for all rows.
 * @param fitted the rows it is fitted on, of those that have the modality
 * @yields often
 */
export function* projectRows(
  session: Session<TrainKernels>,
  data: Dataset,
  sources: Map<string, Source>,
  extractors: readonly (readonly Extractor[])[],
  fitted: Int32Array,
  unit: boolean,
): Generator<void, Projection[]> {
  const projections: Projection[] = []
  for (const [m, list] of extractors.entries()) {
    const wanted = list.filter((e) => e.kind === 'pca')
    if (wanted.length === 0) continue
    const raw = sources.get(sourceName(m, { kind: 'raw' })) as Source
    const rows = fitted.filter((row) => data.modalities[m].present[row])
    const most = Math.max(...wanted.map((e) => e.components))
    const { components, mean, variance } = yield* fitPca(session, raw, rows, most)
    for (const e of wanted) {
      const part = { mean, components: components.slice(0, e.components * raw.width), variance: variance.slice(0, e.components) }
      const layer = pcaLayer(part, m, extractorName(e), unit)
      sources.set(sourceName(m, e), project(session, raw, layer, data.ids.length))
      projections.push(layer)
    }
    yield
  }
  return projections
}

/**
 * The target as a model has it. A regression's outputs are standardised over the training rows unless asked not to be.
 * @throws DataError when an output's numbers are too large to be averaged
 */
export function modelTarget(target: Target, train: Int32Array, standardize: boolean): ModelTarget {
  if (target.task === 'classification') return { task: 'classification', classes: target.classes }
  const D = target.outputs.length
  const mean = new Float64Array(D)
  const scale = new Float64Array(D).fill(1)
  for (let d = 0; standardize && d < D; d++) {
    const moments = momentsOf(train.length, (i) => target.values[train[i] * D + d])
    mean[d] = moments.mean
    scale[d] = moments.deviation || 1
    if (!Number.isFinite(mean[d]) || !Number.isFinite(scale[d])) {
      throw new DataError(`target "${target.outputs[d]}" has numbers too large to be averaged: give it in a larger unit`)
    }
  }
  return { task: 'regression', outputs: target.outputs, mean, scale }
}

/** The target of all rows as students are to learn it. @throws DataError for a number too far off to be held */
export function targetValues(target: Target, model: ModelTarget): Int32Array | Float32Array {
  if (target.task === 'classification') return target.labels
  if (model.task !== 'regression') throw new TypeError('a regression target needs a regression model')
  const D = target.outputs.length
  const values = Float32Array.from(target.values, (v, i) => (v - model.mean[i % D]) / model.scale[i % D])
  const bad = values.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) {
    const [output, row] = [bad % D, Math.floor(bad / D)]
    throw new DataError(
      `target "${target.outputs[output]}" is ${target.values[bad]} in row ${row}, which is too far from ` +
        `${model.mean[output]} ± ${model.scale[output]}: correct it or give it in a larger unit`,
    )
  }
  return values
}

/** The same in the session. */
export function putTarget(session: Session<TrainKernels>, values: Int32Array | Float32Array, model: ModelTarget): TargetRows {
  const outputs = model.task === 'classification' ? model.classes.length : model.outputs.length
  return { task: model.task, at: session.memory.put(values), outputs }
}

/** Rows of a target: labels, or values (rows, outputs). */
export function targetOf(values: Int32Array | Float32Array, rows: Int32Array, outputs: number): Int32Array | Float32Array {
  if (values instanceof Int32Array) return rows.map((row) => values[row])
  const out = new Float32Array(rows.length * outputs)
  rows.forEach((row, i) => {
    out.set(values.subarray(row * outputs, (row + 1) * outputs), i * outputs)
  })
  return out
}
