// Files with the names and shapes of the recordings of five rats, out of a random generator.

import { type Random, randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { kernels } from '../../web/index.ts'
import { writeNpy } from '../npy.ts'
import type { Files } from './folder.ts'

export interface SyntheticNeural {
  readonly seed: number
  readonly rat: string
  /** Trials in the files, of which two of three count. Default 300. */
  readonly trials?: number
  /** Default 21 for Mitt, as it was; for the others enough for the paper's cohorts. */
  readonly channels?: number
  /** Of which three of ten are silent. Default 104 for Mitt. */
  readonly neurons?: number
  /** Default 400. */
  readonly time?: number
}

const SIZES: Readonly<Record<string, readonly [channels: number, neurons: number]>> = {
  barat: [22, 64],
  buchanan: [18, 60],
  mitt: [21, 104],
  stella: [22, 33],
  superchris: [22, 62],
}

/** When the odour is smelled. */
const ODOUR = { from: 200, to: 250 }

/** How often the odours A to E are presented, of 24. */
const OFTEN = [7, 6, 5, 4, 2]

/** The three files of a rat. Same seed, rat and sizes, same bytes. */
export function synthesizeNeural({ seed, rat, trials = 300, time = 400, ...sizes }: SyntheticNeural): Files {
  const name = rat.toLowerCase()
  const [channels, neurons] = Object.hasOwn(SIZES, name) ? SIZES[name] : SIZES.mitt
  return filesOf(name, { seed, rat, trials, time, channels, neurons, ...sizes })
}

function filesOf(name: string, { seed, trials, time, channels, neurons }: Required<SyntheticNeural>): Files {
  const random = randomFrom(openTrainSession(kernels('train')), seed).fork(`neural ${name}`)
  const odours = odoursOf(random.fork('odours'), trials)
  return {
    [`${name}_trial_info.npy`]: writeNpy([trials, 5], information(random.fork('information'), odours)),
    [`${name}_lfp_data_sampled.npy`]: writeNpy([trials, time, channels], potentials(random.fork('lfp'), odours, time, channels)),
    [`${name}_spike_data_binned.npy`]: writeNpy([trials, neurons, time], spikes(random.fork('spikes'), odours, neurons, time)),
  }
}

/** The odour of each trial, from 0. */
function odoursOf(random: Random, trials: number): number[] {
  const cards = OFTEN.flatMap((times, odour) => new Array<number>(times).fill(odour))
  const deck = Array.from({ length: trials }, (_, i) => cards[i % cards.length])
  return Array.from(random.permutation(trials), (i) => deck[i])
}

/** Columns: correct, in sequence, place in the sequence, odour from 1, length of the poke in seconds. */
function information(random: Random, odours: readonly number[]): Float64Array {
  const chance = random.uniform(3 * odours.length, 0, 1)
  const bit = (likely: boolean) => (likely ? 1 : 0)
  return Float64Array.from(
    odours.flatMap((odour, i) => {
      const [correct, inSequence, length] = chance.subarray(3 * i, 3 * i + 3)
      return [
        bit(correct < 0.85),
        bit(inSequence < 0.85),
        1 + (inSequence < 0.85 ? odour : (odour + 2) % 5),
        odour + 1,
        1 + length,
      ]
    }),
  )
}

/**
 * Noise that swings (a resonance of the second order), and in the odour's time a wave: one for A and C, another for B and D, of
 * a strength of its own in every channel and trial.
 */
function potentials(random: Random, odours: readonly number[], time: number, channels: number): Float32Array {
  const values = new Float32Array(odours.length * time * channels)
  const waves = [0, 1].map((k) => smooth(random.fork(`wave ${k}`).normal(ODOUR.to - ODOUR.from)))
  const gain = random.fork('gain').uniform(channels, 0, 0.8)
  odours.forEach((odour, trial) => {
    const own = random.fork(`trial ${trial}`)
    const noise = own.fork('noise').normal(time * channels)
    const [strength] = own.fork('strength').uniform(1, 0.4, 1.6)
    const at = (t: number, channel: number) => (trial * time + t) * channels + channel
    for (let channel = 0; channel < channels; channel++) {
      let [last, before] = [0, 0]
      for (let t = 0; t < time; t++) {
        const next = 1.75 * last - 0.85 * before + noise[t * channels + channel]
        ;[before, last] = [last, next]
        const smelling = t >= ODOUR.from && t < ODOUR.to
        values[at(t, channel)] = next + (smelling ? 8 * gain[channel] * strength * waves[odour % 2][t - ODOUR.from] : 0)
      }
    }
  })
  return values
}

/** A wave of mean square 1 without its quickest part. */
function smooth(noise: Float32Array): Float64Array {
  let level = 0
  const wave = Float64Array.from(noise, (v) => {
    level = 0.85 * level + v
    return level
  })
  const size = Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length)
  return wave.map((v) => v / size)
}

/** Counts of 0 or 1. Of the neurons that fire, half fire more for one odour, and tell A and B from C and D better than each other. */
function spikes(random: Random, odours: readonly number[], neurons: number, time: number): Uint8Array {
  const counts = new Uint8Array(odours.length * neurons * time)
  const rate = random.fork('rate').uniform(neurons, 0.01, 0.12)
  const kind = random
    .fork('kind')
    .permutation(neurons)
    .map((rank) => Math.floor((10 * rank) / neurons))
  const preferred = random.fork('preferred').uniform(neurons, 0, 5)
  odours.forEach((odour, trial) => {
    const own = random.fork(`trial ${trial}`)
    const [arousal] = own.fork('arousal').uniform(1, 0.6, 1.4)
    for (let neuron = 0; neuron < neurons; neuron++) {
      if (kind[neuron] < 3) continue
      const chance = own.fork(`neuron ${neuron}`).uniform(time, 0, 1)
      const likes = Math.floor(preferred[neuron])
      const same = likes === odour ? 0.8 : Math.floor(likes / 2) === Math.floor(odour / 2) ? 0.5 : 0
      const tuning = kind[neuron] < 7 ? 1 + same : 1
      for (let t = 0; t < time; t++) {
        const smelling = t >= ODOUR.from && t < ODOUR.to
        if (chance[t] < rate[neuron] * arousal * (smelling ? tuning : 1)) counts[(trial * neurons + neuron) * time + t] = 1
      }
    }
  })
  return counts
}
