import { describe, expect, test } from 'vitest'
import { type FittedRows, type Norm, penalisedPath, penaltiesOf } from '../../src/train/penalised.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { numbers } from '../kernels/harness.ts'
import { module } from '../recipe/studies.ts'

type Task = FittedRows['task']

/** Rows in f64 and out of a session. */
interface Rows {
  readonly task: Task
  readonly rows: number
  readonly width: number
  readonly outputs: number
  readonly x: Float32Array<ArrayBuffer>
  readonly target: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>
  readonly shares: Float32Array<ArrayBuffer>
}

/** Shares of all, as large as the weights. */
function sharesOf(weights: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const sum = Array.from(weights).reduce((a, b) => a + b, 0)
  return Float32Array.from(weights, (w) => w / sum)
}

/** Uniform features, and a target that is linear in them but for every seventh row. */
function rowsOf(task: Task, rows: number, width: number, outputs: number, seed = 5): Rows {
  const random = numbers(seed)
  const x = random.f32(rows * width, -2, 2)
  const truth = random.f64(outputs * width)
  const said = Array.from({ length: rows }, (_, b) =>
    Array.from({ length: outputs }, (_, d) => {
      let sum = 0.3 * d + (b % 7 === 0 ? 1 : 0)
      for (let j = 0; j < width; j++) sum += truth[d * width + j] * x[b * width + j]
      return sum
    }),
  )
  // Some labels are wrong, so that no plane parts the classes.
  const labels = Int32Array.from(said, (z, b) => (z.indexOf(Math.max(...z)) + (b % 7 === 0 ? 1 : 0)) % outputs)
  const target = task === 'classification' ? labels : Float32Array.from(said.flat())
  return { task, rows, width, outputs, x, target, shares: sharesOf(random.f64(rows, 0.5, 1.5)) }
}

/** Its path, after how many steps, and whether memory is as it was. */
function pathOf(of: Rows, norm: Norm, more?: (block: Float32Array) => boolean) {
  const session = openTrainSession(module)
  const { memory } = session
  const rows = { ...of, x: memory.put(of.x), target: memory.put(of.target), weights: memory.put(of.shares) }
  const mark = memory.mark()
  const work = penalisedPath(session, rows, norm, more)
  let steps = 0
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done) return { path: turn.value, steps, left: memory.mark() - mark }
    steps++
  }
}

/** The mean loss and its gradient, in f64. */
function lossAt({ x, target, shares, rows, width, outputs: D }: Rows, block: ArrayLike<number>) {
  const gradient = new Float64Array((width + 1) * D)
  let loss = 0
  for (let b = 0; b < rows; b++) {
    const z = Array.from({ length: D }, (_, d) => {
      let sum = block[width * D + d]
      for (let j = 0; j < width; j++) sum += block[d * width + j] * x[b * width + j]
      return sum
    })
    const most = Math.max(...z)
    const total = z.reduce((sum, v) => sum + Math.exp(v - most), 0)
    const slopes = z.map((v, d) => {
      if (target instanceof Int32Array) return Math.exp(v - most) / total - (target[b] === d ? 1 : 0)
      loss += (shares[b] * (v - target[b * D + d]) ** 2) / D
      return (2 / D) * (v - target[b * D + d])
    })
    if (target instanceof Int32Array) loss += shares[b] * (most + Math.log(total) - z[target[b]])
    slopes.forEach((slope, d) => {
      for (let j = 0; j < width; j++) gradient[d * width + j] += shares[b] * slope * x[b * width + j]
      gradient[width * D + d] += shares[b] * slope
    })
  }
  return { loss, gradient }
}

const weightsOf = ({ width, outputs }: Rows, block: ArrayLike<number>) => Array.from(block).slice(0, width * outputs)
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const length = (values: ArrayLike<number>) => Math.hypot(...Array.from(values))
const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs))

/** What is to be as low as it gets. */
function objective(rows: Rows, norm: Norm, penalty: number, block: ArrayLike<number>): number {
  const mine = weightsOf(rows, block)
  return lossAt(rows, block).loss + penalty * sum(mine.map((w) => (norm === 'squares' ? (w * w) / 2 : Math.abs(w))))
}

/**
 * How far the conditions of a lowest point are from being met, as a part of the gradient at 0: of squares, that the gradient of the
 * whole is 0; of sizes, that the loss falls by λ towards a larger weight and by no more than λ off one that is 0.
 */
function wrong(rows: Rows, norm: Norm, penalty: number, block: ArrayLike<number>): number {
  const free = rows.width * rows.outputs
  const { gradient } = lossAt(rows, block)
  const off = gradient.map((g, j) => {
    if (j >= free) return g
    if (norm === 'squares') return g + penalty * block[j]
    return block[j] === 0 ? Math.max(0, Math.abs(g) - penalty) : g + penalty * Math.sign(block[j])
  })
  const atZero = lossAt(rows, new Float64Array(gradient.length)).gradient
  return norm === 'squares' ? length(off) / length(atZero) : largest(off) / largest(atZero)
}

