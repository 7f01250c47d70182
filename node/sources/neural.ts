// Which odour a rat smells, from field potentials and spikes of its hippocampus: the paper's second application
// (data: Shahbaba et al., Nature Communications 2022).

import { basename } from 'node:path'
import { ConfigError, DataError, ShapeError } from '../../src/core/errors.ts'
import { type Dataset, type Modality, modality } from '../../src/data/dataset.ts'
import { momentsOf } from '../../src/data/moments.ts'
import type { Splits, Subjects } from '../../src/data/split.ts'
import { project } from '../../src/fusion/projection.ts'
import { fitPca, pcaLayer } from '../../src/train/pca.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { kernels } from '../../web/index.ts'
import { type NpyArray, readNpy } from '../npy.ts'
import { TRIAL_SHARES } from './applications.ts'
import { findFile, titleOf } from './folder.ts'
import { drawnFrom, type Study } from './study.ts'

export interface NeuralOptions {
  /** Time bins that are looked at, the last one not among them. Default 200 to 250. */
  readonly bins?: readonly [from: number, to: number]
  /** Principal components of each channel. Default 15. */
  readonly components?: number
}

/** A neuron whose mean rate varies less than this over the training trials says nothing. */
const LEAST_VARIANCE = 1e-10

/** The fifth odour has too few trials. */
const ODOURS = ['A', 'B', 'C', 'D']

/**
 * Reads the files of one rat in a folder or a folder in it:
 * `{rat}_lfp_data_sampled.npy` (trials, time, channels), `{rat}_spike_data_binned.npy` (trials, neurons, time) and
 * `{rat}_trial_info.npy` (trials, columns: 0 correct, 1 in sequence, 3 the odour from 1).
 *
 * Rows are the trials that are correct and in sequence, of the first four odours. Modality `lfp` holds the leading principal
 * components of each channel over time, `spikes` the mean rate of each neuron that is active: both are fitted on the training
 * trials, by `dataset`.
 * @throws DataError, FormatError, ShapeError naming the file; ConfigError for options that do not fit
 */
export function readNeural(folder: string, rat: string, options: NeuralOptions = {}): Study {
  const { bins = [200, 250], components = 15 } = options
  const [from, to] = bins
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to > from)) {
    throw new ConfigError(`bins are ${from} to ${to}: give the first time bin and the one after the last`)
  }
  if (!(Number.isInteger(components) && components >= 1 && components <= to - from)) {
    throw new ConfigError(
      `components is ${components}: give a whole number from 1 to ${to - from}, as many as there are time bins`,
    )
  }
  const files = readFiles(folder, rat)
  const trials = chooseTrials(files.info)
  const lfp = cut(files.lfp, trials.rows, [from, to], 'time first')
  const spikes = cut(files.spikes, trials.rows, [from, to], 'time last')
  const subjects: Subjects = {
    ids: trials.rows.map((trial) => `trial ${trial + 1}`),
    target: { task: 'classification', classes: ODOURS, labels: Int32Array.from(trials.labels) },
  }
  const title = titleOf(files.info.path, `Hippocampus of ${rat}: field potentials and spikes, four odours`)
  return {
    title,
    subjects,
    notes: [
      `${trials.rows.length} of ${files.info.array.shape[0]} trials are correct, in sequence and of the odours ${ODOURS.join(', ')}`,
    ],
    split: drawnFrom(subjects, TRIAL_SHARES),
    dataset: ({ train }: Splits): Dataset => ({
      title,
      ...subjects,
      modalities: [potentials(lfp, train, components), rates(spikes, train)],
    }),
  }
}

interface NamedArray {
  readonly path: string
  readonly file: string
  readonly array: NpyArray
}

function readFiles(folder: string, rat: string): Record<'lfp' | 'spikes' | 'info', NamedArray> {
  const read = (end: string, axes: readonly string[]): NamedArray => {
    const name = `${rat.toLowerCase()}_${end}.npy`
    const path = findFile(folder, new RegExp(`^${name.replaceAll(/[^\w]/g, '\\$&')}$`), `file ${name}`)
    const array = readNpy(path, basename(path))
    if (array.shape.length !== axes.length) {
      throw new ShapeError(`${name} has ${array.shape.length} axes (${array.shape.join(', ')}): give it as (${axes.join(', ')})`)
    }
    return { path, file: name, array }
  }
  const files = {
    lfp: read('lfp_data_sampled', ['trials', 'time', 'channels']),
    spikes: read('spike_data_binned', ['trials', 'neurons', 'time']),
    info: read('trial_info', ['trials', 'columns']),
  }
  const [lfp, spikes, info] = [files.lfp, files.spikes, files.info].map(({ array }) => array.shape[0])
  if (lfp !== info || spikes !== info) {
    throw new ShapeError(
      `the files of "${rat}" have ${lfp} trials of potentials, ${spikes} of spikes and ${info} of information: give those of one session`,
    )
  }
  return files
}

