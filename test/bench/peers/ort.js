// ONNX Runtime Web on its WebAssembly backend, one thread. The model is written here, so that no exporter is needed.

import { env, InferenceSession, Tensor } from 'onnxruntime-web'
import { layersOf } from '../workloads.js'

/**
 * Prediction by the mean of all students' logits, all students in one graph.
 * @returns {Promise<(x: Float32Array[], B: number) => Promise<Float32Array>>} probabilities
 */
export async function ortPrediction(work) {
  env.wasm.numThreads = 1
  env.logLevel = 'error'
  const session = await InferenceSession.create(onnxOf(work), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' })
  return async (x, B) => {
    const feeds = Object.fromEntries(x.map((rows, m) => [`x${m}`, new Tensor('float32', rows, [B, work.features[m]])]))
    const { y } = await session.run(feeds)
    return y.data
  }
}

/** The file of a model: encoders and heads as Gemm and Relu, then Mean and Softmax. Numbers of fields are those of onnx.proto. */
function onnxOf({ students, blocks, features, outputs }) {
  const nodes = []
  const weights = []
  let named = 0
  const node = (op, inputs, attributes = [], output = `t${named++}`) => {
    nodes.push(message([...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(4, op), ...attributes]))
    return output
  }
  const tensor = (values, dims) => {
    const name = `w${weights.length}`
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    weights.push(message([...dims.map((n) => number(1, n)), number(2, FLOAT), bytes(8, name), bytes(9, raw)]))
    return name
  }
  const chain = (layers, input) =>
    layers.reduce((h, { inputs, outputs: out, weight, bias, relu }) => {
      const z = node('Gemm', [h, tensor(weight, [out, inputs]), tensor(bias, [out])], [integer('transB', 1)])
      return relu ? node('Relu', [z]) : z
    }, input)
  const logits = students.map((student, i) => {
    const { ports, head } = layersOf(student, blocks[i])
    const latents = ports.map(({ modality, encoder }) => chain(encoder, `x${modality}`))
    return chain(head, latents.length === 1 ? latents[0] : node('Concat', latents, [integer('axis', 1)]))
  })
  node('Softmax', [node('Mean', logits)], [integer('axis', 1)], 'y')
  const graph = message([
    ...nodes.map((one) => bytes(1, one)),
    bytes(2, 'cohort'),
    ...weights.map((one) => bytes(5, one)),
    ...features.map((width, m) => bytes(11, matrix(`x${m}`, width))),
    bytes(12, matrix('y', outputs)),
  ])
  return message([number(1, 8), bytes(8, message([bytes(1, ''), number(2, 17)])), bytes(7, graph)])
}

const FLOAT = 1
const INT = 2

/** A name and its type: (any number of rows, width). */
function matrix(name, width) {
  const shape = message([bytes(1, message([bytes(2, 'rows')])), bytes(1, message([number(1, width)]))])
  return message([bytes(1, name), bytes(2, message([bytes(1, message([number(1, FLOAT), bytes(2, shape)]))]))])
}

const integer = (name, value) => bytes(5, message([bytes(1, name), number(3, value), number(20, INT)]))

const message = (/** @type {Uint8Array[]} */ fields) => new Uint8Array(Buffer.concat(fields))
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)])
const bytes = (field, value) => {
  const content = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content])
}

function varint(value) {
  const out = []
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) + 128)
  return Buffer.from([...out, value])
}