/** Another way there: proximal gradient steps with momentum (Beck & Teboulle, 2009), given up where it leads uphill. */
function proximal(rows: Rows, norm: Norm, penalty: number, start: Float64Array): Float64Array {
  const free = rows.width * rows.outputs
  const shrunk = (v: number, by: number) => (norm === 'squares' ? v / (1 + by) : Math.sign(v) * Math.max(0, Math.abs(v) - by))
  let [here, ahead, speed, curvature] = [start, start, 1, 1]
  for (let step = 0; step < 1500; step++) {
    const { loss, gradient } = lossAt(rows, ahead)
    let next = ahead
    let moved = ahead
    do {
      next = ahead.map((v, j) => {
        const to = v - gradient[j] / curvature
        return j < free ? shrunk(to, penalty / curvature) : to
      })
      moved = next.map((v, j) => v - ahead[j])
      curvature *= 2
    } while (lossAt(rows, next).loss > loss + sum([...moved.map((v, j) => v * gradient[j] + (curvature / 4) * v * v)]) + 1e-15)
    curvature /= 2
    if (curvature * length(moved) < 1e-8) return next
    const uphill = sum(Array.from(moved, (v, j) => v * (next[j] - here[j]))) < 0
    const faster = uphill ? 1 : (1 + Math.sqrt(1 + 4 * speed * speed)) / 2
    const momentum = uphill ? 0 : (speed - 1) / faster
    ahead = next.map((v, j) => v + momentum * (v - here[j]))
    here = next
    speed = faster
  }
  return here
}

const CASES = [
  ['classification', 80, 5, 3],
  ['classification', 30, 70, 2],
  ['regression', 60, 4, 1],
  ['regression', 25, 40, 2],
] as const

/** What a fit that ends at steps of 3e-6 reaches: a sum of sizes is flatter, in more directions, than one of squares. */
const REACHED = { squares: { gap: 1e-4, wrong: 0.01 }, sizes: { gap: 1e-3, wrong: 0.015 } }

describe.each(['squares', 'sizes'] as const)('a sum of %s', (norm) => {
  describe.each(CASES)('%s with %i rows, %i features and %i outputs', (task, n, width, outputs) => {
    const rows = rowsOf(task, n, width, outputs)
    const { path, left } = pathOf(rows, norm)
    const penalties = penaltiesOf(norm, task)

    test('each block meets the conditions of the lowest point', () => {
      expect(path).toHaveLength(penalties.length)
      path.forEach((block, l) => {
        expect(wrong(rows, norm, penalties[l], block), `penalty ${penalties[l]}`).toBeLessThan(REACHED[norm].wrong)
      })
    })

    test('no other solver gets lower', () => {
      let other: Float64Array = new Float64Array((width + 1) * outputs)
      path.forEach((block, l) => {
        other = proximal(rows, norm, penalties[l], other)
        const [mine, lowest] = [block, other].map((b) => objective(rows, norm, penalties[l], b))
        expect(mine / lowest - 1, `penalty ${penalties[l]}`).toBeLessThan(REACHED[norm].gap)
      })
    })

    test('the weaker the penalty, the larger what is penalised', () => {
      const sizes = path.map((block) => {
        const mine = weightsOf(rows, block)
        return norm === 'squares' ? length(mine) : sum(mine.map(Math.abs))
      })
      sizes.slice(1).forEach((size, l) => {
        expect(size).toBeGreaterThan(sizes[l])
      })
    })

    test('leaves memory as it was, and gives the same again', () => {
      expect(left).toBe(0)
      expect(pathOf(rows, norm).path).toEqual(path)
    })
  })

  test.each(['classification', 'regression'] as const)('a row of a %s that counts three times is there three times', (task) => {
    const rows = rowsOf(task, 60, 4, 2)
    const times = Array.from({ length: 60 }, (_, b) => b % 4)
    const index = times.flatMap((count, b) => Array<number>(count).fill(b))
    const pick = (values: ArrayLike<number>, width: number) =>
      index.flatMap((b) => Array.from({ length: width }, (_, j) => values[b * width + j]))
    const target = task === 'classification' ? Int32Array.from(pick(rows.target, 1)) : Float32Array.from(pick(rows.target, 2))
    const repeated = {
      ...rows,
      rows: index.length,
      x: Float32Array.from(pick(rows.x, 4)),
      target,
      shares: sharesOf(index.map(() => 1)),
    }
    const [weighed, again, plain] = [
      { ...rows, shares: sharesOf(times) },
      repeated,
      { ...rows, shares: sharesOf(times.map(() => 1)) },
    ].map((of) => pathOf(of, norm).path)
    const apart = (a: Float32Array, b: Float32Array) => length(a.map((v, j) => v - b[j])) / length(b)
    weighed.forEach((block, l) => {
      expect(apart(block, again[l])).toBeLessThan(1e-3)
    })
    expect(apart(weighed[9], plain[9])).toBeGreaterThan(0.05)
  })

  test('goes on for as long as it is told to, with each block', () => {
    const rows = rowsOf('classification', 80, 5, 3)
    const whole = pathOf(rows, norm)
    const seen: Float32Array[] = []
    const some = pathOf(rows, norm, (block) => seen.push(block) < 4)
    expect(seen).toEqual(whole.path.slice(0, 4))
    expect(some.path).toEqual(seen)
    expect(some.left).toBe(0)
    expect(some.steps).toBeLessThan(whole.steps)
  })

  test('of no rows, nothing is learned', () => {
    const rows = { ...rowsOf('classification', 0, 5, 3), shares: new Float32Array() }
    for (const block of pathOf(rows, norm).path) expect(block).toEqual(new Float32Array(18))
  })
})

