// Plain JavaScript over Float32Array: what one would write without a library.

import { ADAM } from '../../../dist/src/train/optimizer.js'
import { BATCH, batchAt, layersOf, RHO, transposed } from '../workloads.js'

/** c (M,N) += a (M,K) · b (K,N): i, k, j. */
export function plainNN(c, a, b, M, N, K) {
  for (let i = 0; i < M; i++) {
    for (let k = 0; k < K; k++) {
      const x = a[i * K + k]
      for (let j = 0; j < N; j++) c[i * N + j] += x * b[k * N + j]
    }
  }
}

/** c (K,N) += aᵀ · b, a (M,K), b (M,N). */
function plainTN(c, a, b, M, N, K) {
  for (let i = 0; i < M; i++) {
    for (let k = 0; k < K; k++) {
      const x = a[i * K + k]
      for (let j = 0; j < N; j++) c[k * N + j] += x * b[i * N + j]
    }
  }
}

/** c (M,K) = a (M,N) · bᵀ, b (K,N). */
function plainNT(c, a, b, M, N, K) {
  for (let i = 0; i < M; i++) {
    for (let k = 0; k < K; k++) {
      let sum = 0
      for (let j = 0; j < N; j++) sum += a[i * N + j] * b[k * N + j]
      c[i * K + k] = sum
    }
  }
}

/** A training step of students without encoders. @returns {() => Float64Array} one step; task losses before it, by student */
export function plainStep(work) {
  const { students, blocks, values, labels, outputs: D, features } = work
  const M = students.length
  const room = (n) => new Float32Array(n)
  const nets = students.map((student, i) =>
    layersOf(student, blocks[i]).head.map((l) => {
      const parameter = (start) => ({ p: start, g: room(start.length), m: room(start.length), v: room(start.length) })
      const w = parameter(transposed(l))
      return { ...l, w, b: parameter(l.bias.slice()), y: room(BATCH * l.outputs), dy: room(BATCH * l.outputs) }
    }),
  )
  const mean = room(BATCH * D)
  const said = nets.map(() => room(BATCH * D))
  let t = 0
  let [beta1t, beta2t] = [1, 1]
  return () => {
    const at = batchAt(work, t++)
    const x = values[0].subarray(at * features[0], (at + BATCH) * features[0])
    const losses = new Float64Array(M)
    mean.fill(0)
    nets.forEach((net, i) => {
      let input = x
      for (const l of net) {
        forward(l, input)
        input = l.y
      }
      softmax(said[i], input, D)
      for (let k = 0; k < BATCH * D; k++) mean[k] += said[i][k] / M
      for (let b = 0; b < BATCH; b++) losses[i] -= Math.log(said[i][b * D + labels[at + b]]) / BATCH
    })
    beta1t *= ADAM.beta1
    beta2t *= ADAM.beta2
    nets.forEach((net, i) => {
      const { dy } = net[net.length - 1]
      for (let k = 0; k < BATCH * D; k++) dy[k] = ((1 + RHO) * said[i][k] - RHO * mean[k]) / BATCH
      for (let b = 0; b < BATCH; b++) dy[b * D + labels[at + b]] -= 1 / BATCH
      for (let l = net.length - 1; l >= 0; l--) backward(net, l, x)
      for (const { w, b } of net) for (const parameter of [w, b]) adam(parameter, beta1t, beta2t)
    })
    return losses
  }
}

function forward({ inputs, outputs, w, b, y, relu }, x) {
  for (let r = 0; r < BATCH; r++) y.set(b.p, r * outputs)
  plainNN(y, x, w.p, BATCH, outputs, inputs)
  if (relu) for (let i = 0; i < y.length; i++) if (y[i] < 0) y[i] = 0
}

function backward(net, l, x) {
  const { inputs, outputs, w, b, y, dy, relu } = net[l]
  if (relu) for (let i = 0; i < y.length; i++) if (y[i] === 0) dy[i] = 0
  w.g.fill(0)
  b.g.fill(0)
  plainTN(w.g, l > 0 ? net[l - 1].y : x, dy, BATCH, outputs, inputs)
  for (let r = 0; r < BATCH; r++) for (let o = 0; o < outputs; o++) b.g[o] += dy[r * outputs + o]
  if (l > 0) plainNT(net[l - 1].dy, dy, w.p, BATCH, outputs, inputs)
}

function softmax(out, z, D) {
  for (let at = 0; at < z.length; at += D) {
    let most = z[at]
    for (let d = 1; d < D; d++) most = Math.max(most, z[at + d])
    let sum = 0
    for (let d = 0; d < D; d++) {
      out[at + d] = Math.exp(z[at + d] - most)
      sum += out[at + d]
    }
    for (let d = 0; d < D; d++) out[at + d] /= sum
  }
}

function adam({ p, g, m, v }, beta1t, beta2t) {
  const { rate, beta1, beta2, epsilon } = ADAM
  const step = rate / (1 - beta1t)
  const root = Math.sqrt(1 - beta2t)
  for (let i = 0; i < p.length; i++) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i]
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i]
    p[i] -= (step * m[i]) / (Math.sqrt(v[i]) / root + epsilon)
  }
}
