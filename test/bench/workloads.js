// What is trained and predicted, ours and as numbers from which a peer builds the same.
//
//   large   24 students on two modalities of 500 features: encoders 500-256-d, d of 100, 200, 300, 500 or the modality left out,
//           head 128-64, ten classes; 9,582,056 parameters
//   small   four students 64-128-64-2 on one modality
//   single  one network 64-256-128-10, for prediction
//
// Batches of 64 rows, ReLU, Adam, mutual learning at ρ = 0.5 with everyone as a teacher.

import { studentOf } from '../../dist/src/fusion/student.js'
import { firstBlocks } from '../../dist/src/train/init.js'
import { ADAM } from '../../dist/src/train/optimizer.js'
import { mutual } from '../../dist/src/train/sharing.js'
import { planOf, trainBatch } from '../../dist/src/train/step.js'
import { randomFrom } from '../../dist/src/wasm/random.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { init, kernels } from '../../dist/web/index.js'

await init({ numerics: 'fast' })

export const BATCH = 64
export const RHO = 0.5

/** Adam moves four arrays of a parameter each step: block and moments both ways, the gradient one. */
const ADAM_BYTES = 28

const WIDTHS = [0, 100, 200, 300, 500]
const encoder = (width) => (width === 0 ? { kind: 'skip' } : { kind: 'mlp', widths: [256, width] })
const raw = { kind: 'raw' }
const spec = (extractors, hidden, outputs) => ({ extractors, hidden, outputs, activation: 'relu' })

/** More rows than are learned by heart while they are timed. */
const KINDS = {
  large: {
    features: [500, 500],
    rows: 1024,
    specs: WIDTHS.flatMap((a) => WIDTHS.map((b) => [a, b]))
      .filter(([a, b]) => a + b > 0)
      .map((widths) => spec(widths.map(encoder), [128, 64], 10)),
  },
  small: { features: [64], rows: 16_384, specs: Array.from({ length: 4 }, () => spec([raw], [128, 64], 2)) },
  single: { features: [64], rows: 1024, specs: [spec([raw], [256, 128], 10)] },
}

/**
 * The numbers of a workload: students, their first blocks, rows (rows, features) of each modality, labels.
 * @param {'large' | 'small' | 'single'} kind
 */
export function numbersOf(kind) {
  const { features, rows, specs } = KINDS[kind]
  const session = openTrainSession(kernels('train'))
  const random = randomFrom(session, 1)
  const students = specs.map((one) => studentOf(one, features))
  const outputs = specs[0].outputs
  const labels = random.fork('labels').uniform(rows, 0, outputs).map(Math.floor)
  return {
    features,
    rows,
    students,
    outputs,
    blocks: firstBlocks(
      students,
      students.map((_, i) => `${i}`),
      random.fork('weights'),
    ),
    values: features.map((width, m) => random.fork(`rows ${m}`).normal(rows * width)),
    labels: Int32Array.from(labels),
    parameters: students.reduce((sum, { layout }) => sum + layout.size, 0),
    flop: students.reduce((sum, student) => sum + flopOf(student), 0),
  }
}

/** What a student is made of, by name: for those who build it anew. Weights (outputs, inputs) and biases are windows of its block. */
export function layersOf(student, block) {
  let at = 0
  const take = (n) => {
    at += n
    return block.subarray(at - n, at)
  }
  const layers = ({ widths, activation, last = 'identity' }) =>
    widths.slice(1).map((outputs, l) => ({
      inputs: widths[l],
      outputs,
      weight: take(widths[l] * outputs),
      bias: take(outputs),
      relu: (l === widths.length - 2 ? last : activation) === 'relu',
    }))
  return {
    ports: student.ports.map(({ modality, encoder: network }) => ({ modality, encoder: network ? layers(network) : [] })),
    head: layers(student.head),
  }
}

/** (inputs, outputs) of a weight (outputs, inputs). */
export function transposed({ weight, inputs, outputs }) {
  const out = new Float32Array(weight.length)
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) out[i * outputs + o] = weight[o * inputs + i]
  return out
}

/** (labels, classes). */
export function oneHot(labels, classes) {
  const out = new Float32Array(labels.length * classes)
  labels.forEach((label, b) => {
    out[b * classes + label] = 1
  })
  return out
}

/** The rows of batch `t`, of those that come round again and again. */
export const batchAt = ({ rows }, t) => (t * BATCH) % rows

/**
 * Forward pass, weight gradients, and input gradients where something learns below: 2 operations a product.
 * The head's first layer has an input gradient for the columns of encoders alone.
 */
function flopOf({ ports, head }) {
  const network = ({ widths }, below) =>
    widths.slice(1).reduce((sum, outputs, l) => sum + outputs * (2 * widths[l] + (l === 0 ? below : widths[l])), 0)
  const encoders = ports.flatMap((port) => port.encoder ?? [])
  const learning = ports.reduce((sum, port) => sum + (port.encoder ? port.width : 0), 0)
  return 2 * BATCH * (network(head, learning) + encoders.reduce((sum, one) => sum + network(one, 0), 0))
}

/** ms that a step needs at the least, at these rates (GFLOP/s, GB/s). */
export const limitOf = ({ flop, parameters }, peak, triad) => flop / peak / 1e6 + (ADAM_BYTES * parameters) / triad / 1e6

/**
 * Our training step: the library's own, batch by batch.
 * @param {'exact' | 'fast'} numerics
 * @returns {() => Float64Array} one step; task losses before it, by student
 */
export function ourStep(work, numerics) {
  const session = openTrainSession(kernels('train', numerics))
  const { memory } = session
  const { students, values, features, labels, outputs, rows, blocks } = work
  const all = Int32Array.from({ length: rows }, (_, row) => row)
  const seen = new Uint8Array(rows).fill(1)
  const plan = planOf(
    {
      session,
      students,
      sees: students.map(() => seen),
      sources: new Map(values.map((table, m) => [`${m}:raw`, { at: memory.put(table), width: features[m] }])),
      target: { task: 'classification', at: memory.put(labels), outputs },
      train: all,
      validation: all.subarray(0, BATCH),
    },
    BATCH,
  )
  plan.states.forEach(({ block, first, size }, i) => {
    memory.f32(block, size).set(blocks[i])
    memory.f32(first, 2 * size).fill(0)
  })
  const teachers = new Float32Array(students.length).fill(1 / students.length)
  const objective = mutual(plan, { rho: RHO, teachers })
  let t = 0
  return () => {
    const at = batchAt(work, t++)
    return trainBatch(plan, all.subarray(at, at + BATCH), objective, ADAM).losses.task
  }
}