/** The trials that count and their odours, from 0. */
function chooseTrials({ file, array: { shape, values } }: NamedArray): { rows: number[]; labels: number[] } {
  const width = shape[1]
  if (width < 4) throw new ShapeError(`${file} has ${width} columns: give correct, in sequence, another and the odour`)
  const rows: number[] = []
  const labels: number[] = []
  for (let trial = 0; trial < shape[0]; trial++) {
    const [correct, inSequence, , odour] = values.subarray(trial * width, trial * width + 4)
    if (correct !== 1 || inSequence !== 1) continue
    if (!Number.isInteger(odour) || odour < 1 || odour > ODOURS.length + 1) {
      throw new DataError(
        `${file} trial ${trial + 1} has the odour ${odour} in column 3: give a number from 1 to ${ODOURS.length + 1}`,
      )
    }
    if (odour > ODOURS.length) continue
    rows.push(trial)
    labels.push(odour - 1)
  }
  if (rows.length === 0) throw new DataError(`${file} has no trial that is correct, in sequence and of the first four odours`)
  return { rows, labels }
}

/** Trials and time bins of an array, as one (trials, bins) f32 matrix per channel or neuron. */
interface Recorded {
  readonly trials: number
  readonly bins: number
  readonly channels: readonly Float32Array[]
}

function cut(
  { file, array: { shape, values } }: NamedArray,
  rows: readonly number[],
  [from, to]: readonly [number, number],
  order: 'time first' | 'time last',
): Recorded {
  const first = order === 'time first'
  const [time, channels] = first ? [shape[1], shape[2]] : [shape[2], shape[1]]
  if (time < to) {
    const axes = first ? '(trials, time, channels)' : '(trials, neurons, time)'
    throw new ShapeError(
      `${file} has ${time} time bins in its shape (${shape.join(', ')}), read as ${axes}: give it in this order, with ${to} bins`,
    )
  }
  const bins = to - from
  const matrices = Array.from({ length: channels }, (_, channel) => {
    const matrix = new Float32Array(rows.length * bins)
    rows.forEach((trial, i) => {
      for (let t = 0; t < bins; t++) {
        const at = first ? (trial * time + from + t) * channels + channel : (trial * channels + channel) * time + from + t
        matrix[i * bins + t] = values[at]
      }
    })
    const bad = matrix.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      throw new DataError(
        `${file} has no finite number in trial ${rows[Math.floor(bad / bins)] + 1}, channel ${channel + 1}: leave the trial out`,
      )
    }
    return matrix
  })
  return { trials: rows.length, bins, channels: matrices }
}

/** Scores of the leading principal components of each channel, which are those of the training trials. */
function potentials({ trials, bins, channels }: Recorded, train: Int32Array, components: number): Modality {
  const session = openTrainSession(kernels('train'))
  const { memory } = session
  const width = channels.length * components
  const scores = new Float32Array(trials * width)
  const empty = memory.mark()
  channels.forEach((matrix, channel) => {
    memory.release(empty)
    const source = { at: memory.put(matrix), width: bins }
    const fitted = finish(fitPca(session, source, train, components))
    const layer = pcaLayer(fitted, 0, `pca(${components})`, false)
    const own = memory.f32(project(session, source, layer, trials).at, trials * components)
    for (let i = 0; i < trials; i++) {
      scores.set(own.subarray(i * components, (i + 1) * components), i * width + channel * components)
    }
  })
  const names = channels.flatMap((_, c) => Array.from({ length: components }, (_, k) => `channel ${c + 1} component ${k + 1}`))
  return modality('lfp', scores, names)
}

/** Mean rate of each neuron that is active in the training trials. */
function rates({ trials, bins, channels }: Recorded, train: Int32Array): Modality {
  const means = channels.map((matrix) => {
    return Float64Array.from({ length: trials }, (_, i) => {
      return matrix.subarray(i * bins, (i + 1) * bins).reduce((sum, count) => sum + count, 0) / bins
    })
  })
  const active = [...means.keys()].filter((neuron) => {
    const { deviation } = momentsOf(train.length, (i) => means[neuron][train[i]])
    return deviation * deviation > LEAST_VARIANCE
  })
  if (active.length === 0) throw new DataError('no neuron is active in the training trials: give other time bins')
  const columns = active.map((n) => ({ kind: 'number', name: `neuron ${n + 1}`, values: means[n] }) as const)
  return { name: 'spikes', columns, present: new Uint8Array(trials).fill(1) }
}

/** What a piece of work comes to, done without a pause. */
function finish<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const turn = work.next()
    if (turn.done) return turn.value
  }
}
