import { describe, expect, test } from 'vitest'
import { PENALTIES, type RidgeRows, ridgePath } from '../../src/train/ridge.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { numbers } from '../kernels/harness.ts'
import { module } from '../recipe/studies.ts'

/** Rows in a session, and the same in f64. */
function rowsOf(task: RidgeRows['task'], n: number, width: number, outputs: number, seed: number) {
  const random = numbers(seed)
  const x = Float32Array.from(random.f64(n * width, -2, 2))
  const truth = random.f64(outputs * width, -1, 1)
  const said = Array.from({ length: n }, (_, b) =>
    Array.from({ length: outputs }, (_, d) => {
      let sum = 0.3 * d
      for (let j = 0; j < width; j++) sum += truth[d * width + j] * x[b * width + j]
      return sum
    }),
  )
  const labels = Int32Array.from(said, (z) => z.indexOf(Math.max(...z)))
  // Some labels are wrong, so that no plane parts the classes.
  for (let b = 0; b < n; b += 7) labels[b] = (labels[b] + 1) % outputs
  const values = Float32Array.from(said.flat())
  const weights = Float32Array.from(random.f64(n, 0.5, 1.5))
  const sum = weights.reduce((a, b) => a + b, 0)
  const shares = weights.map((w) => w / sum)
  const session = openTrainSession(module)
  const { memory } = session
  const target = task === 'classification' ? labels : values
  const rows = { x: memory.put(x), rows: n, width, task, target: memory.put(target), outputs, weights: memory.put(shares) }
  return { session, rows, x, target, shares }
}

function run<T>(work: Generator<void, T>): T {
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}

/** The gradient of the penalised mean loss, in f64. */
function slope({ x, target, shares, rows }: ReturnType<typeof rowsOf>, block: Float32Array, penalty: number): number[] {
  const { rows: n, width, outputs: D } = rows
  const out = Array.from(block, (v, j) => (j < width * D ? penalty * v : 0))
  for (let b = 0; b < n; b++) {
    const z = Array.from({ length: D }, (_, d) => {
      let sum = block[width * D + d]
      for (let j = 0; j < width; j++) sum += block[d * width + j] * x[b * width + j]
      return sum
    })
    const most = Math.max(...z)
    const e = z.map((v) => Math.exp(v - most))
    const total = e.reduce((p, q) => p + q, 0)
    z.forEach((v, d) => {
      const g = target instanceof Int32Array ? e[d] / total - (target[b] === d ? 1 : 0) : ((v - target[b * D + d]) * 2) / D
      for (let j = 0; j < width; j++) out[d * width + j] += shares[b] * g * x[b * width + j]
      out[width * D + d] += shares[b] * g
    })
  }
  return out
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0))

describe.each([
  ['classification', 80, 5, 3],
  ['classification', 30, 70, 2],
  ['regression', 60, 4, 1],
  ['regression', 25, 40, 2],
] as const)('%s with %i rows, %i features and %i outputs', (task, n, width, outputs) => {
  const set = rowsOf(task, n, width, outputs, 5)
  const path = run(ridgePath(set.session, set.rows))

  test('each block is where its penalised loss is lowest: the gradient there is a thousandth of the one at 0', () => {
    const zero = norm(slope(set, new Float32Array((width + 1) * outputs), 0))
    path.forEach((block, l) => {
      expect(norm(slope(set, block, PENALTIES[l])), `penalty ${PENALTIES[l]}`).toBeLessThan(4e-3 * zero)
    })
  })

  test('the weaker the penalty, the larger the weights', () => {
    const sizes = path.map((block) => norm(block.subarray(0, width * outputs)))
    sizes.slice(1).forEach((size, l) => {
      expect(size).toBeGreaterThan(sizes[l])
    })
  })

  test('leaves memory as it was, and gives the same again', () => {
    const mark = set.session.memory.mark()
    expect(run(ridgePath(set.session, set.rows))).toEqual(path)
    expect(set.session.memory.mark()).toBe(mark)
  })
})

test('a regression of one feature is the textbook formula', () => {
  const set = rowsOf('regression', 40, 1, 1, 9)
  const [block] = run(ridgePath(set.session, set.rows, [0.5]))
  const { x, target, shares } = set
  const mean = (of: (b: number) => number) => Array.from(shares).reduce((sum, w, b) => sum + w * of(b), 0)
  const [mx, my] = [mean((b) => x[b]), mean((b) => target[b])]
  const slopeOf = (2 * mean((b) => (x[b] - mx) * (target[b] - my))) / (2 * mean((b) => (x[b] - mx) ** 2) + 0.5)
  expect(block[0]).toBeCloseTo(slopeOf, 4)
  expect(block[1]).toBeCloseTo(my - slopeOf * mx, 4)
})
