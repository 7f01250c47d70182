import { describe, expect, test } from 'vitest'
import { train } from '../../node/index.ts'
import { writeNpy } from '../../node/npy.ts'
import { RATS } from '../../node/sources/applications.ts'
import { readNeural } from '../../node/sources/neural.ts'
import { synthesizeNeural } from '../../node/sources/synthetic-neural.ts'
import type { Dataset } from '../../src/data/dataset.ts'
import type { Splits } from '../../src/data/split.ts'
import { numbers } from '../kernels/harness.ts'
import { folderOf } from './folder.ts'

const splitsOf = (...parts: readonly (readonly number[])[]): Splits => {
  const [train, validation, test] = parts.map((part) => Int32Array.from(part))
  return { train, validation, test }
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** A small rat: 30 trials that all count, 2 channels, 3 neurons, 10 time bins. */
const TRIALS = 30
const CHANNELS = 2
const NEURONS = 3
const TIME = 10
const odour = (trial: number) => trial % 4

interface Rat {
  readonly info?: (trial: number) => readonly number[]
  readonly lfp?: (trial: number, time: number, channel: number) => number
  readonly spikes?: (trial: number, neuron: number, time: number) => number
}

const noise = numbers(11).f64(TRIALS * TIME * CHANNELS)
const lfpAt = (trial: number, t: number, channel: number) => noise[(trial * TIME + t) * CHANNELS + channel] * (1 + t)
const spikeAt = (trial: number, neuron: number, t: number) => (neuron === 2 ? 0 : (7 * trial + t * (trial + neuron)) % 5)

function ratOf({ info = (trial) => [1, 1, 0, odour(trial) + 1], lfp = lfpAt, spikes = spikeAt }: Rat = {}) {
  const rows = range(TRIALS).map(info)
  const potentials = range(TRIALS).flatMap((i) => range(TIME).flatMap((t) => range(CHANNELS).map((c) => lfp(i, t, c))))
  const counts = range(TRIALS).flatMap((i) => range(NEURONS).flatMap((n) => range(TIME).map((t) => spikes(i, n, t))))
  return {
    'rex_trial_info.npy': writeNpy([TRIALS, rows[0].length], Float64Array.from(rows.flat())),
    'rex_lfp_data_sampled.npy': writeNpy([TRIALS, TIME, CHANNELS], Float64Array.from(potentials)),
    'rex_spike_data_binned.npy': writeNpy([TRIALS, NEURONS, TIME], Float64Array.from(counts)),
  }
}

const SMALL = { bins: [2, 8], components: 6 } as const
const read = (rat: Rat = {}, options: object = SMALL) => readNeural(folderOf(ratOf(rat)), 'Rex', options)
const ALL = splitsOf(range(TRIALS), [], [])

/** (rows, features) of a modality. */
function values({ modalities }: Dataset, m: number): number[][] {
  const { columns } = modalities[m]
  return range(columns[0].kind === 'number' ? columns[0].values.length : 0).map((row) =>
    columns.map((column) => (column.kind === 'number' ? column.values[row] : Number.NaN)),
  )
}

describe('trials', () => {
  test('are those that are correct, in sequence and of the first four odours', () => {
    // In turns of five: counts, wrong, out of sequence, fifth odour, counts.
    const info = (trial: number) =>
      [
        [1, 1, 7, 1],
        [0, 1, 7, 2],
        [1, 0, 7, 3],
        [1, 1, 7, 5],
        [1, 1, 7, 4],
      ][trial % 5]
    const { subjects, notes } = read({ info })
    expect(subjects.ids.slice(0, 4)).toEqual(['trial 1', 'trial 5', 'trial 6', 'trial 10'])
    expect(subjects.target).toEqual({
      task: 'classification',
      classes: ['A', 'B', 'C', 'D'],
      labels: Int32Array.from({ length: 12 }, (_, i) => (i % 2 ? 3 : 0)),
    })
    expect(notes).toEqual(['12 of 30 trials are correct, in sequence and of the odours A, B, C, D'])
  })

  test('keep their own potentials and spikes', () => {
    const whole = read().dataset(ALL)
    const half = read({ info: (trial) => [1, trial % 2, 0, odour(trial) + 1] }).dataset(splitsOf(range(15), [], []))
    const odd = (rows: number[][]) => rows.filter((_, i) => i % 2 === 1)
    expect(values(half, 1)).toEqual(odd(values(whole, 1)))
  })
})

describe('potentials', () => {
  test('are turned, not changed: with as many components as bins the trials lie as far apart as before', () => {
    // Fitted on two thirds of the trials; the others are turned with them.
    const rows = values(read().dataset(splitsOf(range(20), range(5), [])), 0)
    expect(rows[0]).toHaveLength(2 * 6)
    for (const channel of [0, 1]) {
      for (const [a, b] of [
        [0, 1],
        [3, 25],
        [28, 29],
      ]) {
        const before = range(6).map((t) => lfpAt(a, t + 2, channel) - lfpAt(b, t + 2, channel))
        const after = range(6).map((k) => rows[a][channel * 6 + k] - rows[b][channel * 6 + k])
        const square = (v: readonly number[]) => v.reduce((sum, x) => sum + x * x, 0)
        expect(square(after) / square(before)).toBeCloseTo(1, 4)
      }
    }
  })

  test('are components of each channel: of falling variance, uncorrelated and centred over the training trials', () => {
    const rows = values(read().dataset(ALL), 0)
    const moment = (j: number, k: number) => rows.reduce((sum, row) => sum + row[j] * row[k], 0) / TRIALS
    for (const channel of [0, 6]) {
      const variances = range(6).map((k) => moment(channel + k, channel + k))
      expect(variances).toEqual([...variances].sort((a, b) => b - a))
      expect(Math.abs(moment(channel, channel + 1))).toBeLessThan(1e-4 * variances[0])
      expect(Math.abs(rows.reduce((sum, row) => sum + row[channel], 0))).toBeLessThan(1e-3)
    }
  })

  test('outside of the time bins are not looked at', () => {
    const outside = (trial: number, t: number, channel: number) => (t < 2 || t >= 8 ? 1e6 * trial : lfpAt(trial, t, channel))
    expect(read({ lfp: outside }).dataset(ALL)).toEqual(read().dataset(ALL))
  })
})

describe('spikes', () => {
  test('are mean rates of the neurons whose rate varies over the training trials', () => {
    const spikes = (trial: number, neuron: number, t: number) =>
      [trial % 2 && t === 4 ? 3 : 0, trial === 29 && t === 4 ? 5 : 0, 2][neuron]
    const data = read({ spikes }).dataset(splitsOf(range(29), [29], []))
    expect(data.modalities[1].columns.map(({ name }) => name)).toEqual(['neuron 1'])
    expect(values(data, 1).slice(0, 3)).toEqual([[0], [0.5], [0]])
    const other = read({ spikes }).dataset(splitsOf(range(30), [], []))
    expect(other.modalities[1].columns.map(({ name }) => name)).toEqual(['neuron 1', 'neuron 2'])
  })

  test('of nobody are refused', () => {
    const data = read({ spikes: () => 1 })
    expect(() => data.dataset(ALL)).toThrow('no neuron is active in the training trials: give other time bins')
  })
})

test('whatever is recorded in test and validation trials changes nothing for the training trials', () => {
  const splits = splitsOf(
    range(20),
    range(5).map((i) => 20 + i),
    range(5).map((i) => 25 + i),
  )
  const before = read().dataset(splits)
  const after = read({
    lfp: (trial, t, channel) => (trial < 20 ? lfpAt(trial, t, channel) : 100 - t * trial),
    spikes: (trial, neuron, t) => (trial < 20 ? spikeAt(trial, neuron, t) : trial + neuron * t),
  }).dataset(splits)
  for (const m of [0, 1]) {
    expect(after.modalities[m].columns.map(({ name }) => name)).toEqual(before.modalities[m].columns.map(({ name }) => name))
    expect(values(after, m).slice(0, 20)).toEqual(values(before, m).slice(0, 20))
    expect(values(after, m)[20]).not.toEqual(values(before, m)[20])
  }
})

describe('refuses', () => {
  const whole = ratOf()
  const shaped = (shape: readonly number[]) => writeNpy(shape, new Float64Array(shape.reduce((a, b) => a * b, 1)))
  test.each<[string, Readonly<Record<string, Uint8Array>>, string]>([
    [
      'a rat that is not there',
      { 'max_trial_info.npy': whole['rex_trial_info.npy'] },
      'there is no file rex_lfp_data_sampled.npy in ',
    ],
    [
      'potentials whose time is last',
      { ...whole, 'rex_lfp_data_sampled.npy': shaped([30, 2, 10]) },
      'rex_lfp_data_sampled.npy has 2 time bins in its shape (30, 2, 10), read as (trials, time, channels): give it in this order, with 8 bins',
    ],
    [
      'spikes whose time is too short',
      { ...whole, 'rex_spike_data_binned.npy': shaped([30, 3, 7]) },
      'rex_spike_data_binned.npy has 7 time bins in its shape (30, 3, 7), read as (trials, neurons, time): give it in this order, with 8 bins',
    ],
    [
      'another number of axes',
      { ...whole, 'rex_lfp_data_sampled.npy': shaped([30, 20]) },
      'rex_lfp_data_sampled.npy has 2 axes (30, 20): give it as (trials, time, channels)',
    ],
    [
      'other trials',
      { ...whole, 'rex_spike_data_binned.npy': shaped([29, 3, 10]) },
      'the files of "Rex" have 30 trials of potentials, 29 of spikes and 30 of information: give those of one session',
    ],
    [
      'information without odours',
      { ...whole, 'rex_trial_info.npy': shaped([30, 3]) },
      'rex_trial_info.npy has 3 columns: give correct, in sequence, another and the odour',
    ],
    [
      'no trial that counts',
      { ...whole, 'rex_trial_info.npy': shaped([30, 4]) },
      'rex_trial_info.npy has no trial that is correct, in sequence and of the first four odours',
    ],
    [
      'an odour that is none',
      ratOf({ info: (trial) => [1, 1, 0, trial === 3 ? 6 : 1] }),
      'rex_trial_info.npy trial 4 has the odour 6 in column 3: give a number from 1 to 5',
    ],
    [
      'a gap in the potentials',
      ratOf({ lfp: (trial, t, channel) => (trial === 3 && t === 4 && channel === 1 ? Number.NaN : t) }),
      'rex_lfp_data_sampled.npy has no finite number in trial 4, channel 2: leave the trial out',
    ],
  ])('%s', (_, files, sentence) => {
    expect(() => readNeural(folderOf(files), 'Rex', SMALL)).toThrow(sentence)
  })

  test.each([
    [{ bins: [5, 5] }, 'bins are 5 to 5: give the first time bin and the one after the last'],
    [{ bins: [-1, 5] }, 'bins are -1 to 5: give the first time bin and the one after the last'],
    [{ bins: [0, 5], components: 6 }, 'components is 6: give a whole number from 1 to 5, as many as there are time bins'],
  ])('options %j', (options, sentence) => {
    expect(() => read({}, options)).toThrow(expect.objectContaining({ name: 'ConfigError', message: sentence }))
  })

  test('too few training trials for the components', () => {
    expect(() => read().dataset(splitsOf(range(6), [], []))).toThrow(
      'pca(6) needs 6 features and 7 training rows; there are 6 and 6',
    )
  })
})

describe('synthetic files', () => {
  const files = synthesizeNeural({ seed: 3, rat: 'Stella', trials: 150, channels: 4, time: 260 })
  const study = readNeural(folderOf({ ...files, SYNTHETIC: '' }), 'stella')

  test('are split in the shares of the paper, every odour in every part', () => {
    const { train, validation, test: rest } = study.split(1)
    const all = study.subjects.ids.length
    expect([validation.length, rest.length]).toEqual([Math.round(all / 4), Math.round(all / 10)])
    expect(train.length + validation.length + rest.length).toBe(all)
    expect(study.split(1)).toEqual(study.split(1))
    expect(study.split(2)).not.toEqual(study.split(1))
  })

  test('are learned from, end to end', async () => {
    const splits = study.split(1)
    const data = study.dataset(splits)
    expect(data.modalities.map(({ columns }) => columns.length)).toEqual([4 * 15, 23])
    const { model, methods } = await train(data, {
      splits,
      config: {
        ...RATS.stella.config,
        extractors: { '*': ['raw', 'pca(8)', 'skip'] },
        encoders: {},
        epochs: 15,
        rho: [0, 1],
        seed: 1,
      },
    })
    expect(model.provenance.title).toMatch(/^Synthetic data in the form of: Hippocampus of stella/)
    // Four odours, the most frequent in a third of the trials.
    expect((methods[0].test as { accuracy: number }).accuracy).toBeGreaterThan(0.4)
  })
})
