// What each feature contributes to a prediction: integrated gradients (Sundararajan et al., ICML 2017) through the students and their
// ensemble, from a subject who is average in everything to the one who is asked about.

import { ConfigError } from '../core/errors.ts'
import type { Inputs } from '../data/dataset.ts'
import { readerOf } from '../data/prepare.ts'
import { groupRows, modalitiesOf } from '../fusion/availability.ts'
import { chooseRange, cohortOf, runCohort } from '../fusion/cohort.ts'
import { believe, type Voices } from '../fusion/doubt.ts'
import { argmax, isVote, type Rule } from '../fusion/ensemble.ts'
import { sourceName } from '../fusion/extractor.ts'
import { type Model, memberOf, modelOutputs, ownRule } from '../fusion/model.ts'
import { placeFrozen, runFrozen } from '../fusion/projection.ts'
import { speakersOf } from '../fusion/speakers.ts'
import type { Source } from '../fusion/student.ts'
import { type Dense, kindOf, type Window } from '../nn/dense.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { denseInputGradient, throughActivation } from './backward/dense.ts'
import { mlpGradient } from './backward/mlp.ts'
import { backwardRooms } from './backward/student.ts'

/** A feature and what it adds to a row's prediction. */
export interface FeatureShare {
  readonly modality: string
  readonly feature: string
  readonly share: number
}

/** What features add to one row's prediction. */
export interface FeatureShares {
  readonly id: string
  /** The class or output that is explained. */
  readonly output: string
  /**
   * What is said of it, and what of a subject who is average in all features of the modalities at hand, believing them as far as the
   * row's. The shares make up the difference.
   */
  readonly value: number
  readonly average: number
  /** The difference less the sum of the shares: what the integral's steps leave over. */
  readonly rest: number
  /** Largest first; a category's levels together. None where nothing is predicted. */
  readonly shares: readonly FeatureShare[]
}

/** One thing that may be of a row's modalities: who then speaks, what they come to (STEPS, D), and how likely it is. */
interface View {
  readonly weights: Float32Array
  readonly mix: Float64Array
  readonly belief: number
}

/** Steps of the integral, the middle of each: one batch. */
const STEPS = 64

/**
 * Shares of the features in the probability of each row's predicted class, or in an output of a regression, by the model's own ensemble.
 * @param output class or output to explain; the predicted class, or the first output, when left out
 * @throws ConfigError for votes and stacking, whose outcome has no slope, or an output that is not there; DataError as `predict`
 */