describe('a regression of one feature', () => {
  const rows = rowsOf('regression', 40, 1, 1, 9)
  const { x, target, shares } = rows
  const mean = (of: (b: number) => number) => sum(Array.from(shares, (share, b) => share * of(b)))
  const [mx, my] = [mean((b) => x[b]), mean((b) => target[b])]
  const [product, square] = [mean((b) => (x[b] - mx) * (target[b] - my)), mean((b) => (x[b] - mx) ** 2)]
  const soft = (v: number, by: number) => Math.sign(v) * Math.max(0, Math.abs(v) - by)

  test.each([
    ['squares', (penalty: number) => (2 * product) / (2 * square + penalty)],
    ['sizes', (penalty: number) => soft(2 * product, penalty) / (2 * square)],
  ] as const)('with a sum of %s is the textbook formula', (norm, formula) => {
    pathOf(rows, norm).path.forEach(([weight, bias], l) => {
      const expected = formula(penaltiesOf(norm, 'regression')[l])
      expect(weight).toBeCloseTo(expected, 3)
      expect(bias).toBeCloseTo(my - expected * mx, 3)
    })
  })
})

describe('a sum of sizes', () => {
  const zeros = (rows: Rows, block: Float32Array) => weightsOf(rows, block).filter((w) => w === 0).length
  const signs = (rows: Rows, block: ArrayLike<number>) => weightsOf(rows, block).map((w) => (w > 0 ? 1 : w < 0 ? -1 : 0))

  test.each(CASES)('leaves few weights of a %s with %i rows and %i features, and the weaker it is the more', (...how) => {
    const rows = rowsOf(...how)
    const all = rows.width * rows.outputs
    const counts = pathOf(rows, 'sizes').path.map((block) => all - zeros(rows, block))
    // One may go while others come.
    counts.slice(1).forEach((count, l) => {
      expect(count).toBeGreaterThanOrEqual(counts[l] - 3)
    })
    expect(counts.at(-1)).toBeGreaterThanOrEqual(counts[0])
    if (rows.width > rows.rows) expect(counts.at(-1)).toBeLessThan(0.75 * all)
  })

  test('leaves the weights that another solver leaves', () => {
    const rows = rowsOf('classification', 80, 5, 3)
    let other: Float64Array = new Float64Array(18)
    const counts = pathOf(rows, 'sizes').path.map((block, l) => {
      other = proximal(rows, 'sizes', penaltiesOf('sizes', 'classification')[l], other)
      expect(signs(rows, block)).toEqual(signs(rows, other))
      return zeros(rows, block)
    })
    expect(counts[0]).toBeGreaterThan(10)
    expect(counts.at(-1)).toBeLessThan(8)
  })

  test('leaves none where it outweighs the slope at 0, and the bias is free', () => {
    const rows = rowsOf('regression', 60, 4, 1)
    const faint = { ...rows, target: (rows.target as Float32Array<ArrayBuffer>).map((v) => 7 + v / 100) }
    const [block] = pathOf(faint, 'sizes').path
    expect(weightsOf(rows, block)).toEqual([0, 0, 0, 0])
    expect(block[4]).toBeCloseTo(sum(Array.from(rows.shares, (share, b) => share * faint.target[b])), 3)
  })

  test('finds the two features of thirty that matter', () => {
    const rows = rowsOf('regression', 50, 30, 1)
    const at = (b: number, j: number) => rows.x[b * 30 + j]
    const target = Float32Array.from({ length: 50 }, (_, b) => 2 * at(b, 3) - at(b, 17))
    for (const block of pathOf({ ...rows, target }, 'sizes').path) {
      const left = weightsOf(rows, block).flatMap((w, j) => (Math.abs(w) > 1e-2 ? [j] : []))
      expect(left).toEqual([3, 17])
    }
  })
})
