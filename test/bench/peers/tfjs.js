// TensorFlow.js on its WebAssembly backend (SIMD, one thread). In Node the package's gradients can only be had from its modules,
// which Node does not load as they are: core, gradients and backend are bundled once into build/.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ADAM } from '../../../dist/src/train/optimizer.js'
import { BATCH, batchAt, layersOf, oneHot, RHO, transposed } from '../workloads.js'

const ROOT = new URL('../../../', import.meta.url)
const require = createRequire(import.meta.url)

const ENTRY = `
export * from '@tensorflow/tfjs-core'
export { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
`

/** The library, ready. */
export async function openTfjs() {
  const folder = fileURLToPath(new URL('build/peers/', ROOT))
  const bundle = `${folder}tfjs-4.22.0.cjs`
  if (!existsSync(bundle)) {
    const { build } = await import('rolldown')
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}tfjs.js`, ENTRY)
    await build({
      input: `${folder}tfjs.js`,
      cwd: fileURLToPath(ROOT),
      platform: 'node',
      resolve: { mainFields: ['module', 'main'] },
      output: { file: bundle, format: 'cjs', codeSplitting: false },
      logLevel: 'silent',
    })
  }
  const tf = require(bundle)
  tf.setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist/', ROOT)))
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  await tf.setBackend('wasm')
  await tf.ready()
  return tf
}

/**
 * A training step, with the library's gradients and its Adam.
 * @param tuned layers are one operation each, whose gradient transposes explicitly: the library's own products are slow where an
 *   operand is transposed
 * @returns {() => Float32Array} one step; task losses before it, by student
 */
export function tfjsStep(tf, work, tuned) {
  const { students, blocks, values, features, labels, outputs, rows } = work
  const layer = tuned ? tunedLayer(tf) : stockLayer(tf)
  const nets = students.map((student, i) => networkOf(student, blocks[i], (l) => variables(tf, l)))
  const batches = Array.from({ length: rows / BATCH }, (_, b) => ({
    x: features.map((width, m) => tf.tensor2d(slice(values[m], b, width), [BATCH, width])),
    y: tf.tensor2d(oneHot(labels.subarray(b * BATCH, (b + 1) * BATCH), outputs), [BATCH, outputs]),
  }))
  const loss = mutualLoss(tf)
  const adam = tf.train.adam(ADAM.rate, ADAM.beta1, ADAM.beta2, ADAM.epsilon)
  let t = 0
  return () => {
    const { x, y } = batches[batchAt(work, t++) / BATCH]
    let task
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const { value, losses } = loss(tf.stack(nets.map((net) => forward(tf, net, x, layer))), y)
        task = losses
        return value
      })
      adam.applyGradients(grads)
    })
    const said = task.dataSync().slice()
    task.dispose()
    return said
  }
}

/** Prediction by the mean of all students' logits. @returns {(x: Float32Array[], B: number) => Float32Array} probabilities */
export function tfjsPrediction(tf, work) {
  const constants = (l) => ({ ...l, w: tf.tensor2d(transposed(l), [l.inputs, l.outputs]), b: tf.tensor1d(l.bias) })
  const nets = work.students.map((student, i) => networkOf(student, work.blocks[i], constants))
  const fused = (x, { w, b, relu }) =>
    tf.fused.matMul({ a: x, b: w, transposeA: false, transposeB: false, bias: b, activation: relu ? 'relu' : 'linear' })
  return (x, B) =>
    tf.tidy(() => {
      const inputs = x.map((rows, m) => tf.tensor2d(rows, [B, work.features[m]]))
      const logits = nets.map((net) => forward(tf, net, inputs, fused))
      return tf.softmax(logits.length === 1 ? logits[0] : tf.mul(tf.addN(logits), 1 / logits.length)).dataSync()
    })
}

const slice = (table, b, width) => table.subarray(b * BATCH * width, (b + 1) * BATCH * width)

function networkOf(student, block, make) {
  const { ports, head } = layersOf(student, block)
  return { ports: ports.map(({ modality, encoder }) => ({ modality, encoder: encoder.map(make) })), head: head.map(make) }
}

const variables = (tf, l) => ({
  ...l,
  w: tf.variable(tf.tensor2d(transposed(l), [l.inputs, l.outputs])),
  b: tf.variable(tf.tensor1d(l.bias)),
})

function forward(tf, { ports, head }, x, layer) {
  const chain = (layers, input, learns) => layers.reduce((h, l, i) => layer(h, l, learns || i > 0), input)
  const latents = ports.map(({ modality, encoder }) => chain(encoder, x[modality], false))
  const input = latents.length === 1 ? latents[0] : tf.concat(latents, 1)
  return chain(
    head,
    input,
    ports.some(({ encoder }) => encoder.length > 0),
  )
}

const stockLayer =
  (tf) =>
  (x, { w, b, relu }) => {
    const z = tf.add(tf.matMul(x, w), b)
    return relu ? tf.relu(z) : z
  }

const tunedLayer =
  (tf) =>
  (x, { w, b, relu, inputs, outputs }, learns) => {
    const attributes = { transposeA: false, transposeB: false, activation: relu ? 'relu' : 'linear' }
    const product = (input, weight, bias) => {
      const [a, b] = [tf.reshape(input, [1, BATCH, inputs]), tf.reshape(weight, [1, inputs, outputs])]
      return tf.reshape(tf.engine().runKernel('_FusedMatMul', { a, b, bias }, attributes), [BATCH, outputs])
    }
    const through = (dy, y) => (relu ? tf.mul(dy, tf.step(y)) : dy)
    const dWeight = (input, dz) => tf.matMul(tf.transpose(input), dz)
    if (!learns) {
      return tf.customGrad((weight, bias, save) => {
        const y = product(x, weight, bias)
        save([y])
        const gradFunc = (dy, [saved]) => {
          const dz = through(dy, saved)
          return [dWeight(x, dz), tf.sum(dz, 0)]
        }
        return { value: y, gradFunc }
      })(w, b)
    }
    return tf.customGrad((input, weight, bias, save) => {
      const y = product(input, weight, bias)
      save([input, weight, y])
      const gradFunc = (dy, [before, own, after]) => {
        const dz = through(dy, after)
        return [tf.matMul(dz, tf.transpose(own)), dWeight(before, dz), tf.sum(dz, 0)]
      }
      return { value: y, gradFunc }
    })(x, w, b)
  }

/** Of logits (students, rows, classes): Σ over students of the cross-entropy and ρ times that from the mean of all softmaxes. */
const mutualLoss = (tf) => (logits, y) => {
  let losses
  const value = tf.customGrad((z, save) => {
    const p = tf.softmax(z)
    const c = tf.mean(p, 0, true)
    losses = tf.keep(tf.mean(tf.neg(tf.log(tf.sum(tf.mul(p, y), 2))), 1))
    save([p, c])
    const gradFunc = (dy, [said, mean]) => tf.mul(tf.add(tf.sub(said, y), tf.mul(tf.sub(said, mean), RHO)), tf.div(dy, BATCH))
    return { value: tf.sum(losses), gradFunc }
  })(logits)
  return { value, losses }
}
