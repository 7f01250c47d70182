// The matrix products of training, by name of kernel, in GFLOP/s of the processor's time and as a share of its peak at 128 bits.

import { openTrainSession } from '../../../dist/src/wasm/session.js'
import { init, kernels } from '../../../dist/web/index.js'
import { openProbe } from '../machine.js'
import { plainNN } from '../peers/plain.js'
import { interleave, median, summary } from '../rounds.js'

await init({ numerics: 'fast' })

/** Rows, columns and products of each element; `nt` a forward pass, `tn` a weight gradient, `nn` an input gradient. */
const SHAPES = [
  [64, 500, 256, 'nt'],
  [64, 256, 128, 'nt'],
  [64, 128, 64, 'nt'],
  [64, 550, 128, 'nt'],
  [500, 64, 256, 'tn'],
  [128, 64, 64, 'tn'],
  [64, 256, 500, 'nn'],
  [64, 64, 128, 'nn'],
]

/** Names give M×K×N. */
const nameOf = ([M, K, N, kind]) => `${M}x${K}x${N}/${kind}`
const flopOf = ([M, K, N]) => 2 * M * K * N

export async function run({ record, rounds = 9, wants }) {
  const builds = { strict: 'exact', relaxed: 'fast' }
  const measured = Object.keys(builds).flatMap((build) => [
    ...['of-peak', 'of-muladd-peak'].map((of) => `gemm/${build}/${of}`),
    ...SHAPES.map((shape) => `gemm/${build}/${nameOf(shape)}`),
  ])
  if (!wants(...measured, 'gemm/plain-js')) return
  const { fma, muladd, fmaRate, muladdRate } = openProbe()
  const candidates = { fma, muladd }
  for (const [build, numerics] of Object.entries(builds)) {
    for (const shape of SHAPES) candidates[`${build}/${nameOf(shape)}`] = product(shape, numerics)
  }
  candidates['plain-js'] = plainProduct(SHAPES[0])
  const times = await interleave(candidates, { rounds, seconds: 0.04 })
  const rates = (shape, name) => times[name].cpu.map((ms) => flopOf(shape) / ms / 1e6)
  for (const build of Object.keys(builds)) {
    const each = SHAPES.map((shape) => rates(shape, `${build}/${nameOf(shape)}`))
    const inRound = times.fma.cpu.map((_, round) => median(each.map((rate) => rate[round])))
    const share = (name, rate) => summary(inRound.map((mine, round) => mine / rate(times[name].cpu[round])))
    record({ id: `gemm/${build}/of-peak`, unit: '', ...share('fma', fmaRate) })
    record({ id: `gemm/${build}/of-muladd-peak`, unit: '', ...share('muladd', muladdRate) })
    SHAPES.forEach((shape, s) => {
      record({ id: `gemm/${build}/${nameOf(shape)}`, unit: 'GFLOP/s', ...summary(each[s]) })
    })
  }
  record({ id: 'gemm/plain-js', unit: 'GFLOP/s', ...summary(rates(SHAPES[0], 'plain-js')), note: nameOf(SHAPES[0]) })
}

/** c (M,N) of a (M,K) and b (K,N), stored as the kernel wants them. */
function product([M, K, N, kind], numerics) {
  const { kernels: k, memory } = openTrainSession(kernels('train', numerics))
  const [a, b, c] = [M * K, K * N, M * N].map((size, i) => memory.put(numbers(size, i + 1)))
  const kernel = { nt: k.gemmNT, tn: k.gemmTN, nn: k.gemmNN }[kind]
  const [lda, ldb] = [kind === 'tn' ? M : K, kind === 'nt' ? K : N]
  return () => kernel(c, a, b, M, N, K, N, lda, ldb, false)
}

function plainProduct([M, K, N]) {
  const [a, b, c] = [numbers(M * K, 1), numbers(K * N, 2), new Float32Array(M * N)]
  return () => {
    c.fill(0)
    plainNN(c, a, b, M, N, K)
  }
}

/** Numbers that are no pattern, in [-1, 1). */
function numbers(n, seed) {
  let state = seed
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}