export function featureShares(
  session: Session<TrainKernels>,
  model: Model,
  inputs: Inputs,
  rows: Int32Array,
  output?: string,
): FeatureShares[] {
  const rule: Rule = ownRule(model)
  if (isVote(rule) || rule === 'stacking')
    throw new ConfigError(`the outcome of ${rule} has no slope: train an ensemble that averages`)
  const outputs = modelOutputs(model.target)
  if (output !== undefined && !outputs.includes(output))
    throw new ConfigError(`the model has no output "${output}": it has ${outputs.join(', ')}`)
  const { kernels, memory } = session
  const mark = memory.mark()
  const names = model.preparations.map((p) => p.modality)
  const readers = model.preparations.map(readerOf)
  const given = modalitiesOf(inputs, names)
  const reads = given.map((modality, m) => modality && readers[m].open(modality))
  const { patterns, patternOf } = groupRows(given, rows)
  const speakersFor = speakersOf(model, rule)
  const features = readers.map((reader) => reader.width)
  const D = outputs.length
  const classes = model.target.task === 'classification'

  const students = model.students.map((s) => memberOf(s, features))
  const blocks = model.students.map((s) => memory.put(s.block))
  const sources = new Map<string, Source>()
  const slopes = new Map<string, Pointer>()
  const add = (name: string, width: number) => {
    // One row more than the steps: the subject itself.
    sources.set(name, { at: memory.alloc(4 * (STEPS + 1) * width), width })
    slopes.set(name, memory.alloc(4 * STEPS * width))
  }
  features.forEach((width, m) => {
    add(sourceName(m, { kind: 'raw' }), width)
  })
  const frozen = model.projections.map((projection) => placeFrozen(memory, projection))
  for (const { to, width } of frozen) add(to, width)
  const cohort = cohortOf(memory, students, blocks, sources, STEPS, true)
  const rooms = backwardRooms(memory, students, STEPS)
  const scratch = memory.alloc(4 * Math.max(...students.map((s) => s.layout.size)))
  const M = students.length
  const said = memory.alloc(4 * M * STEPS * D)
  const told = memory.alloc(4 * M * STEPS * D)
  const chances = memory.alloc(4 * STEPS * D)
  const dOut: Window = { at: memory.alloc(4 * STEPS * D), ld: D }
  const widest = Math.max(...features, ...frozen.map((layer) => layer.width), ...students.map((s) => s.head.widths[0]))
  const dInput = memory.alloc(4 * STEPS * widest)

  /** Fills the sources with the way from the average to a row. @param scale of step b */
  function fill(values: readonly Float32Array[], scale: (b: number) => number): void {
    values.forEach((own, m) => {
      const { at, width } = sources.get(sourceName(m, { kind: 'raw' })) as Source
      const all = memory.f32(at, STEPS * width)
      for (let b = 0; b < STEPS; b++) for (let j = 0; j < width; j++) all[b * width + j] = scale(b) * own[j]
    })
    for (const layer of frozen)
      runFrozen(kernels, (sources.get(layer.to) as Source).at, sources.get(layer.from) as Source, layer, STEPS)
  }

  /** Runs the students on the steps. */
  function run(): void {
    chooseRange(session, cohort, 0, STEPS)
    runCohort(kernels, said, cohort, STEPS)
    if (classes) kernels.softmax(told, said, M * STEPS, D)
    else memory.copy(told, said, 4 * M * STEPS * D)
  }

  /** What the students come to by some weights (STEPS, D). */
  function mixed(weights: Float32Array): Float64Array {
    const logits = classes && model.ensembles.average === 'logits'
    const all = memory.f32(logits ? said : told, M * STEPS * D)
    const mix = new Float64Array(STEPS * D)
    for (let i = 0; i < M; i++) {
      if (weights[i] === 0) continue
      for (let k = 0; k < mix.length; k++) mix[k] += weights[i] * all[i * mix.length + k]
    }
    if (!logits) return mix
    memory.f32(chances, mix.length).set(mix)
    kernels.softmax(chances, chances, STEPS, D)
    return Float64Array.from(memory.f32(chances, mix.length))
  }

  /** All that may be of the subject's modalities, how likely it is, and what is then said of the average and the subject. */
  function viewsOf(voices: Voices): View[] {
    const [whole, ...pairs] = voices.ways.map((own): View => {
      const weights = new Float32Array(M)
      voices.members.forEach((i, k) => {
        weights[i] = own[k]
      })
      return { weights, mix: mixed(weights), belief: 1 }
    })
    const { doubt } = model.ensembles
    const K = voices.doubted.length
    if (!doubt || K === 0) return [whole]
    const beliefs = new Float64Array(K)
    const subject = [whole, ...pairs].flatMap(({ mix }) => Array.from(mix.subarray(D, 2 * D)))
    believe(Float32Array.from(subject), 0, doubt, 1, D, K, beliefs)
    const believed = 1 - beliefs.reduce((sum, belief) => sum + belief, 0)
    return [{ ...whole, belief: believed }, ...Array.from(beliefs, (belief, k) => ({ ...pairs[2 * k + 1], belief }))]
  }

  /** Adds the slope of the views' output c along each feature to the sources' slopes; what is believed stays as it is. */
  function slope(views: readonly View[], c: number): void {
    for (const [name, at] of slopes) memory.f32(at, STEPS * (sources.get(name) as Source).width).fill(0)
    const logits = classes && model.ensembles.average === 'logits'
    students.forEach((student, i) => {
      const heard = views.filter(({ weights }) => weights[i] > 0)
      if (heard.length === 0) return
      const d = memory.f32(dOut.at, STEPS * D)
      const own = memory.f32(told + 4 * i * STEPS * D, STEPS * D)
      for (let b = 0; b < STEPS; b++) {
        for (let k = 0; k < D; k++) {
          const same = k === c ? 1 : 0
          // dp_c / dz_k = p_c (1[k = c] - p_k).
          d[b * D + k] = heard.reduce((sum, { belief, weights, mix }) => {
            const p = logits ? mix : own
            return sum + belief * weights[i] * (classes ? p[b * D + c] * (same - p[b * D + k]) : same)
          }, 0)
        }
      }
      const { block, head, encoders } = cohort.layers[i]
      const { input, hidden, ports: latents, encoders: inner } = cohort.work[i]
      const before = mlpGradient(kernels, scratch + (head[0].weight - block), dOut, input, head, hidden, rooms[i].head, STEPS)
      student.ports.forEach(({ source, modality, offset, width, encoder }, p) => {
        if (!encoder) {
          addInput(slopes.get(source) as Pointer, before, head[0], offset, width)
          return
        }
        const own = encoders[p]
        const dLatent = rooms[i].ports[p]
        denseInputGradient(kernels, dLatent, before, head[0], STEPS, offset, width)
        throughActivation(kernels, dLatent, latents[p], own[own.length - 1], STEPS)
        const x = cohort.batches[modality] as Window
        const first = mlpGradient(
          kernels,
          scratch + (own[0].weight - block),
          dLatent,
          x,
          own,
          inner[p],
          rooms[i].encoders[p],
          STEPS,
        )
        addInput(slopes.get(sourceName(modality, { kind: 'raw' })) as Pointer, first, own[0], 0, own[0].inputs)
      })
    })
    // Frozen layers, the last first: each reads what stands before it.
    for (const layer of [...frozen].reverse()) {
      const out = sources.get(layer.to) as Source
      const dOutput: Window = { at: slopes.get(layer.to) as Pointer, ld: layer.width }
      const from = sources.get(layer.from) as Source
      const dense: Dense = {
        weight: layer.weight,
        bias: layer.bias,
        inputs: from.width,
        outputs: layer.width,
        activation: layer.activation,
      }
      kernels.activationGradient(dOutput.at, out.at, STEPS, layer.width, layer.width, layer.width, kindOf(layer.activation))
      addInput(slopes.get(layer.from) as Pointer, dOutput, dense, 0, from.width)
    }
  }

  function addInput(to: Pointer, d: Window, layer: Dense, first: number, width: number): void {
    denseInputGradient(kernels, { at: dInput, ld: width }, d, layer, STEPS, first, width)
    const [sum, part] = [memory.f32(to, STEPS * width), memory.f32(dInput, STEPS * width)]
    for (let j = 0; j < sum.length; j++) sum[j] += part[j]
  }

  const found = Array.from(rows, (row, at): FeatureShares => {
    const { voices } = speakersFor(patterns[patternOf[at]])
    const values = features.map((width, m) => {
      const own = new Float32Array(width)
      if (given[m]?.present[row]) reads[m]?.(own, 0, Int32Array.of(row))
      return own
    })
    if (!voices)
      return { id: inputs.ids[row], output: output ?? '', value: Number.NaN, average: Number.NaN, rest: Number.NaN, shares: [] }
    // The first step is the average, the others the subject.
    fill(values, (b) => (b === 0 ? 0 : 1))
    run()
    const views = viewsOf(voices)
    const ends = new Float64Array(2 * D)
    for (const { belief, mix } of views) for (let k = 0; k < 2 * D; k++) ends[k] += belief * mix[k]
    const c = output !== undefined ? outputs.indexOf(output) : classes ? argmax(ends, D, D) : 0
    fill(values, (b) => (b + 0.5) / STEPS)
    run()
    slope(
      views.map((view) => ({ ...view, mix: mixed(view.weights) })),
      c,
    )
    const target = model.target
    const unit = target.task === 'regression' ? target.scale[c] : 1
    const shares = model.preparations.flatMap(({ modality, columns }, m) => {
      if (!given[m]?.present[row]) return []
      const { width } = sources.get(sourceName(m, { kind: 'raw' })) as Source
      const d = memory.f32(slopes.get(sourceName(m, { kind: 'raw' })) as Pointer, STEPS * width)
      let j = 0
      return columns.map((column) => {
        let share = 0
        for (let level = 0; level < (column.kind === 'category' ? column.levels.length : 1); level++, j++) {
          let mean = 0
          for (let b = 0; b < STEPS; b++) mean += d[b * width + j]
          share += (unit * mean * values[m][j]) / STEPS
        }
        return { modality, feature: column.name, share }
      })
    })
    const inUnits = (v: number) => (target.task === 'regression' ? v * unit + target.mean[c] : v)
    const [average, value] = [inUnits(ends[c]), inUnits(ends[D + c])]
    const rest = value - average - shares.reduce((sum, { share }) => sum + share, 0)
    return {
      id: inputs.ids[row],
      output: outputs[c],
      value,
      average,
      rest,
      shares: shares.sort((a, b) => Math.abs(b.share) - Math.abs(a.share)),
    }
  })
  memory.release(mark)
  return found
}
