// jax-js on its WebAssembly backend: the whole step, Adam included, compiled by `jit`.
//
// Its arrays are counted: an operation uses up what it is given, `.ref` keeps it.

import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { ADAM } from '../../../dist/src/train/optimizer.js'
import { BATCH, batchAt, layersOf, oneHot, RHO, transposed } from '../workloads.js'

/**
 * A training step of students without encoders, all of the same widths: their layers stand one behind the other, (students, inputs,
 * outputs), which is faster here than one product for each.
 * @returns {Promise<() => Float32Array>} one step; task losses before it, by student
 */
export async function jaxStep(work) {
  await init('wasm')
  defaultDevice('wasm')
  const { students, blocks, values, labels, outputs, features, rows } = work
  const nets = students.map((student, i) => layersOf(student, blocks[i]).head)
  const M = students.length
  const joined = (parts) => {
    const all = new Float32Array(parts.length * parts[0].length)
    parts.forEach((part, i) => {
      all.set(part, i * part.length)
    })
    return np.array(all)
  }
  let params = nets[0].flatMap(({ inputs, outputs: width }, l) => [
    joined(nets.map((net) => transposed(net[l]))).reshape([M, inputs, width]),
    joined(nets.map((net) => net[l].bias)).reshape([M, 1, width]),
  ])
  let first = params.map((p) => np.zeros(p.shape))
  let second = params.map((p) => np.zeros(p.shape))
  const batches = Array.from({ length: rows / BATCH }, (_, b) => [
    np.array(values[0].slice(b * BATCH * features[0], (b + 1) * BATCH * features[0])).reshape([BATCH, features[0]]),
    np.array(oneHot(labels.subarray(b * BATCH, (b + 1) * BATCH), outputs)).reshape([BATCH, outputs]),
  ])
  const step = jit(stepOf(students.length, nets[0].length))
  let [t, beta1t, beta2t] = [0, 1, 1]
  return () => {
    const [x, y] = batches[batchAt(work, t++) / BATCH]
    beta1t *= ADAM.beta1
    beta2t *= ADAM.beta2
    const rates = np.array(new Float32Array([ADAM.rate / (1 - beta1t), 1 / Math.sqrt(1 - beta2t)]))
    let losses
    ;[params, first, second, losses] = step(params, first, second, rates, x.ref, y.ref)
    return losses.dataSync()
  }
}

const stepOf = (M, layers) => (params, first, second, rates, x, y) => {
  const [[total, losses], gradients] = valueAndGrad(lossOf(M, layers), { hasAux: true })(
    params.map((p) => p.ref),
    x,
    y,
  )
  total.dispose()
  const [rate, root] = [rates.ref.slice(0), rates.slice(1)]
  const moved = params.map((p, i) => {
    const g = gradients[i]
    const m = first[i].mul(ADAM.beta1).add(g.ref.mul(1 - ADAM.beta1))
    const v = second[i].mul(ADAM.beta2).add(np.square(g).mul(1 - ADAM.beta2))
    const size = np.sqrt(v.ref).mul(root.ref).add(ADAM.epsilon)
    return [p.sub(m.ref.mul(rate.ref).div(size)), m, v]
  })
  rate.dispose()
  root.dispose()
  return [...[0, 1, 2].map((k) => moved.map((each) => each[k])), losses]
}

/** Σ over students of the cross-entropy and ρ times that from the mean of all softmaxes; and the cross-entropies alone. */
const lossOf = (M, layers) => (params, x, y) => {
  let h = np.broadcastTo(x, [M, BATCH, x.shape[1]])
  for (let l = 0; l < layers; l++) {
    const z = np.matmul(h, params[2 * l]).add(params[2 * l + 1])
    h = l < layers - 1 ? nn.relu(z) : z
  }
  const all = nn.logSoftmax(h)
  const consensus = lax.stopGradient(np.mean(np.exp(all.ref), 0))
  const losses = np.sum(all.ref.mul(y), 2).mean(1).mul(-1)
  const divergence = np.sum(all.mul(consensus), 2).mean(1).mul(-RHO)
  return [losses.ref.add(divergence).sum(), losses]
}
